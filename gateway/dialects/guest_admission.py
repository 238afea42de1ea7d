"""Admits the guests of a dialect: at a limited rate of new ones; what a removed guest was still to get is cancelled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from gateway.access.rate_limit import Rate, TokenBuckets
from gateway.model.records.stored_records import MemberRecord
from gateway.model.rule_outcome import RuleOutcome
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError, RateLimited
from gateway.protocol.results import Done, Result
from gateway.rooms import guests
from gateway.runtime.departed_member_deliveries import end_deliveries_of
from gateway.runtime.hub import Hub

NEW_GUEST_RATE = Rate(burst=200, per_second=2)
GUEST_REMOVED_REASON = "this guest was removed for another one, because it has been away the longest"

log = structlog.get_logger("gateway.dialects.guest_admission")


class GuestAdmission:
    def __init__(
        self, hub: Hub, dialect: str, rate: Rate = NEW_GUEST_RATE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._hub, self._dialect, self._clock = hub, dialect, clock
        self._new = TokenBuckets(rate)

    def arrive(self, wish: MemberRecord) -> asyncio.Future[Result]:
        """Commit the record of a guest as it asked to be registered."""
        state = self._hub.state
        if wish.member.name not in state.members:
            self._take()
        facts = guests.admit_guest(state, wish, self._hub.rule_context())
        written = self._hub.carry_out(RuleOutcome(Done(), facts))
        for name in guests.members_removed_by(facts):
            spawn(self._settle(name), "cancel the deliveries of a removed guest")
        return written

    def _take(self) -> None:
        try:
            self._new.take(self._dialect, self._clock())
        except RateLimited as error:
            raise RateLimited(
                f"Too many new names connect over {self._dialect} without a token. "
                f"Wait {error.retry_after or 1:.1f} s, or use a name that was connected before.",
                retry_after=error.retry_after,
            ) from None

    async def _settle(self, name: str) -> None:
        """Cancel the deliveries of a removed guest: it will never read them, and no receipt may call them pending."""
        try:
            await end_deliveries_of(self._hub, name, GUEST_REMOVED_REASON)
        except GroupChatError as error:
            log.warning("! the deliveries of a removed guest could not be cancelled", member=name, error=error.message)
        if name not in self._hub.state.members:
            self._hub.state.forget_live(name)
