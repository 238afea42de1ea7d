"""Carries out the plain turn loop: keeps the floor in the log's documents, says its lines, and watches its clock."""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway import floor as rules
from gateway import room
from gateway.floor import Floor, Patience, Said
from gateway.house import Change, Fact, Ruling
from gateway.hub import Hub
from gateway.protocol.errors import GroupChatError
from gateway.protocol.nouns import DEFAULT_ROOM
from gateway.protocol.results import Done

AUTO_ADVANCE = 0.1


class Turns:
    def __init__(self, hub: Hub, patience: Patience) -> None:
        self._hub = hub
        self._patience = patience
        self._alarm: asyncio.TimerHandle | None = None
        self._advancing: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[object]] = set()

    @property
    def floor(self) -> Floor:
        return self._hub.house.floor(DEFAULT_ROOM)

    def start(self) -> None:
        self._set_alarm()

    def stop(self) -> None:
        for handle in (self._alarm, self._advancing):
            if handle is not None:
                handle.cancel()

    async def begin(self, mode: str, topic: str, agents: tuple[str, ...] | None, rounds: int) -> Floor:
        house = self._hub.house
        order = tuple(house.agents()) if agents is None else tuple(house.member(name.lower()).name for name in agents)
        return await self._change(*rules.begin(mode, topic, tuple(dict.fromkeys(order)), rounds, self._hub.now))

    async def advance(self) -> Floor:
        return await self._change(*rules.advance(self.floor, self._hub.now))

    async def extend(self, speaker: str) -> bool:
        before = self.floor
        await self._change(rules.extended(before, speaker, self._hub.now), ())
        return before.current == speaker

    def spoken(self, speaker: str) -> None:
        """Shortly after the current speaker has spoken, the turn passes on by itself."""
        if self.floor.current == speaker:
            if self._advancing is not None:
                self._advancing.cancel()
            loop = asyncio.get_running_loop()
            self._advancing = loop.call_later(AUTO_ADVANCE, self._pass_on, speaker, self.floor.round)

    def _pass_on(self, speaker: str, in_round: int) -> None:
        self._advancing = None
        if self.floor.current == speaker and self.floor.round == in_round:
            self._run(*rules.advance(self.floor, self._hub.now))

    def _look(self) -> None:
        self._alarm = None
        after, said = rules.tick(self.floor, self._hub.now, self._patience)
        self._run(after, said)

    def _run(self, after: Floor, said: Said) -> None:
        task = asyncio.get_running_loop().create_task(self._quietly(after, said), name="turn")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quietly(self, after: Floor, said: Said) -> None:
        try:
            await self._change(after, said)
        except GroupChatError:
            self._set_alarm()

    async def _change(self, after: Floor, said: Said) -> Floor:
        clerk = self._hub.clerk()
        lines = said or ()
        facts = [room.notice(DEFAULT_ROOM, text, clerk) for text in lines]
        change = Change("floor", DEFAULT_ROOM, after)
        if facts:
            facts[0] = Fact(facts[0].event, changes=(change,))
            await self._hub.carry_out(Ruling(Done(), tuple(facts)))
        else:
            self._hub.house.put(change)
        self._set_alarm()
        return after

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        look = rules.next_look(self.floor, self._patience)
        if look is not None:
            delay = max(0.05, look - self._hub.now)
            self._alarm = asyncio.get_running_loop().call_later(delay, self._look)


TURNS: web.AppKey[Turns] = web.AppKey("turns", Turns)
