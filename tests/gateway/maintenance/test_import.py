"""What an import takes, and that it takes all of a file or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.client import Client
from gateway.maintenance.export_import import Imported, export_to_file, import_from_file
from gateway.protocol.errors import BadRequest, RoomExists
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.room_requests import CreateRoom, RemoveRoom
from gateway.protocol.results import Done
from gateway.runtime.config import Config
from gateway.server.state_folder.open_hub import open_hub
from gateway.store import MessageQuery, Viewer
from tests.support.gateways import config_for, gateway_in_process

AT = "2026-11-21T10:00:00.000Z"
HEAD = {"groupchat": 1, "room": {"name": "annals", "topic": "old"}, "kinds": {"bob": "human", "claude": "agent"}}


def said(seq: int, **fields: Any) -> dict[str, Any]:
    shape = {"ev": "message", "seq": seq, "id": f"m-{seq}", "room": "annals", "from": "bob", "to": ["@all"]}
    return {**shape, "kind": "chat", "content": f"number {seq}", "timestamp": AT, **fields}


def document(**fields: Any) -> dict[str, Any]:
    shape = {"ev": "context", "seq": 0, "scope": "#annals", "name": "main", "version": 1, "action": "put", "by": "bob"}
    return {**shape, "timestamp": AT, "size": 2, "document": {"a": 1}, **fields}


def written(path: Path, *lines: Any) -> Path:
    file = path / "export.jsonl"
    file.write_bytes(b"\n".join(one if isinstance(one, bytes) else msgspec.json.encode(one) for one in lines) + b"\n")
    return file


async def stored(config: Config) -> list[dict[str, Any]]:
    async with open_hub(config) as hub:
        query = MessageQuery(Viewer("alice", True, frozenset({"annals"})), "annals", limit=100)
        found = [msgspec.json.decode(one.event) for one in await hub.store.messages(query)]
        return sorted(found, key=lambda one: one["seq"])


GOOD = [
    said(3),
    {"ev": "receipt", "seq": 4, "room": "annals", "message": 3, "member": "claude", "steps": [], "timestamp": AT},
    said(5, **{"from": "claude"}, reply_to=3, kind="reply"),
    said(6, **{"from": "human"}),
    said(7, **{"from": "system"}, kind="system", context={"continued": {"members": ["claude"]}}),
    said(8, **{"from": "claude"}, kind="system", recipients=["bob"], to=["@bob"]),
    said(9, context={"file": "a.py\nb", "text": "x"}),
    document(),
]


async def test_what_a_gateway_wrote_is_taken_and_what_only_it_may_say_is_not(tmp_path: Path) -> None:
    config = config_for(tmp_path / "state")
    done = await import_from_file(config, written(tmp_path, HEAD, *GOOD), None)
    assert done == Imported("annals", 6, 0)
    found = await stored(config)
    assert [(one["from"], one["kind"], one.get("context")) for one in found] == [
        ("bob", "chat", None),
        ("claude", "reply", None),
        ("human", "chat", None),
        ("system", "system", None),
        ("claude", "chat", None),
        ("bob", "chat", {"file": "a.py b", "text": "x"}),
    ]
    assert found[1]["reply_to"] == found[0]["seq"]
    assert await import_from_file(config, written(tmp_path, HEAD, *GOOD), None) == Imported("annals", 0, 6)


async def test_a_file_is_taken_once_into_each_room(tmp_path: Path) -> None:
    config, file = config_for(tmp_path / "state"), written(tmp_path, HEAD, *GOOD)
    long = "x" * 64
    for room, done in (("annals", (6, 0)), ("copy", (6, 0)), (long, (6, 0)), ("copy", (0, 6)), ("annals", (0, 6))):
        assert await import_from_file(config, file, room) == Imported(room, *done)


async def test_what_another_gateway_said_under_the_same_numbers_is_taken_too(tmp_path: Path) -> None:
    config = config_for(tmp_path / "state")
    await import_from_file(config, written(tmp_path, HEAD, said(3, content="of the office")), None)
    home = written(tmp_path, HEAD, said(3, content="of home"))
    assert await import_from_file(config, home, None) == Imported("annals", 1, 0)
    assert await import_from_file(config, home, None) == Imported("annals", 0, 1)


async def test_the_team_token_still_speaks_for_its_human_after_an_import(tmp_path: Path) -> None:
    config = config_for(tmp_path / "state")
    await import_from_file(config, written(tmp_path, HEAD, said(3, **{"from": "human"})), None)
    async with open_hub(config) as hub:
        assert hub.state.members["human"].by_team


BAD = {
    "no json": b"{",
    "no event": {"ev": "fly"},
    "escape in a name": said(4, **{"from": "bob\x1b[31m"}),
    "blank in a name": said(4, **{"from": "bob claude"}),
    "name with capitals": said(4, **{"from": "Bob"}),
    "reserved name": said(4, **{"from": "all"}),
    "blank in a recipient": said(4, recipients=["bob claude"]),
    "system as a recipient": said(4, recipients=["system"]),
    "line end in a member to wake": said(4, wakes=["bob\nclaude"]),
    "too many members to wake": said(4, wakes=["bob"] * 2000),
    "no address": said(4, to=["bob\nclaude"]),
    "no time": said(4, timestamp="then"),
    "time without a zone": said(4, timestamp="2026-11-21T10:00:00"),
    "time beyond all": said(4, timestamp="9999-12-31T23:59:59-14:00"),
    "number again": said(3),
    "number below": said(2),
    "number beyond": said(2**63),
    "nothing said": said(4, content=" "),
    "NUL": said(4, content="a\x00b"),
    "too long": said(4, content="x" * 300_000),
    "too deep": said(4, context={"a": msgspec.json.decode(b"[" * 100 + b"]" * 100)}),
    "line end in an id": said(4, id="a\nb"),
    "long id": said(4, id="x" * 200),
    "line end in a session": said(4, session="a\nb"),
    "priority": said(4, priority=11),
    "hops": said(4, hops=-1),
    "line end in a part": said(4, parts=[{"type": "file", "path": "a\nb"}]),
    "name of a document": document(name="a b"),
    "author of a document": document(by="bob\n"),
    "document too deep": document(document={"a": msgspec.json.decode(b"[" * 100 + b"]" * 100)}),
}


@pytest.mark.parametrize("name", BAD)
async def test_one_bad_line_and_nothing_is_taken(tmp_path: Path, name: str) -> None:
    config = config_for(tmp_path / "state")
    with pytest.raises(BadRequest, match="Line 3 is invalid, so nothing was imported"):
        await import_from_file(config, written(tmp_path, HEAD, said(3), BAD[name], said(9)), None)
    assert not (tmp_path / "state").exists()


HEADS: list[dict[str, Any]] = [
    {**HEAD, "room": {"name": "an nals"}},
    {**HEAD, "room": {"name": "annals", "topic": "a\nb"}},
    {**HEAD, "room": {"name": "annals", "topic": "x" * 2000}},
    {**HEAD, "kinds": {"bob": "system"}},
    {**HEAD, "kinds": {"b b": "human"}},
]


@pytest.mark.parametrize("head", HEADS)
async def test_a_head_that_no_gateway_wrote(tmp_path: Path, head: dict[str, Any]) -> None:
    config = config_for(tmp_path / "state")
    with pytest.raises(BadRequest, match="Line 1 is invalid, so nothing was imported"):
        await import_from_file(config, written(tmp_path, head, said(3)), None)
    assert not (tmp_path / "state").exists()


async def test_a_removed_room_is_exported_and_taken_elsewhere_but_not_under_its_name(tmp_path: Path) -> None:
    file = tmp_path / "lab.jsonl"
    async with gateway_in_process(tmp_path / "state") as gateway:
        async with Client(gateway.operator, Hello()) as alice:
            await alice.request(CreateRoom(room="lab", invite_only=True, topic="mice"), Done)
            await alice.send("what we said", room="lab")
            await alice.request(RemoveRoom(room="lab"), Done)
        await export_to_file(gateway.operator, "lab", file)
        config = gateway.config
    with pytest.raises(RoomExists, match="--room"):
        await import_from_file(config, file, None)
    assert (await import_from_file(config, file, "lab2")).imported == 2
    async with open_hub(config) as hub:
        record = hub.state.rooms["lab2"]
        assert (record.topic, record.invite_only, record.removed) == ("mice", True, False)
