"""One caller of a tool: a member, as its token says, and what it may ask of the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from gateway.client import Direct
from gateway.client.process.tasks import spawn
from gateway.protocol.errors import Unavailable
from gateway.protocol.events import MemberView
from gateway.protocol.requests import Members, Poll, Request
from gateway.protocol.results import Inbox, MemberList

T = TypeVar("T")

TELLS_EVERY = 5.0
AGAIN = 0.5
OVER = 10.0  # what an answer may take longer than the wait it was asked for
PATIENCE = 60.0  # after which many clients give up on a tool, if nobody says that this one has more
SPARE = 10.0
LEAST_PATIENCE, MOST_PATIENCE = 2 * SPARE, 24 * 3600.0

Tell = Callable[[float, float], Awaitable[None]]


@dataclass
class Caller:
    """`tell` reports progress, where the client asked for it; `project` is the folder whose files may be shown, where
    this process sees them at all; `patience` is after how many seconds the client gives up on a tool."""

    direct: Direct
    token: str
    tell: Tell | None = None
    project: Path | None = None
    patience: float = PATIENCE
    _members: dict[str, MemberView] = field(default_factory=dict)

    async def ask(self, request: Request, kind: type[T]) -> T:
        return await self.direct.ask(request, kind, token=self.token)

    async def members(self) -> dict[str, MemberView]:
        if not self._members:
            found = await self.ask(Members(), MemberList)
            self._members = {one.name: one for one in found.agents}
        return self._members

    def bears(self, seconds: float) -> float:
        """How long a wait may be so that it ends before its client gives up."""
        return min(seconds, self.patience - SPARE)

    async def wait(self, seconds: float, *, from_: tuple[str, ...] = (), reply_to: int | None = None) -> Inbox:
        """What comes within that time; a gateway that is started anew meanwhile ends nothing."""
        until = time.monotonic() + seconds
        async with self._telling(seconds):
            while True:
                left = max(0.0, until - time.monotonic())
                poll = Poll(wait=left, from_=from_, reply_to=reply_to)
                try:
                    return await self.direct.ask(poll, Inbox, token=self.token, within=left + OVER)
                except Unavailable:
                    if left <= AGAIN:
                        raise
                    await asyncio.sleep(AGAIN)

    @contextlib.asynccontextmanager
    async def _telling(self, seconds: float) -> AsyncIterator[None]:
        """Clients count their own time-out from the last sign of life."""
        if self.tell is None:
            yield
            return
        task = spawn(_tell_again(self.tell, seconds), "progress")
        try:
            yield
        finally:
            task.cancel()


def patience_of(text: str) -> float:
    """As somebody said it; the usual one where that makes no sense."""
    try:
        said = float(text)
    except ValueError:
        return PATIENCE
    return min(said, MOST_PATIENCE) if said >= LEAST_PATIENCE else PATIENCE


async def _tell_again(tell: Tell, seconds: float) -> None:
    begun = time.monotonic()
    while True:
        await asyncio.sleep(TELLS_EVERY)
        await tell(time.monotonic() - begun, seconds)
