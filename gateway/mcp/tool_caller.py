"""The caller of a tool: a member, as its token says, and its requests to the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import Unavailable
from gateway.protocol.events import MemberView
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.message_requests import Poll
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Inbox, MemberList

T = TypeVar("T")

PROGRESS_INTERVAL_S = 5.0
RETRY_DELAY_S = 0.5
EXTRA_WAIT_S = 10.0  # how much longer than the requested wait an answer may take
DEFAULT_WAIT_S = 60.0  # many clients give up on a tool after this time; used where the client names no other limit
RESERVE_S = 10.0
MIN_WAIT_LIMIT_S, MAX_WAIT_LIMIT_S = 2 * RESERVE_S, 24 * 3600.0

ReportProgress = Callable[[float, float], Awaitable[None]]


class GatewayRequests(Protocol):
    """How a caller reaches the gateway: `gateway.client.HttpClient`, or a sidecar's own connection, which seals and
    opens."""

    async def ask(
        self, request: Request, kind: type[T], *, token: str | None = None, within: float | None = None
    ) -> T: ...


@dataclass
class Caller:
    """`tell` reports progress, if the client asked for it. `project` is the folder whose files may be shown, if this
    process can read them. `patience` is after how many seconds the client gives up on a tool."""

    direct: GatewayRequests
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
        """Shorten a wait so that it ends before its client gives up."""
        return min(seconds, self.patience - RESERVE_S)

    async def wait(self, seconds: float, *, from_: tuple[str, ...] = (), reply_to: int | None = None) -> Inbox:
        """The messages that arrive within that time. A restart of the gateway does not end the wait."""
        return await self.ask_with_wait(seconds, lambda left: Poll(wait=left, from_=from_, reply_to=reply_to), Inbox)

    async def ask_with_wait(self, seconds: float, request_for: Callable[[float], Request], kind: type[T]) -> T:
        """Send a request that waits in the gateway. `request_for` makes it, for the seconds that are left."""
        until = time.monotonic() + seconds
        async with self._telling(seconds):
            while True:
                left = max(0.0, until - time.monotonic())
                try:
                    return await self.direct.ask(request_for(left), kind, token=self.token, within=left + EXTRA_WAIT_S)
                except Unavailable:
                    if left <= RETRY_DELAY_S:
                        raise
                    await asyncio.sleep(RETRY_DELAY_S)

    @contextlib.asynccontextmanager
    async def _telling(self, seconds: float) -> AsyncIterator[None]:
        """Report progress while the block runs: clients restart their timeout at each report."""
        if self.tell is None:
            yield
            return
        task = spawn(_report_regularly(self.tell, seconds), "progress")
        try:
            yield
        finally:
            task.cancel()


def parse_wait_limit(text: str) -> float:
    """Parse a client's stated limit; the default if it is not valid."""
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
