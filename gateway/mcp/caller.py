"""One caller of a tool: a member, as its token says, and what it may ask of the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from gateway.client import HttpClient
from gateway.client.process.tasks import spawn
from gateway.protocol.errors import Unavailable
from gateway.protocol.events import MemberView
from gateway.protocol.requests import Members, Poll, Request
from gateway.protocol.results import Inbox, MemberList

T = TypeVar("T")

PROGRESS_INTERVAL_S = 5.0
RETRY_DELAY_S = 0.5
EXTRA_WAIT_S = 10.0  # what an answer may take longer than the wait it was asked for
DEFAULT_WAIT_S = 60.0  # after which many clients give up on a tool, if nobody says that this one has more
RESERVE_S = 10.0
MIN_WAIT_LIMIT_S, MAX_WAIT_LIMIT_S = 2 * RESERVE_S, 24 * 3600.0

ReportProgress = Callable[[float, float], Awaitable[None]]


@dataclass
class Caller:
    """`tell` reports progress, where the client asked for it; `project` is the folder whose files may be shown, where
    this process sees them at all; `patience` is after how many seconds the client gives up on a tool."""

    direct: HttpClient
    token: str
    tell: ReportProgress | None = None
    project: Path | None = None
    patience: float = DEFAULT_WAIT_S
    _members: dict[str, MemberView] = field(default_factory=dict)

    async def ask(self, request: Request, kind: type[T]) -> T:
        return await self.direct.ask(request, kind, token=self.token)

    async def members(self) -> dict[str, MemberView]:
        if not self._members:
            found = await self.ask(Members(), MemberList)
            self._members = {one.name: one for one in found.agents}
        return self._members

    def limit_wait(self, seconds: float) -> float:
        """How long a wait may be so that it ends before its client gives up."""
        return min(seconds, self.patience - RESERVE_S)

    async def wait(self, seconds: float, *, from_: tuple[str, ...] = (), reply_to: int | None = None) -> Inbox:
        """What comes within that time; a gateway that is started anew meanwhile ends nothing."""
        until = time.monotonic() + seconds
        async with self._telling(seconds):
            while True:
                left = max(0.0, until - time.monotonic())
                poll = Poll(wait=left, from_=from_, reply_to=reply_to)
                try:
                    return await self.direct.ask(poll, Inbox, token=self.token, within=left + EXTRA_WAIT_S)
                except Unavailable:
                    if left <= RETRY_DELAY_S:
                        raise
                    await asyncio.sleep(RETRY_DELAY_S)

    @contextlib.asynccontextmanager
    async def _telling(self, seconds: float) -> AsyncIterator[None]:
        """Clients count their own time-out from the last sign of life."""
        if self.tell is None:
            yield
            return
        task = spawn(_report_regularly(self.tell, seconds), "progress")
        try:
            yield
        finally:
            task.cancel()


def parse_wait_limit(text: str) -> float:
    """As somebody said it; the usual one where that makes no sense."""
    try:
        said = float(text)
    except ValueError:
        return DEFAULT_WAIT_S
    return min(said, MAX_WAIT_LIMIT_S) if said >= MIN_WAIT_LIMIT_S else DEFAULT_WAIT_S


async def _report_regularly(tell: ReportProgress, seconds: float) -> None:
    begun = time.monotonic()
    while True:
        await asyncio.sleep(PROGRESS_INTERVAL_S)
        await tell(time.monotonic() - begun, seconds)
