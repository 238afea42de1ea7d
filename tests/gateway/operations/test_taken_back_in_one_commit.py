"""Who leaves a room leaves nothing behind that waits for it there, even if the gateway dies right after that commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.access.permissions import Actor
from gateway.client import Client
from gateway.operations.dispatch import run_operation
from gateway.protocol.errors import GroupChatError, StorageFailed
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import RemoveMember
from gateway.protocol.requests.message_requests import Receipts, Send, Waiting
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Kick, Leave, RemoveRoom
from gateway.protocol.results import Accepted, Done, Story, WaitingList
from gateway.protocol.types.core_types import MemberKind, Rung, Scope
from gateway.store import LogEntry
from gateway.store.sqlite import SqliteStore
from tests.fakes.retry import retry_until
from tests.support.assembled import LateStore, assembled
from tests.support.gateways import Gateway

LAB = "lab"
ANN, BOT = Actor("ann", MemberKind.HUMAN, frozenset(Scope)), Actor("bot", MemberKind.AGENT)
DEPARTURES: list[tuple[Actor, Request, str]] = [
    (BOT, Leave(room=LAB), "bot left the room lab"),
    (ANN, Kick(room=LAB, member="bot"), "ann removed bot from the room lab"),
    (ANN, RemoveRoom(room=LAB), "ann removed the room lab"),
    (ANN, RemoveMember(member="bot"), "bot was removed by ann"),
]


class DyingStore(SqliteStore):
    """The real store; once `left` is set, it takes so many commits more, and then no other."""

    left: int | None = None

    async def append(self, batch: Sequence[LogEntry]) -> list[int]:
        if self.left == 0:
            raise StorageFailed("The machine has died.")
        if self.left is not None:
            self.left -= 1
        return await super().append(batch)


async def furnish(gateway: Gateway, texts: Sequence[str]) -> list[int]:
    await gateway.member("ann", MemberKind.HUMAN)
    token = await gateway.member("bot")
    async with Client(token, Hello(inbox=True)):
        await run_operation(gateway.hub, ANN, CreateRoom(room=LAB))
        await run_operation(gateway.hub, ANN, Invite(room=LAB, member="bot"))
        return [await sent(gateway, text) for text in texts]


async def sent(gateway: Gateway, text: str) -> int:
    accepted = await run_operation(gateway.hub, ANN, Send(content=text, to="@bot", room=LAB))
    assert isinstance(accepted, Accepted)
    return accepted.seq


async def ends(gateway: Gateway, numbers: Sequence[int]) -> list[tuple[Rung, str]]:
    stories = [await run_operation(gateway.hub, ANN, Receipts(message=number)) for number in numbers]
    return [(one.rung, one.reason) for story in stories if isinstance(story, Story) for one in story.deliveries]


@pytest.mark.parametrize(("who", "request_", "why"), DEPARTURES)
async def test_a_crash_right_after_the_commit_leaves_nothing_waiting(
    tmp_path: Path, who: Actor, request_: Request, why: str
) -> None:
    store = DyingStore(tmp_path / "log.db")
    async with assembled(tmp_path / "state", store=store) as gateway:
        numbers = await furnish(gateway, ("one", "two"))
        await gateway.hub.answers.wait_until_settled()
        store.left = 1
        try:
            await run_operation(gateway.hub, who, request_)
        except GroupChatError:
            assert store.left == 0, "the departure itself is on disk"
    async with assembled(tmp_path / "state", store=SqliteStore(tmp_path / "log.db")) as gateway:
        assert await ends(gateway, numbers) == [(Rung.CANCELLED, why)] * 2
        assert gateway.hub.state.queued.get("bot", 0) == 0


async def test_a_message_on_its_way_to_the_disk_is_taken_back_too(tmp_path: Path) -> None:
    store = LateStore(tmp_path / "log.db")
    async with assembled(tmp_path / "state", store=store) as gateway:
        numbers = await furnish(gateway, ("on disk",))
        store.gate.clear()
        async with asyncio.TaskGroup() as group:
            late = group.create_task(sent(gateway, "not yet on disk"))
            await retry_until(lambda: gateway.hub.committer.has_deliveries_to(("bot",)))
            left = group.create_task(run_operation(gateway.hub, BOT, Leave(room=LAB)))
            await asyncio.sleep(0)
            store.gate.set()
        assert isinstance(left.result(), Done)
        numbers.append(late.result())
        assert await ends(gateway, numbers) == [(Rung.CANCELLED, "bot left the room lab")] * 2
        waiting = await run_operation(gateway.hub, BOT, Waiting())
        assert isinstance(waiting, WaitingList) and [one.from_ for one in waiting.messages if one.from_ == "ann"] == []
