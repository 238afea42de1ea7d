"""The sidecar's pictures of its terminal: none while nobody watches, one at a time, whole again after a loss."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from gateway.protocol.errors import Unavailable
from gateway.protocol.requests.agent_requests import ShowTerminal
from gateway.protocol.results import Shown
from sidecar.connection.terminal_stream import TerminalStream
from sidecar.messages.sealed_turns import SealedTurn
from sidecar.screen.emulator import Screen
from sidecar.screen.styled_rows import StyledScreen
from tests.fakes.retry import retry_until
from tests.sidecar.fake_sealing import checked, message_of
from tests.sidecar.memory_room import MemoryRoom


class WatchingRoom(MemoryRoom):
    """Answers pictures with what the test says."""

    def __init__(self) -> None:
        super().__init__("claude")
        self.shown: list[ShowTerminal] = []
        self.answers: list[Shown | Exception] = []
        self.open = asyncio.Event()
        self.open.set()

    async def request(self, request: Any, kind: Any) -> Any:
        assert isinstance(request, ShowTerminal)
        self.shown.append(request)
        await self.open.wait()
        answer = self.answers.pop(0) if self.answers else Shown(watched=True)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def told(self) -> list[tuple[bool, dict[int, str]]]:
        return [
            (one.whole, {row.y: "".join(run.text for run in row.runs) for row in one.changed}) for one in self.shown
        ]


class Agent:
    """A screen, and how often it was looked at."""

    def __init__(self) -> None:
        self.screen, self.looks, self.prints_next = Screen(40, 5), 0, b""

    def look(self) -> StyledScreen:
        self.looks += 1
        seen = self.screen.styled()
        self.screen.feed(self.prints_next)
        return seen


@contextlib.asynccontextmanager
async def streaming(
    room: WatchingRoom, agent: Agent, sealed_turn: SealedTurn | None = None
) -> AsyncIterator[TerminalStream]:
    stream = TerminalStream(room, agent.look, sealed_turn=sealed_turn)
    task = asyncio.get_running_loop().create_task(stream.run(), name="stream")
    try:
        yield stream
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_it_looks_at_nothing_while_nobody_watches() -> None:
    room, agent = WatchingRoom(), Agent()
    async with streaming(room, agent) as stream:
        for _ in range(100):
            agent.screen.feed(b"x")
            stream.note_look()
            await asyncio.sleep(0)
        assert (agent.looks, room.shown) == (0, [])
        stream.watch(True)
        await retry_until(lambda: room.told == [(True, {0: "x" * 40, 1: "x" * 40, 2: "x" * 20})])
        room.answers = [Shown(watched=False)]
        agent.screen.feed(b"\r\nmore")
        stream.note_look()
        await retry_until(lambda: room.told[1:] == [(False, {3: "more"})])
        await retry_until(lambda: not room.answers)
        looks = agent.looks
        for _ in range(100):
            stream.note_look()
            await asyncio.sleep(0)
        assert agent.looks == looks


async def test_from_the_first_sealed_message_on_a_sentence_stands_in_place_of_the_screen() -> None:
    room, agent, turn = WatchingRoom(), Agent(), SealedTurn()
    async with streaming(room, agent, turn) as stream:
        agent.screen.feed(b"open work")
        stream.watch(True)
        await retry_until(lambda: room.told == [(True, {0: "open work"})])
        turn.note_typing([checked(message_of(2))])
        agent.screen.feed(b"\r\nthe secret")
        stream.note_look()
        await retry_until(lambda: len(room.told) == 2)
        turn.note_in_hand([message_of(3, "general")])
        agent.screen.feed(b"\r\nopen work again")
        stream.watch(True)
        await retry_until(lambda: len(room.told) == 3)
    for whole, rows in room.told[1:]:
        assert whole
        assert rows[0] == "This terminal is not shown: its agent has had sealed messages,"
        assert not any("secret" in row or "work" in row for row in rows.values())


async def test_what_came_while_a_picture_was_on_its_way_is_one_picture() -> None:
    room, agent = WatchingRoom(), Agent()
    room.open.clear()
    async with streaming(room, agent) as stream:
        stream.watch(True)
        await retry_until(lambda: room.shown)
        for number in range(50):
            agent.screen.feed(b"\x1b[1;1H%d" % number)
            stream.note_look()
            await asyncio.sleep(0)
        assert len(room.shown) == 1
        room.open.set()
        await retry_until(lambda: room.told == [(True, {}), (False, {0: "49"})])


async def test_a_picture_that_was_lost_is_followed_by_a_whole_one() -> None:
    room, agent = WatchingRoom(), Agent()
    agent.screen.feed(b"a")
    room.answers = [Unavailable("The connection was lost."), Shown(watched=True, whole=True)]
    async with streaming(room, agent) as stream:
        stream.watch(True)
        await retry_until(lambda: room.told == [(True, {0: "a"})] * 3)


async def test_a_screen_that_is_being_drawn_is_shown_when_it_is_done() -> None:
    room, agent = WatchingRoom(), Agent()
    async with streaming(room, agent) as stream:
        agent.screen.feed(b"\x1b[?2026hhalf")
        agent.prints_next = b"\r whole\x1b[?2026l"
        stream.watch(True)
        await retry_until(lambda: room.told == [(True, {0: " whole"})])


async def test_a_screen_that_is_never_done_is_shown_as_it_is() -> None:
    room, agent = WatchingRoom(), Agent()
    async with streaming(room, agent) as stream:
        agent.screen.feed(b"\x1b[?2026hhalf")
        stream.watch(True)
        await retry_until(lambda: room.told == [(True, {0: "half"})])
