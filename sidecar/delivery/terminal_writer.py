"""The one writer of a terminal: what belongs together is one sequence of moves, and keys wait while it is typed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from gateway.protocol.delivery_reasons import Held
from sidecar.screen.evidence import is_abort, keys_in
from sidecar.typing.gate import Go, Permission

KEYS_WAIT = 0.5
LOOK_EVERY = 0.01
PATIENCE = 2.0


class Stage(IntEnum):
    NOTHING = 0
    STASHED = 1
    TYPED = 2
    SUBMITTED = 3
    RESTORED = 4


@dataclass(frozen=True)
class Move:
    """Bytes to write as soon as `may` says so; it looks anew each time and also says to look again, or to stop. The
    next look comes `pause` after the last byte was taken."""

    stage: Stage
    write: bytes
    may: Callable[[], Permission]
    pause: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """The last stage that was reached, and what held it there."""

    stage: Stage
    held: Held | None = None


class Writer:
    def __init__(self, write: Callable[[bytes], None], unwritten: Callable[[], int]) -> None:
        self._write, self._unwritten = write, unwritten
        self._loop = asyncio.get_running_loop()
        self._one = asyncio.Lock()
        self._typing = self._keeping = False
        self._aborted: Held | None = None
        self._kept = b""
        self._release: asyncio.TimerHandle | None = None

    @property
    def typing(self) -> bool:
        return self._typing

    def answer(self, data: bytes) -> None:
        """What a terminal answers by itself goes in at once; it is no key."""
        self._write(data)

    def keys(self, data: bytes) -> None:
        """A person's keys: at once, or after at most half a second while a message is typed. Escape and Ctrl-C stop
        the typing and pass."""
        if not self._typing:
            self._write(data)
            return
        pressed = keys_in(data)
        self._kept += data
        if is_abort(pressed):
            self._aborted = Held.PERSON_STOPS
        elif self._keeping:
            return
        elif pressed:
            self._aborted = Held.PERSON_TYPES
        self._let_go()

    async def put(self, moves: Sequence[Move], on_stage: Callable[[Stage], None]) -> Outcome:
        """The critical section. `on_stage` is told of each move as soon as its bytes are on their way."""
        async with self._one:
            self._typing, self._keeping, self._aborted = True, True, None
            self._release = self._loop.call_later(KEYS_WAIT, self._overrun)
            try:
                return await self._all(moves, on_stage)
            finally:
                self._release.cancel()
                self._typing = self._keeping = False
                self._let_go()

    async def _all(self, moves: Sequence[Move], on_stage: Callable[[Stage], None]) -> Outcome:
        stage = Stage.NOTHING
        for move in moves:
            if held := await self._until_it_may(move):
                return Outcome(stage, held)
            self._write(move.write)
            stage = move.stage
            on_stage(stage)
            if move is not moves[-1] and (held := await self._settle(move.pause)):
                return Outcome(stage, held)
        return Outcome(stage)

    async def _until_it_may(self, move: Move) -> Held | None:
        """None, or why it may not."""
        until = self._loop.time() + PATIENCE
        while not self._aborted:
            may = move.may()
            if may.go is Go.NOW:
                return None
            if may.go is Go.STOP or self._loop.time() > until:
                return may.held or Held.UNKNOWN
            await asyncio.sleep(LOOK_EVERY)
        return self._aborted

    async def _settle(self, pause: float) -> Held | None:
        """The burst of a paste begins to end when the last byte of it was taken. The reason, if an agent, stopped
        perhaps, takes no byte for so long."""
        left, until = self._unwritten(), self._loop.time() + PATIENCE
        while left and not self._aborted:
            if self._loop.time() > until:
                return Held.NOT_TAKEN
            await asyncio.sleep(LOOK_EVERY)
            if (now := self._unwritten()) < left:
                left, until = now, self._loop.time() + PATIENCE
        if not self._aborted:
            await asyncio.sleep(pause)
        return None

    def _overrun(self) -> None:
        """Nobody waits longer for their keys. If there are any, the text is no longer ours alone."""
        if keys_in(self._kept):
            self._aborted = Held.PERSON_TYPES
        self._keeping = False
        self._let_go()

    def _let_go(self) -> None:
        kept, self._kept = self._kept, b""
        if kept:
            self._write(kept)
