"""The hub: told only after the commit, in order, once; and what it knows can be read back from the store."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
from pathlib import Path

import pytest

from gateway.access.permissions import Actor
from gateway.client import Client
from gateway.model.state import GatewayState
from gateway.operations.dispatch import run_operation, start_operation
from gateway.protocol.errors import GroupChatError, StorageFailed, Unavailable
from gateway.protocol.events import Message
from gateway.protocol.requests.agent_requests import Pause, Resume
from gateway.protocol.requests.connection_requests import Events, Hello
from gateway.protocol.requests.member_requests import CreateToken, RevokeToken, RotateToken
from gateway.protocol.requests.message_requests import Cancel, Poll, Report, Send
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Join, Leave, SetTopic
from gateway.protocol.requests.shared_document_requests import DeleteContext, MergeContext, PutContext
from gateway.protocol.results import Accepted
from gateway.protocol.types.core_types import MemberKind, Rung, Step
from gateway.runtime.hub import Hub
from gateway.server.state_folder.open_hub import open_hub
from gateway.server.state_folder.startup_tokens import system_actor
from gateway.store.sqlite import SqliteStore
from tests.fakes.retry import retry_until
from tests.support.assembled import StumblingStore, assembled
from tests.support.gateways import Gateway, config_for

ADMIN = system_actor()


async def actor(gateway: Gateway, name: str, kind: MemberKind = MemberKind.AGENT) -> Actor:
    await gateway.member(name, kind)
    return Actor(name, kind)


async def send(hub: Hub, sender: Actor, content: str, **fields: object) -> Accepted:
    accepted = await run_operation(hub, sender, Send(content=content, **fields))  # type: ignore[arg-type]
    assert isinstance(accepted, Accepted)
    return accepted


async def test_the_same_id_at_the_same_time_is_one_message(gateway: Gateway) -> None:
    ann = await actor(gateway, "ann", MemberKind.HUMAN)
    await gateway.member("claude")
    accepted = await asyncio.gather(*(send(gateway.hub, ann, "once", id="x", to="@claude") for _ in range(20)))
    assert len({one.seq for one in accepted}) == 1
    assert [one.duplicate for one in accepted].count(False) == 1
    assert gateway.hub.state.queued["claude"] == 1
    assert {one.deliveries[0].message for one in accepted} == {accepted[0].seq}


async def test_requests_are_committed_in_the_order_in_which_they_were_begun(gateway: Gateway) -> None:
    ann = await actor(gateway, "ann", MemberKind.HUMAN)
    begun = [start_operation(gateway.hub, ann, Send(content=str(number))) for number in range(2000)]
    seqs = [(await one).seq for one in begun]
    assert seqs == sorted(seqs)
    page = await run_operation(gateway.hub, ADMIN, Events(since=0, limit=1000))
    assert page.more


async def test_nobody_is_told_before_the_commit(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    store = StumblingStore(tmp_path / "state" / "groupchat.db")
    async with (
        assembled(tmp_path / "state", store=store) as gateway,
        Client(await gateway.member("bob"), Hello(inbox=True)) as bob,
    ):
        ann = await actor(gateway, "ann", MemberKind.HUMAN)
        store.stumble = lambda: StorageFailed("not now")
        before = gateway.hub.committed_seq
        with pytest.raises(StorageFailed):
            await send(gateway.hub, ann, "never said", to="@bob")
        assert (gateway.hub.committed_seq, gateway.hub.state.queued["bob"]) == (before, 0)
        store.stumble = None
        await send(gateway.hub, ann, "said", to="@bob")
        async for event in bob.events():
            if isinstance(event, Message):
                assert event.content == "said"
                break


async def test_a_failed_commit_takes_back_everything_that_was_decided_on_top_of_it(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    store = StumblingStore(tmp_path / "state" / "groupchat.db")
    async with assembled(tmp_path / "state", store=store) as gateway:
        hub = gateway.hub
        ann = await actor(gateway, "ann", MemberKind.HUMAN)
        store.stumble = lambda: StorageFailed("not now")
        attempts: list[tuple[Actor, Request]] = [
            (ann, CreateRoom(room="den")),
            (ann, Send(content="in the den", room="den")),
            (ADMIN, CreateToken(name="ghost")),
            (ann, Pause()),
        ]
        results = await asyncio.gather(*(run_operation(hub, *one) for one in attempts), return_exceptions=True)
        assert all(isinstance(one, GroupChatError) for one in results)
        assert "den" not in hub.state.rooms
        assert "ghost" not in hub.state.members
        assert not hub.state.paused
        store.stumble = None
        await run_operation(hub, ann, CreateRoom(room="den"))
        assert (await send(hub, ann, "now it is there", room="den")).seq == hub.committed_seq


async def test_draining_answers_what_was_asked_and_refuses_what_comes(gateway: Gateway) -> None:
    ann = await actor(gateway, "ann", MemberKind.HUMAN)
    asked = [start_operation(gateway.hub, ann, Send(content=str(number))) for number in range(600)]
    await gateway.hub.drain()
    assert all(one.seq > 0 for one in await asyncio.gather(*asked))
    with pytest.raises(Unavailable, match="stopping"):
        await send(gateway.hub, ann, "too late")


async def test_waiting_for_news_ends_with_the_news(gateway: Gateway) -> None:
    hub, ann = gateway.hub, await actor(gateway, "ann", MemberKind.HUMAN)
    seen = hub.committed_seq
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        waiting = group.create_task(run_operation(hub, ann, Events(since=seen, wait=60)))
        await send(hub, ann, "news")
        page = await waiting
    assert [b"news" in bytes(event) for event in page.events] == [True]
    empty = await run_operation(hub, ann, Events(since=hub.committed_seq, wait=0.01))
    assert (empty.events, empty.until, empty.more) == ((), hub.committed_seq, False)


def state_of(state: GatewayState) -> dict[str, object]:
    return {
        **{name: dict(table.rows) for name, table in state.tables.items()},
        "in_room": {room: names for room, names in state.in_room.items() if names},
        "rooms_of": {name: rooms for name, rooms in state.rooms_of.items() if rooms},
        "queued": {name: number for name, number in state.queued.items() if number},
    }


def some_request(chance: random.Random, seqs: list[int]) -> tuple[str, Request]:
    names, rooms = ["ann", "ben", "claude", "gemini"], ["general", "den", "attic"]
    who, other, room = chance.choice(names), chance.choice(names), chance.choice(rooms)
    some = chance.choice(seqs) if seqs else 0
    scope = chance.choice(["global", f"#{room}", f"@{who}"])
    requests: list[Request] = [
        Send(content="x", room=room, to=chance.choice([(), (other,), ("@all",)]), id=chance.choice([None, "a", "b"])),
        Send(content="x", to="@claude"),
        CreateRoom(room=room, invite_only=chance.random() < 0.5),
        Join(room=room),
        Leave(room=room),
        Invite(room=room, member=other),
        SetTopic(room=room, topic=str(chance.random())),
        Hello(inbox=True, role=chance.choice([None, "coder"])),
        Report(message=some, steps=(Step(chance.choice([Rung.HELD, Rung.TYPED, Rung.ACCEPTED])),)),
        Cancel(message=some),
        Poll(limit=3),
        Pause(member=other),
        Resume(member=other),
        CreateToken(name=other, kind=MemberKind.HUMAN if other in ("ann", "ben") else MemberKind.AGENT),
        RotateToken(name=other, grace=1),
        RevokeToken(name=other),
        PutContext(scope=scope, document={"a": chance.randint(0, 9)}, version=chance.choice([None, 0, 1, 2])),
        MergeContext(scope=scope, patch={"b": [chance.randint(0, 9)]}, version=chance.choice([None, 0, 1, 2])),
        DeleteContext(scope=scope),
    ]
    return who, chance.choice(requests)


@pytest.mark.parametrize("seed", range(5))
async def test_what_the_hub_knows_is_what_the_store_gives_back(tmp_path: Path, seed: int) -> None:
    """After any requests, good and bad, a hub that starts on the same store knows the same."""
    chance, seqs = random.Random(seed), list[int]()
    async with assembled(tmp_path / "state") as gateway:
        hub, actors = gateway.hub, {}
        for name, kind in (("ann", "human"), ("ben", "human"), ("claude", "agent"), ("gemini", "agent")):
            actors[name] = await actor(gateway, name, MemberKind(kind))
        done = 0
        for _ in range(400):
            who, request = some_request(chance, seqs)
            administers = isinstance(request, CreateToken | RotateToken | RevokeToken)
            try:
                result = await run_operation(hub, ADMIN if administers else actors[who], request)
            except GroupChatError:
                continue
            done += 1
            if isinstance(result, Accepted):
                seqs.append(result.seq)
        assert done > 150
        known = state_of(hub.state)
        store = SqliteStore(gateway.config.state / "groupchat.db")
        fresh = Hub(store, gateway.config)
        await fresh._restore()
        assert state_of(fresh.state) == known
        assert fresh.committed_seq == hub.committed_seq
        await store.close()


@pytest.mark.parametrize(("kind", "starts"), [("floor", True), ("member", False)])
async def test_what_another_version_wrote_keeps_it_from_starting_only_if_it_would_be_missed(
    tmp_path: Path, kind: str, starts: bool
) -> None:
    config = config_for(tmp_path / "state")
    async with open_hub(config):
        pass
    with contextlib.closing(sqlite3.connect(config.state / "groupchat.db")) as store, store:
        store.execute("INSERT INTO documents (kind, key, body) VALUES (?, 'general', ?)", (kind, b'{"mode":"debate"}'))
    if not starts:
        with pytest.raises(GroupChatError):
            await open_hub(config).__aenter__()
        return
    async with open_hub(config) as hub:
        assert not hub.state.floor("general").running


async def test_the_operators_token_is_made_once_and_made_again_when_it_no_longer_opens(tmp_path: Path) -> None:
    config = config_for(tmp_path / "state")
    tokens = []
    for step in range(3):
        async with open_hub(config) as hub:
            tokens.append((config.state / "tokens" / "people" / "alice").read_text())
            if step == 1:
                await run_operation(hub, ADMIN, RevokeToken(name="alice"))
    assert tokens[0] == tokens[1] != tokens[2]


async def test_presence_is_told_once_for_many_changes(gateway: Gateway) -> None:
    told: list[str] = []
    hub = gateway.hub
    hub.broadcaster.tell = lambda snapshot: told.append(snapshot.decode())  # type: ignore[method-assign]
    for _ in range(50):
        hub.presence.note_change("alice")
    await retry_until(lambda: told)
    assert len(told) == 1
