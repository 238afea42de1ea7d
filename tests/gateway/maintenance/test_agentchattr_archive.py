"""An archive of agentchattr becomes rooms, once, and a faulty one is refused as a whole."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.maintenance.agentchattr_archive import MAX_ARCHIVE_BYTES, name_of, read_archive, room_of
from gateway.maintenance.export_import import Imported, import_from_file
from gateway.operations.dispatch import run_operation
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.shared_document_requests import GetContext
from gateway.protocol.types.core_types import MemberKind
from gateway.server.state_folder.open_hub import open_hub
from gateway.server.state_folder.startup_tokens import system_actor
from gateway.store import MessageQuery, Viewer
from tests.support.gateways import config_for

BASE_S = 1_700_000_000.0
MANIFEST = {"schema_version": 1, "archive_id": "a", "created_at": "2026-11-01T10:00:00Z", "product": "agentchattr"}


def said(uid: str, sender: str, text: str, at: float, **fields: Any) -> dict[str, Any]:
    shape = {
        "id": 7,
        "uid": uid,
        "sender": sender,
        "text": text,
        "type": "chat",
        "timestamp": BASE_S + at,
        "time": "00:01:40",
    }
    return {**shape, "time": "00:01:40", "attachments": [], "channel": "planning", **fields}


MESSAGES = [
    said("m1", "Ben", "a tighter loop", 100.0),
    said("m2", "codex-2", "begin with tests", 101.0, reply_to=7, reply_to_uid="m1", metadata={"source": "test"}),
    said("m3", "Ben", "", 102.0, attachments=[{"name": "plan.png", "url": "/uploads/plan.png"}], channel="general"),
    said("m4", "codex-2", "codex-2 disconnected", 103.0, type="leave", channel="general"),
    said("m5", "all", "me, too", 104.0, channel="General Talk!"),
    said("m6", "Ben", "", 105.0),
]
JOBS = [
    {
        "id": 3,
        "uid": "job-1",
        "title": "Review",
        "status": "done",
        "channel": "planning",
        "created_by": "Ben",
        "assignee": "codex-2",
        "body": "Check it.",
        "created_at": BASE_S + 100.5,
        "updated_at": BASE_S + 250.0,
        "messages": [{"uid": "j1", "sender": "codex-2", "text": "Checked.", "timestamp": BASE_S + 200.0}],
    }
]
RULES = [{"id": 1, "uid": "r1", "text": "Be kind.", "author": "Ben", "status": "active", "reason": "why not"}]
SUMMARIES = [
    {"channel": "planning", "uid": "s1", "text": "We plan.", "author": "codex-2", "updated_at": BASE_S + 300.0}
]


def packed(folder: Path, **changed: Any) -> Path:
    """An archive; a changed part of None is left out, and bytes are taken as they are."""
    parts: dict[str, Any] = {
        "manifest.json": MANIFEST,
        "messages.jsonl": "".join(json.dumps(one) + "\n" for one in MESSAGES).encode(),
        "jobs.json": JOBS,
        "rules.json": RULES,
        "summaries.json": SUMMARIES,
    }
    parts |= {name.replace("_", "."): part for name, part in changed.items()}
    file = folder / "agentchattr-export.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            if part is not None:
                archive.writestr(name, part if isinstance(part, bytes) else json.dumps(part))
    return file


async def test_channels_become_rooms_with_their_messages_jobs_rules_and_summaries(tmp_path: Path) -> None:
    config, file = config_for(tmp_path / "state"), packed(tmp_path)
    done = await import_from_file(config, file, None)
    assert done == Imported("general, general-talk, planning", 7, 0)
    assert await import_from_file(config, file, None) == Imported("general, general-talk, planning", 0, 7)
    async with open_hub(config) as hub:
        query = MessageQuery(Viewer("alice", True), "planning", limit=100)
        found = [msgspec.json.decode(one.event) for one in reversed(await hub.store.messages(query))]
        shown = [(one["from"], one["content"], one["timestamp"][11:21]) for one in found]
        assert shown == [
            ("ben", "a tighter loop", "22:15:00.0"),
            ("ben", "Job: Review (done)\nCheck it.", "22:15:00.5"),
            ("codex-2", "begin with tests", "22:15:01.0"),
            ("codex-2", "Checked.", "22:16:40.0"),
        ]
        assert (found[2]["reply_to"], found[3]["reply_to"]) == (found[0]["seq"], found[1]["seq"])
        kinds = {name: hub.state.members[name].member.kind for name in ("ben", "codex-2", "all-agentchattr")}
        assert kinds == {"ben": MemberKind.HUMAN, "codex-2": MemberKind.AGENT, "all-agentchattr": MemberKind.HUMAN}
        query = MessageQuery(Viewer("alice", True), "general", limit=100)
        general = [msgspec.json.decode(one.event) for one in reversed(await hub.store.messages(query))]
        assert [(one["from"], one["kind"], one["content"]) for one in general] == [
            ("ben", "chat", "[image plan.png, not in the archive]"),
            ("system", "system", "codex-2 disconnected"),
        ]
        for scope, name, document in (
            ("#general", "agentchattr-rules", {"rules": RULES}),
            ("#planning", "agentchattr-summary", {"text": "We plan."}),
        ):
            kept = await run_operation(hub, system_actor(), GetContext(scope=scope, name=name))
            assert msgspec.json.decode(kept.document) == document


async def test_a_later_archive_adds_only_what_is_new(tmp_path: Path) -> None:
    config = config_for(tmp_path / "state")
    await import_from_file(config, packed(tmp_path), None)
    more = [said("m0", "Ben", "earlier, from elsewhere", 50.0), *MESSAGES, said("m9", "Ben", "later", 400.0)]
    later = packed(tmp_path, messages_jsonl="".join(json.dumps(one) + "\n" for one in more).encode())
    assert await import_from_file(config, later, None) == Imported("general, general-talk, planning", 2, 7)


async def test_all_of_it_can_go_into_one_room(tmp_path: Path) -> None:
    config = config_for(tmp_path / "state")
    assert await import_from_file(config, packed(tmp_path), "old") == Imported("old", 7, 0)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no manifest": ({"manifest_json": None}, "manifest.json is invalid"),
    "another product": ({"manifest_json": {**MANIFEST, "product": "other"}}, "not of agentchattr"),
    "a newer format": ({"manifest_json": {**MANIFEST, "schema_version": 2}}, "has format 2"),
    "a line that is no JSON": ({"messages_jsonl": b'{"text":"x"}\n{'}, "messages.jsonl, line 2 is invalid"),
    "a time that is none": (
        {"messages_jsonl": b'{"text":"x","timestamp":"then"}'},
        "messages.jsonl, line 1 is invalid",
    ),
    "a time beyond all": ({"messages_jsonl": b'{"text":"x","timestamp":1e300}'}, "is invalid, so nothing"),
    "a text with NUL": ({"messages_jsonl": b'{"text":"a\\u0000b","timestamp":1}'}, "invalid, so nothing"),
    "jobs that are no list": ({"jobs_json": {}}, "jobs.json is invalid"),
}


async def test_a_faulty_archive_is_refused_and_nothing_is_imported(tmp_path: Path) -> None:
    config = config_for(tmp_path / "state")
    for name, (changed, why) in BAD.items():
        with pytest.raises(BadRequest, match=why):
            await import_from_file(config, packed(tmp_path, **changed), None)
            pytest.fail(name)
    cut = packed(tmp_path)
    cut.write_bytes(cut.read_bytes()[:-200])
    with pytest.raises(BadRequest):
        await import_from_file(config, cut, None)
    async with open_hub(config) as hub:
        assert set(hub.state.rooms) == {"general"}


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    bomb = packed(tmp_path, rules_json=b" " * (MAX_ARCHIVE_BYTES + 1))
    with pytest.raises(BadRequest, match="holds more than"):
        read_archive(bomb)


@pytest.mark.parametrize(
    ("given", "name", "room"),
    [
        ("Claude", "claude", "claude"),
        ("Ann Lee", "ann-lee", "ann-lee"),
        ("🚀", "unknown", "general"),
        ("system", "system", "system"),
        ("--x--", "x", "x"),
        ("all", "all-agentchattr", "all"),
        ("y" * 90, "y" * 60, "y" * 60),
    ],
)
def test_names_are_made_to_fit(given: str, name: str, room: str) -> None:
    assert (name_of(given), room_of(given)) == (name, room)
