"""The one writer of a terminal: a message's text, pause and Enter are one item, and keys wait while it is typed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from sidecar.delivery import Go
from sidecar.signals import is_abort, keys_in

KEYS_WAIT = 0.5
LOOK_EVERY = 0.02
PATIENCE = 2.0


class Stage(Enum):
    NOTHING = 0
    TYPED = 1
    SUBMITTED = 2


@dataclass(frozen=True)
class Item:
    """`may_paste` gives a reason against; `may_enter` says whether to press, look again or stop. Both look anew."""

    paste: bytes
    pause: float
    submit: bytes
    may_paste: Callable[[], str | None]
    may_enter: Callable[[], tuple[Go, str]]
    on_stage: Callable[[Stage], None]


@dataclass(frozen=True)
class Outcome:
    stage: Stage
    reason: str = ""


class Writer:
    def __init__(self, write: Callable[[bytes], None], unwritten: Callable[[], int]) -> None:
        self._write, self._unwritten = write, unwritten
        self._loop = asyncio.get_running_loop()
        self._one = asyncio.Lock()
        self._typing = self._keeping = False
        self._aborted = ""
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
            self._aborted = "a person pressed Escape or Ctrl-C"
        elif self._keeping:
            return
        elif pressed:
            self._aborted = "a person was typing"
        self._let_go()

    async def put(self, item: Item) -> Outcome:
        async with self._one:
            self._typing, self._keeping, self._aborted = True, True, ""
            self._release = self._loop.call_later(KEYS_WAIT, self._overrun)
            try:
                return await self._type(item)
            finally:
                self._release.cancel()
                self._typing = self._keeping = False
                self._let_go()

    async def _type(self, item: Item) -> Outcome:
        if reason := item.may_paste():
            return Outcome(Stage.NOTHING, reason)
        self._write(item.paste)
        item.on_stage(Stage.TYPED)
        until = self._loop.time() + PATIENCE
        await self._settle(item.pause)
        while True:
            if self._aborted:
                return Outcome(Stage.TYPED, self._aborted)
            go, reason = item.may_enter()
            if go is Go.ENTER:
                self._write(item.submit)
                item.on_stage(Stage.SUBMITTED)
                return Outcome(Stage.SUBMITTED)
            if go is Go.STOP or self._loop.time() > until:
                return Outcome(Stage.TYPED, reason)
            await asyncio.sleep(LOOK_EVERY)

    async def _settle(self, pause: float) -> None:
        """The burst of a paste begins to end when the last byte of it was taken."""
        while self._unwritten():
            await asyncio.sleep(LOOK_EVERY)
        await asyncio.sleep(pause)

    def _overrun(self) -> None:
        """Nobody waits longer for their keys. If there are any, the text is no longer ours alone."""
        if keys_in(self._kept):
            self._aborted = "a person was typing"
        self._keeping = False
        self._let_go()

    def _let_go(self) -> None:
        kept, self._kept = self._kept, b""
        if kept:
            self._write(kept)
