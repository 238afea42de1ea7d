"""Removes what rooms no longer keep: decides how far, says so in the room, then removes it in short steps.

The line in the room is committed first, with the cut in the room's record. So an interrupted removal is resumed at the
next start, and nobody is told of messages that go afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import RuleOutcome
from gateway.model.state import GatewayState
from gateway.protocol.results import Done, Result
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.retention.retention_rules import (
    Cut,
    Keep,
    cut_event,
    cut_limit,
    documents_of_room,
    keep_of,
    lowest,
    pinned_messages,
    versions_to_remove,
    without_versions,
)
from gateway.store import RemovalStep, Retention

log = structlog.get_logger("gateway.retention.room_trimming")

RETENTION_ERRAND = "retention"
CHECK_INTERVAL_S = 300.0
STEP_GOAL_S = 0.008  # a commit waits at most for one step
LEAST_STEP, FIRST_STEP, MOST_STEP = 10, 100, 2000
REST_SHARE = 1.0

CarryOut = Callable[[RuleOutcome], "asyncio.Future[Result]"]


class RoomTrimming:
    """`store` is None where nothing can be removed; then no room has a setting."""

    def __init__(
        self,
        store: Retention | None,
        state: GatewayState,
        rule_context: Callable[[], RuleContext],
        carry_out: CarryOut,
    ) -> None:
        self._store, self._state, self._sequencer, self._carry_out = store, state, rule_context, carry_out
        self._step = FIRST_STEP
        self._busy, self._stopping = asyncio.Lock(), False
        self.reached: dict[str, int] = {}

    async def trim(self, now: float) -> float | None:
        """Cut each room that keeps only so much, and finish what was begun. Returns when to look again."""
        if self._store is None:
            return None
        async with self._busy:
            rooms = [name for name, record in self._state.rooms.items() if record.keep or record.cut]
            for name in rooms:
                if not self._stopping:
                    await self._trim_room(self._store, name, now)
        return now + CHECK_INTERVAL_S if rooms else None

    async def stop(self) -> None:
        """End after the step that is being done. The next start goes on there."""
        self._stopping = True
        async with self._busy:
            return

    async def _trim_room(self, store: Retention, room: str, now: float) -> None:
        record = self._state.rooms[room]
        keep = keep_of(record)
        if keep is not None and not record.removed:
            cut = await self._plan(store, room, keep, now)
            if cut is not None:
                await self._carry_out(RuleOutcome(Done(), (cut_event(cut, self._sequencer()),)))
                log.info("= a room is cut", room=room, until=cut.until, messages=cut.messages)
        await self._remove(store, room)

    async def _plan(self, store: Retention, room: str, keep: Keep, now: float) -> Cut | None:
        """How far the room is cut now; None if it is not worth it yet, or not possible."""
        before = self._state.rooms[room].cut
        wanted = await _wanted_cut(store, room, keep, now, before)
        if wanted <= before:
            return None
        if keep.seconds is not None:
            wanted = await _without_newer(store, room, (before, wanted), now - keep.seconds)
        first_open = await store.first_open_delivery(room, wanted)
        until = lowest((first_open, cut_limit(self._state, room)), wanted)
        if until <= before:
            return None
        messages = await store.count_messages(room, before, until)
        if not messages:
            return None
        found = documents_of_room(self._state, room)
        documents = [without_versions(one, await store.count_versions(one.number, until)) for one in found]
        record = self._state.rooms[room]  # as it is now: it may have changed meanwhile
        return Cut(record, keep, until, messages, [one for one in documents if one.removed])

    async def _remove(self, store: Retention, room: str) -> None:
        """All up to the room's cut, a step at a time."""
        until = self._state.rooms[room].cut
        at = self.reached[room] = await store.progress(room)
        if at >= until:
            return
        for document in documents_of_room(self._state, room):
            if document.removed:
                await store.remove_versions(versions_to_remove(document))
        while at < until and not self._stopping:
            spared = pinned_messages(self._state, room)
            began = time.perf_counter()
            at = self.reached[room] = await store.remove_step(RemovalStep(room, at, until, self._step, spared))
            took = time.perf_counter() - began
            self._step = max(LEAST_STEP, min(MOST_STEP, int(self._step * min(2.0, STEP_GOAL_S / max(took, 1e-6)))))
            await asyncio.sleep(took * REST_SHARE)
        log.info("= what a room no longer keeps is removed", room=room, until=at)


async def _wanted_cut(store: Retention, room: str, keep: Keep, now: float, before: int) -> int:
    """The last message that is too old or too many; 0 while there are few of them, unless it is the first cut."""
    if keep.messages is not None:
        slack = keep.slack_messages if before else 0
        if await store.message_at(room, keep.messages + slack) is None:
            return 0
        return await store.message_at(room, keep.messages) or 0
    limit = now - (keep.seconds or 0.0)
    overdue = await store.last_message_before(room, iso_from_seconds(limit - (keep.slack_s if before else 0.0)))
    if overdue <= before:
        return 0
    return await store.last_message_before(room, iso_from_seconds(limit))


async def _without_newer(store: Retention, room: str, span: tuple[int, int], since: float) -> int:
    """The end of the span, moved below the first message in it that is to stay: an import gives old messages numbers
    above those of newer ones."""
    return lowest((await store.first_message_since(room, span, iso_from_seconds(since)),), span[1])
