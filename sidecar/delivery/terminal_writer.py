"""The one writer of the agent's terminal: types a sequence of moves as one unit; a person's keys wait meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from gateway.protocol.types.delivery_reasons import HoldReason
from sidecar.evidence.escape_sequences import human_keys_in, is_abort
from sidecar.prompt_typing.typing_gate import MoveDecision, MovePermission

MAX_KEY_DELAY_S = 0.5
CHECK_INTERVAL_S = 0.01
MIN_CHECK_INTERVAL_S = 0.002
WRITE_TIMEOUT_S = 2.0


class TypingStage(IntEnum):
    NOTHING = 0
    STASHED = 1
    TYPED = 2
    SUBMITTED = 3
    RESTORED = 4


@dataclass(frozen=True)
class TypingMove:
    """Bytes to write as soon as `may` allows it. `may` looks anew at each call, and can also say to look again or to
    stop. After the child has read the last byte, the next look waits `pause` seconds."""

    stage: TypingStage
    write: bytes
    may: Callable[[], MovePermission]
    pause: float = 0.0


@dataclass(frozen=True)
class TypingResult:
    """The last stage that was reached, and the reason why typing stopped there."""

    stage: TypingStage
    held: HoldReason | None = None


class TerminalWriter:
    def __init__(
        self,
        write: Callable[[bytes], None],
        unwritten: Callable[[], int],
        wait_for_output: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`wait_for_output` waits so many seconds, or less if the agent prints meanwhile."""
        self._write, self._unwritten, self._wait_for_output = write, unwritten, wait_for_output
        self._loop = asyncio.get_running_loop()
        self._one = asyncio.Lock()
        self._typing = self._keeping = False
        self._aborted: HoldReason | None = None
        self._kept = b""
        self._release: asyncio.TimerHandle | None = None

    @property
    def typing(self) -> bool:
        return self._typing

    def answer(self, data: bytes) -> None:
        """Write what a terminal answers by itself. It is not a key, so it does not wait."""
        self._write(data)

    def keys(self, data: bytes) -> None:
        """Write a person's keys: at once, or after at most half a second while a message is typed. Escape and Ctrl-C
        stop the typing and pass."""
        if not self._typing:
            self._write(data)
            return
        pressed = human_keys_in(data)
        self._kept += data
        if is_abort(pressed):
            self._aborted = HoldReason.PERSON_STOPS
        elif self._keeping:
            return
        elif pressed:
            self._aborted = HoldReason.PERSON_TYPES
        self._let_go()

    async def put(self, moves: Sequence[TypingMove], on_stage: Callable[[TypingStage], None]) -> TypingResult:
        """The critical section. `on_stage` is called for each move as soon as its bytes are written."""
        async with self._one:
            self._typing, self._keeping, self._aborted = True, True, None
            self._release = self._loop.call_later(MAX_KEY_DELAY_S, self._keys_waited_too_long)
            try:
                return await self._all(moves, on_stage)
            finally:
                self._release.cancel()
                self._typing = self._keeping = False
                self._let_go()

    async def _all(self, moves: Sequence[TypingMove], on_stage: Callable[[TypingStage], None]) -> TypingResult:
        stage = TypingStage.NOTHING
        for move in moves:
            if held := await self._wait_until_allowed(move):
                return TypingResult(stage, held)
            self._write(move.write)
            stage = move.stage
            on_stage(stage)
            if move is not moves[-1] and (held := await self._settle(move.pause)):
                return TypingResult(stage, held)
        return TypingResult(stage)

    async def _wait_until_allowed(self, move: TypingMove) -> HoldReason | None:
        """None when the move may be made, or the reason why not."""
        until = self._loop.time() + WRITE_TIMEOUT_S
        while not self._aborted:
            may = move.may()
            if may.go is MoveDecision.NOW:
                return None
            if may.go is MoveDecision.STOP or self._loop.time() > until:
                return may.held or HoldReason.UNKNOWN
            wait = CHECK_INTERVAL_S if may.wait_s is None else min(may.wait_s, CHECK_INTERVAL_S)
            await self._wait_for_output(max(wait, MIN_CHECK_INTERVAL_S))
        return self._aborted

    async def _settle(self, pause: float) -> HoldReason | None:
        """Wait until the child has read the whole paste, then pause. Returns a reason if the child reads nothing for
        too long: it may be stopped."""
        left, until = self._unwritten(), self._loop.time() + WRITE_TIMEOUT_S
        while left and not self._aborted:
            if self._loop.time() > until:
                return HoldReason.NOT_TAKEN
            await asyncio.sleep(CHECK_INTERVAL_S)
            if (now := self._unwritten()) < left:
                left, until = now, self._loop.time() + WRITE_TIMEOUT_S
        if not self._aborted:
            await asyncio.sleep(pause)
        return None

    def _keys_waited_too_long(self) -> None:
        """A person's keys have waited for the maximum time. If there are any, the text is not ours alone any more, so
        typing stops."""
        if human_keys_in(self._kept):
            self._aborted = HoldReason.PERSON_TYPES
        self._keeping = False
        self._let_go()

    def _let_go(self) -> None:
        kept, self._kept = self._kept, b""
        if kept:
            self._write(kept)
