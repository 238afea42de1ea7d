"""A room that keeps only so much: what goes, what stays, and what everybody is told."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from gateway.client import Client
from gateway.maintenance.export_import import import_from_file
from gateway.model.rule_outcome import RuleOutcome
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import BadRequest, Forbidden, UnknownMessage
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.decision_requests import Propose
from gateway.protocol.requests.mark_requests import Pin, React
from gateway.protocol.requests.message_requests import History, Report, Search, Show
from gateway.protocol.requests.mode_requests import EndMode, SetMode
from gateway.protocol.requests.room_requests import RoomRetention, SetRetention
from gateway.protocol.requests.shared_document_requests import GetContext, PutContext
from gateway.protocol.results import (
    Accepted,
    ContextDocument,
    ContextSaved,
    Done,
    MessageDetail,
    MessageList,
    ModeStanding,
    Result,
    RetentionStanding,
)
from gateway.protocol.types.core_types import MemberKind, Rung, Scope, Step
from gateway.retention.room_trimming import RoomTrimming
from tests.support.gateways import Gateway, config_for, gateway_in_process

ROOM = "general"
DAY_S = 86_400.0


async def say(client: Client, count: int, begin: int = 0) -> list[int]:
    return [(await client.send(f"word{number} said")).seq for number in range(begin, begin + count)]


async def keep(client: Client, what: str) -> None:
    await client.request(SetRetention(room=ROOM, keep=what), Done)


async def until(client: Client, done: Callable[[RetentionStanding], bool]) -> RetentionStanding:
    async with asyncio.timeout(60):
        while True:
            found = await client.request(RoomRetention(room=ROOM), RetentionStanding)
            if done(found):
                return found
            await asyncio.sleep(0.02)


def is_cut(found: RetentionStanding) -> bool:
    return 0 < found.cut == found.reached


def old_export(file: Path, count: int) -> Path:
    head = {"groupchat": 1, "room": {"name": ROOM}, "kinds": {"bob": "human"}}
    said = {
        "ev": "message",
        "room": ROOM,
        "from": "bob",
        "to": ["@all"],
        "kind": "chat",
        "timestamp": "2025-11-21T10:00:00.000Z",
    }
    lines = [head, *({**said, "seq": n, "id": f"m-{n}", "content": f"old {n}"} for n in range(1, count + 1))]
    file.write_bytes(b"\n".join(map(msgspec.json.encode, lines)) + b"\n")
    return file


async def texts(client: Client) -> list[str]:
    page = await client.request(History(room=ROOM, limit=500), MessageList)
    return sorted(one.content for one in page.messages if one.from_ != "system")


def rows(state: Path, sql: str) -> int:
    with closing(sqlite3.connect(state / "groupchat.db")) as database:
        (count,) = database.execute(sql).fetchone()
    return int(count)


async def test_old_messages_go_with_all_that_belongs_to_them(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path) as gateway, Client(gateway.operator) as alice:
        numbers = await say(alice, 40)
        await alice.request(React(message=numbers[0], sign="+1"), Done)
        await alice.request(React(message=numbers[39], sign="+1"), Done)
        await alice.request(Pin(message=numbers[3]), Done)
        await keep(alice, "10")
        found = await until(alice, is_cut)
        assert found.keep == "10" and numbers[0] < found.cut < numbers[39]
        left = await texts(alice)
        assert "word3 said" in left and "word0 said" not in left and "word39 said" in left
        assert 10 <= len(left) <= 11
        with pytest.raises(UnknownMessage):
            await alice.request(Show(message=numbers[0]), MessageDetail)
        for word, count in (("word0", 0), ("word39", 1), ("word3", 1)):
            page = await alice.request(Search(query=word), MessageList)
            assert len(page.messages) == count, word
    assert rows(tmp_path, "SELECT count(*) FROM log WHERE kind = 'reaction'") == 1
    assert rows(tmp_path, f"SELECT count(*) FROM deliveries WHERE message < {numbers[3]}") == 0
    assert rows(tmp_path, "SELECT count(*) FROM words WHERE words MATCH 'said'") == len(left)


async def test_a_pinned_message_keeps_its_reactions_and_receipts(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path) as gateway, Client(gateway.operator) as alice:
        claude = await gateway.member("claude")
        async with Client(claude, Hello(inbox=True)) as agent:
            asked = (await alice.send("look, all")).seq
            await agent.request(Report(message=asked, steps=(Step(Rung.CANCELLED),)), Done)
        await alice.request(React(message=asked, sign="+1"), Done)
        await alice.request(Pin(message=asked), Done)
        await say(alice, 30)
        await keep(alice, "10")
        assert (await until(alice, is_cut)).cut > asked
        shown = await alice.request(Show(message=asked), MessageDetail)
        assert [one.rung for one in shown.deliveries] == [Rung.CANCELLED]
    for kind in ("receipt", "reaction"):
        assert rows(tmp_path, f"SELECT count(*) FROM log WHERE kind = '{kind}' AND about = {asked}") == 1, kind


async def test_old_messages_that_were_imported_after_newer_ones_take_none_of_those_along(tmp_path: Path) -> None:
    """Numbers rise with the import, and times fall."""
    async with gateway_in_process(tmp_path) as gateway, Client(gateway.operator) as alice:
        new = await say(alice, 20)
    done = await import_from_file(config_for(tmp_path), old_export(tmp_path / "old.jsonl", 100), ROOM)
    assert done.imported == 100
    async with gateway_in_process(tmp_path) as gateway, Client(gateway.operator) as alice:
        hub = gateway.hub
        old = hub.committed_seq
        await keep(alice, "1d")
        await hub.trimming.trim(hub.now)
        assert hub.state.rooms[ROOM].cut < new[0] < old
        assert len([one for one in await texts(alice) if one.startswith("word")]) == 20
        later = hub.now + 1.5 * DAY_S  # now the others may go, too
        await hub.trimming.trim(later)
        assert new[-1] < hub.state.rooms[ROOM].cut


async def test_the_room_says_what_went_and_a_client_that_resumes_below_is_told(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path) as gateway, Client(gateway.operator) as alice:
        numbers = await say(alice, 40)
        await keep(alice, "10")
        found = await until(alice, is_cut)
        async with Client(gateway.operator, Hello(since=numbers[5], echo=True)) as late:
            (room,) = [one for one in late.welcome.rooms if one.name == ROOM]
            assert (room.keep, room.cut) == ("10", found.cut) and room.cut > numbers[5]
            async with asyncio.timeout(60):
                heard = [event async for event in first_messages(late, 11)]
        (line,) = [one for one in heard if one.context and "retention" in one.context]
        assert line.context == {"retention": {"until": found.cut, "messages": 31, "keep": "10"}}
        assert line.content.startswith(f"31 messages up to #{found.cut} were removed")
        assert all(one.seq > found.cut for one in heard)


async def first_messages(client: Client, count: int) -> AsyncIterator[Message]:
    async for event in client.events():
        if isinstance(event, Message):
            yield event
            count -= 1
            if not count:
                return


async def test_nothing_goes_that_somebody_has_not_taken_yet(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path) as gateway, Client(gateway.operator) as alice:
        claude = await gateway.member("claude")
        async with Client(claude, Hello(inbox=True)) as agent:
            first = await say(alice, 20)
            asked = (await alice.send("@claude look", to="@claude")).seq
            await say(alice, 20, 20)
            for number in first:
                await agent.request(Report(message=number, steps=(Step(Rung.CANCELLED),)), Done)
            await keep(alice, "10")
            found = await until(alice, is_cut)
            assert first[-1] <= found.cut < asked


async def test_nothing_goes_while_a_mode_runs_or_below_an_open_decision(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path) as gateway, Client(gateway.operator) as alice:
        claude = await gateway.member("claude", MemberKind.AGENT)
        async with Client(claude) as agent:
            first = await say(alice, 15)
            await alice.request(Propose(room=ROOM, question="merge?", options=("yes", "no")), Done)
            decided = gateway.hub.committed_seq
            await say(alice, 15, 15)
            for number in first:
                await agent.request(Report(message=number, steps=(Step(Rung.CANCELLED),)), Done)
            await alice.request(SetMode(room=ROOM, mode="round-robin", topic="x"), ModeStanding)
            await keep(alice, "10")
            await gateway.hub.trimming.trim(gateway.hub.now)
            assert gateway.hub.state.rooms[ROOM].cut == 0
            await alice.request(EndMode(room=ROOM), ModeStanding)
            await gateway.hub.trimming.trim(gateway.hub.now)
            assert first[-1] <= gateway.hub.state.rooms[ROOM].cut < decided
            assert agent.welcome.you.name == "claude"


async def test_old_versions_of_documents_go_and_later_ones_can_be_read(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path) as gateway, Client(gateway.operator) as alice:
        for number in range(1, 61):
            await alice.request(
                PutContext(scope=f"#{ROOM}", name="plan", document={"n": number}, version=number - 1), ContextSaved
            )
        await say(alice, 30)
        for number in range(61, 64):
            await alice.request(
                PutContext(scope=f"#{ROOM}", name="plan", document={"n": number}, version=number - 1), ContextSaved
            )
        await keep(alice, "10")
        await until(alice, is_cut)
        for version in (50, 55, 60, 62, 63, None):
            found = await alice.request(GetContext(scope=f"#{ROOM}", name="plan", version=version), ContextDocument)
            assert found.document == {"n": version or 63}
        with pytest.raises(Exception, match="plan"):
            await alice.request(GetContext(scope=f"#{ROOM}", name="plan", version=40), ContextDocument)
    assert rows(tmp_path, "SELECT count(*) FROM log WHERE kind = 'context'") == 63 - 49


async def test_what_was_interrupted_is_finished_by_the_next_start(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path) as gateway, Client(gateway.operator) as alice:
        await say(alice, 60)
        record = gateway.hub.state.rooms[ROOM]
        gateway.hub.state.rooms[ROOM] = msgspec.structs.replace(record, keep="10")
        await stop_after_the_line(gateway)
    assert rows(tmp_path, "SELECT count(*) FROM log WHERE kind = 'message' AND sender = 'alice'") == 60
    async with gateway_in_process(tmp_path) as gateway, Client(gateway.operator) as alice:
        await until(alice, is_cut)
        assert len(await texts(alice)) <= 11


async def stop_after_the_line(gateway: Gateway) -> None:
    """As when the gateway is told to end right after the line was committed."""
    trimming, rules = gateway.hub.trimming, gateway.hub.rule_context

    async def commit_and_stop(outcome: RuleOutcome) -> Result:
        done = await gateway.hub.carry_out(outcome)
        trimming._stopping = True
        return done

    trimming = RoomTrimming(
        gateway.hub.store.retention, gateway.hub.state, rules, lambda outcome: spawn(commit_and_stop(outcome), "cut")
    )
    await trimming.trim(gateway.hub.now)
    assert gateway.hub.state.rooms[ROOM].cut > 0


async def test_only_who_may_remove_the_room_may_set_it(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path) as gateway:
        bob = await gateway.member("bob", MemberKind.HUMAN)
        admin = await gateway.member("root", MemberKind.HUMAN, Scope.ADMIN)
        async with Client(bob) as client:
            with pytest.raises(Forbidden):
                await keep(client, "90d")
        async with Client(admin) as client:
            with pytest.raises(BadRequest):
                await keep(client, "soon")
            await keep(client, "90d")
            await keep(client, "forever")
            assert (await client.request(RoomRetention(room=ROOM), RetentionStanding)).keep == ""
            assert isinstance(await client.send("x"), Accepted)
