"""Shared context with a gateway around it: every interface, many writers, bad input, kill -9."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.client import Client, Endpoint
from gateway.model.records.shared_document_records import FULL_COPY_EVERY_VERSIONS, MAX_INLINE_BYTES, merge_documents
from gateway.protocol.errors import Conflict, GroupChatError, NotFound, StorageFull
from gateway.protocol.events import ContextEvent, Message
from gateway.protocol.requests.connection_requests import Events, Hello
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.room_requests import CreateRoom
from gateway.protocol.requests.shared_document_requests import (
    ContextChanges,
    Contexts,
    DeleteContext,
    GetContext,
    MergeContext,
    PutContext,
)
from gateway.protocol.results import (
    ContextDocument,
    ContextHistory,
    ContextList,
    ContextSaved,
    Done,
    EventPage,
    TokenMade,
)
from gateway.store.sqlite import SqliteStore
from tests.support.assembled import StumblingStore, assembled
from tests.support.gateways import Gateway, GatewayProcess
from tests.support.simple import SimpleClient, simple_client

Json = dict[str, Any]
MAIN = "/v1/contexts/global/main"
ROOM = "/v1/contexts/%23general/main"
MIB = 1024 * 1024


@pytest.fixture
async def rest(gateway: Gateway) -> AsyncIterator[SimpleClient]:
    async with simple_client(gateway.url, gateway.operator.token) as client:
        yield client


async def get(client: Client, version: int | None = None, scope: str = "global") -> ContextDocument:
    return await client.request(GetContext(scope=scope, version=version), ContextDocument)


async def merge(client: Client, patch: Json, version: int | None = None) -> ContextSaved:
    return await client.request(MergeContext(scope="global", patch=patch, version=version), ContextSaved)


async def changes(client: Client, before: int | None = None, limit: int = 50) -> ContextHistory:
    return await client.request(ContextChanges(scope="global", before=before, limit=limit), ContextHistory)


# over HTTP


async def test_a_document_over_rest(rest: SimpleClient) -> None:
    made = await rest.ask("PUT", ROOM, body={"document": {"a": [1]}, "version": 0})
    assert made.body | {"seq": 0} == {"scope": "#general", "name": "main", "version": 1, "size": 9, "seq": 0}
    after = await rest.ask("POST", f"{ROOM}/merge", body={"patch": {"a": [1, 2]}, "version": 1})
    assert (after.status, after.body["version"]) == (200, 2)
    found = (await rest.get(ROOM)).body
    assert (found["document"], found["version"], found["by"]) == ({"a": [1, 2]}, 2, "alice")
    assert (await rest.get(ROOM, version=1)).body["document"] == {"a": [1]}
    story = (await rest.get(f"{ROOM}/history")).body["changes"]
    assert [(one["version"], one["action"], one["by"]) for one in story] == [(2, "merge", "alice"), (1, "put", "alice")]
    assert (story[0]["patch"], story[1]["document"]) == ({"a": [1, 2]}, {"a": [1]})
    assert [one["name"] for one in (await rest.get("/v1/contexts", scope="#general")).body["contexts"]] == ["main"]
    assert (await rest.ask("DELETE", ROOM, version=2)).status == 200
    assert (await rest.get(ROOM)).body["error"]["code"] == "not_found"
    assert (await rest.get(ROOM, version=2)).body["document"] == {"a": [1, 2]}
    assert (await rest.get("/v1/contexts")).body == {"contexts": []}


BAD: list[tuple[str, str, bytes, int, str]] = [
    ("PUT", MAIN, b'{"document":[1]}', 400, "bad_request"),
    ("PUT", MAIN, b'{"document":"text"}', 400, "bad_request"),
    ("PUT", MAIN, b'{"document":null}', 400, "bad_request"),
    ("PUT", MAIN, b"{}", 400, "bad_request"),
    ("PUT", MAIN, b'{"document":{}', 400, "bad_json"),
    ("PUT", MAIN, b'{"document":{"a":"\\ud800"}}', 400, "bad_json"),
    ("PUT", MAIN, b'{"document":{},"verison":1}', 400, "unknown_field"),
    ("PUT", MAIN, b'{"document":{},"version":-1}', 400, "bad_request"),
    ("PUT", MAIN, b'{"document":{},"version":7}', 409, "conflict"),
    ("PUT", MAIN, b'{"document":{"a":' + b"[" * 100 + b"]" * 100 + b"}}", 400, "bad_request"),
    ("PUT", MAIN, b'{"document":{"a":"' + b"x" * MIB + b'"}}', 413, "too_large"),
    ("PUT", MAIN, b'{"document":{"a":"' + b"x" * 5 * MIB + b'"}}', 413, "too_large"),
    ("PUT", "/v1/contexts/%23nowhere/main", b'{"document":{}}', 404, "unknown_room"),
    ("PUT", "/v1/contexts/%40nobody/main", b'{"document":{}}', 404, "not_found"),
    ("PUT", "/v1/contexts/general/main", b'{"document":{}}', 400, "invalid_name"),
    ("PUT", "/v1/contexts/global/a%20b", b'{"document":{}}', 400, "invalid_name"),
    ("POST", f"{MAIN}/merge", b'{"patch":[1]}', 400, "bad_request"),
    ("POST", f"{MAIN}/merge", b'{"patch":{},"version":7}', 409, "conflict"),
    ("POST", f"{MAIN}/merge", b'{"patch":{"a":"' + b"x" * MIB + b'"}}', 413, "too_large"),
    ("GET", f"{MAIN}?version=2", b"", 404, "not_found"),
    ("GET", f"{MAIN}?version=0", b"", 400, "bad_request"),
    ("GET", "/v1/contexts/global/other", b"", 404, "not_found"),
    ("GET", "/v1/contexts/global/other/history", b"", 404, "not_found"),
    ("GET", "/v1/contexts?scope=%23nowhere", b"", 404, "unknown_room"),
    ("DELETE", "/v1/contexts/global/other", b"", 404, "not_found"),
    ("DELETE", f"{MAIN}?version=9", b"", 409, "conflict"),
]


async def test_bad_input_changes_nothing_and_is_told(rest: SimpleClient) -> None:
    await rest.ask("PUT", MAIN, body={"document": {"kept": True}})
    for method, path, body, status, code in BAD:
        answer = await rest.ask(method, path, data=body)
        error = answer.body["error"]
        assert (answer.status, error["code"]) == (status, code), (method, path, body[:60], error)
        assert len(error["message"]) < 1000
    found = (await rest.get(MAIN)).body
    assert (found["version"], found["document"]) == (1, {"kept": True})


async def test_two_halves_that_are_too_large_together(gateway: Gateway) -> None:
    async with Client(gateway.operator) as alice:
        await merge(alice, {"a": "x" * (MIB // 2)})
        with pytest.raises(GroupChatError, match="the maximum is 1048576"):
            await merge(alice, {"b": "x" * (MIB // 2)})
        assert (await get(alice)).version == 1


# what is pushed


async def test_a_change_is_pushed_and_replayed_to_those_who_may_read_it_alone(gateway: Gateway) -> None:
    claude = await gateway.member("claude")
    async with Client(gateway.operator, Hello(echo=True)) as alice, Client(claude) as agent:
        await alice.request(CreateRoom(room="den", invite_only=True), Done)
        since = alice.welcome.last_seq
        for scope in ("#den", "@alice", "#general", "global"):
            await alice.request(PutContext(scope=scope, document={"in": scope}), ContextSaved)
        await alice.send("last")
        assert await _scopes(agent) == ["@alice", "#general", "global"]
        assert await _scopes(alice) == ["#den", "@alice", "#general", "global"]
        page = await agent.request(Events(since=since), EventPage)
        assert b"den" not in b"".join(bytes(one) for one in page.events)
        assert [one.scope for one in (await agent.request(Contexts(), ContextList)).contexts] == [
            "#general",
            "@alice",
            "global",
        ]
    async with Client(claude, Hello(since=since)) as again:
        assert await _scopes(again) == ["@alice", "#general", "global"]


async def _scopes(client: Client) -> list[str]:
    seen = []
    async for event in client.events():
        if isinstance(event, ContextEvent):
            assert event.document == {"in": event.scope}
            seen.append(event.scope)
        if isinstance(event, Message) and event.content == "last":
            return seen
    raise AssertionError


async def test_the_tools_of_an_agent_may_write_what_it_may(gateway: Gateway) -> None:
    async with simple_client(gateway.url, (await gateway.member("claude")).token) as claude:
        hands = claude.with_token((await claude.ask("POST", "/v1/me/hands", body={})).body["token"])
        for scope, status in (("%40claude", 200), ("%23general", 200), ("global", 200), ("%40alice", 403)):
            answer = await hands.ask("PUT", f"/v1/contexts/{scope}/main", body={"document": {"by": "claude"}})
            assert answer.status == status, scope
        assert (await hands.get(MAIN)).body["by"] == "claude"


# many writers


async def test_merges_of_many_at_once_are_all_in_it(gateway: Gateway) -> None:
    endpoints = [gateway.operator, *[await gateway.member(f"agent-{number}") for number in range(3)]]

    async def write(endpoint: Endpoint, who: int) -> None:
        async with Client(endpoint) as client:
            for number in range(15):
                await merge(client, {"items": [f"{who}-{number}"], "last": who})

    await asyncio.gather(*(write(endpoint, who) for who, endpoint in enumerate(endpoints)))
    async with Client(gateway.operator) as alice:
        found = await get(alice)
        assert sorted(found.document["items"]) == sorted(f"{who}-{number}" for who in range(4) for number in range(15))
        assert found.version == 60
        for who in range(4):
            own = [one for one in found.document["items"] if one.startswith(f"{who}-")]
            assert own == [f"{who}-{number}" for number in range(15)]


async def test_of_those_who_believe_in_the_same_version_one_wins(gateway: Gateway) -> None:
    async with Client(gateway.operator) as alice:
        await merge(alice, {"a": 0})
        tries = [merge(alice, {"winner": number}, 1) for number in range(8)]
        done = await asyncio.gather(*tries, return_exceptions=True)
        assert sorted(type(one).__name__ for one in done) == ["Conflict"] * 7 + ["ContextSaved"]
        won = next(number for number, one in enumerate(done) if isinstance(one, ContextSaved))
        assert (await get(alice)).document == {"a": 0, "winner": won}


async def test_what_was_not_committed_was_not(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    store = StumblingStore(tmp_path / "state" / "groupchat.db")
    async with assembled(tmp_path / "state", store=store) as gateway, Client(gateway.operator) as alice:
        await merge(alice, {"a": 1})
        store.stumble = lambda: StorageFull("no room")
        for request in (
            PutContext(scope="global", document={"b": 1}),
            MergeContext(scope="global", patch={"b": 1}),
            DeleteContext(scope="global"),
        ):
            with pytest.raises(StorageFull):
                await alice.request(request, Done)
        store.stumble = None
        assert (await get(alice)).document == {"a": 1}
        assert (await merge(alice, {"c": 1}, 1)).version == 2


# the past


async def test_every_version_can_be_read_again(gateway: Gateway) -> None:
    chance, wanted = random.Random(7), list[Json | None]()
    async with Client(gateway.operator) as alice:
        for number in range(FULL_COPY_EVERY_VERSIONS + 12):
            patch = {"n": [number], "large": "x" * MAX_INLINE_BYTES * chance.randint(0, 1) + str(number)}
            if number in (9, FULL_COPY_EVERY_VERSIONS - 1):
                await alice.request(DeleteContext(scope="global"), Done)
                wanted.append(None)
            elif number % 11 == 3:
                await alice.request(PutContext(scope="global", document=patch), ContextSaved)
                wanted.append(patch)
            else:
                await merge(alice, patch)
                wanted.append(merge_documents((wanted[-1] if wanted else None) or {}, patch))
        for version, document in enumerate(wanted, start=1):
            if document is None:
                with pytest.raises(NotFound, match="was deleted"):
                    await get(alice, version)
            else:
                found = await get(alice, version)
                assert (found.version, found.document) == (version, document)


async def test_history_has_pages(gateway: Gateway) -> None:
    async with Client(gateway.operator) as alice:
        for number in range(7):
            await merge(alice, {"n": number})
        page = await changes(alice, limit=3)
        assert ([one.version for one in page.changes], page.more) == ([7, 6, 5], True)
        page = await changes(alice, limit=4, before=5)
        assert ([one.version for one in page.changes], page.more) == ([4, 3, 2, 1], False)
        assert (await changes(alice, before=1)).changes == ()
        assert len((await changes(alice, before=99)).changes) == 7


# restart


async def test_it_outlives_kill_9(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state")
    large = {"text": "x" * (MIB - 100)}
    with process.running():
        async with Client(process.operator) as alice:
            made = await alice.request(CreateToken(name="claude"), TokenMade)
            await alice.request(PutContext(scope="global", name="large", document=large), ContextSaved)
            for number in range(5):
                await merge(alice, {"n": [number]})
            await alice.request(PutContext(scope="@alice", document={"a": 1}), ContextSaved)
            await alice.request(DeleteContext(scope="@alice"), Done)
            process.kill()
    with process.running():
        async with Client(process.operator) as alice, Client(Endpoint(process.url, made.token)) as claude:
            assert (await get(claude)).document == {"n": [0, 1, 2, 3, 4]}
            assert (await get(claude, 2)).document == {"n": [0, 1]}
            assert [one.by for one in (await changes(claude)).changes] == ["alice"] * 5
            found = await claude.request(GetContext(scope="global", name="large"), ContextDocument)
            assert found.document == large
            with pytest.raises(Conflict, match="has version 5"):
                await merge(claude, {"n": [9]}, 4)
            assert (await merge(claude, {"n": [9]}, 5)).version == 6
            again = PutContext(scope="@alice", document={"a": 1}, version=0)
            assert (await alice.request(again, ContextSaved)).version == 3


async def test_memory_holds_no_document(tmp_path: Path) -> None:
    async with assembled(tmp_path / "state") as gateway, Client(gateway.operator) as alice:
        await merge(alice, {"text": "x" * (MIB - 100)})
        store = SqliteStore(gateway.config.state / "groupchat.db")
        loaded = await store.load()
        await store.close()
        assert sum(len(one.body or b"") for one in loaded.documents) < 10_000
        assert [one.key for one in loaded.documents if one.kind == "context"] == ["global/main"]
