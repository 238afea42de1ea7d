"""Resumes a connection after the last seq that its client saw: replays everything after its seq from the log, then goes
live, with no gap and no repetition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.push.event_broadcaster import Connection, OutgoingEvent, make_visibility_filter
from gateway.runtime.hub import Hub
from gateway.store import IsVisible, StoredEvent

PAGE_EVENTS = 500
BUFFER_SPACE_BYTES = 256 * 1024
RETRY_DELAY_S = 0.01


async def catch_up(
    hub: Hub, connection: Connection, since: int | None, closing: Callable[[int], bytes] | None = None
) -> None:
    """Replay, then switch the connection to live in the same loop turn in which nothing is missing any more. A seq that
    the log never reached (the log was restored from a backup) counts as the end of the log. Answers to requests that
    arrive during the replay are sent after `closing`, the frame that ends the replay."""
    connection.hold_answers()
    try:
        await _send_missed_events(hub, connection, since)
    except BaseException:
        connection.abort()  # it would miss the events that were not replayed
        raise
    if closing is not None:
        connection.say(closing(connection.cursor))
    connection.go_live()


async def _send_missed_events(hub: Hub, connection: Connection, since: int | None) -> None:
    visible = connection.shows or make_visibility_filter(connection.name, hub.state, observer=connection.observer)
    connection.cursor = hub.committed_seq if since is None else min(since, hub.committed_seq)
    while connection.cursor < hub.committed_seq and not connection.is_gone:
        await _send_page(hub, connection, visible)


async def _send_page(hub: Hub, connection: Connection, visible: IsVisible) -> None:
    records, until = await hub.store.read(connection.cursor, PAGE_EVENTS, visible)
    for record in records:
        _send_record(connection, record)
    connection.cursor = max(until, connection.cursor)
    connection.flush()
    while connection.backlog() > BUFFER_SPACE_BYTES and not connection.is_gone:
        await asyncio.sleep(RETRY_DELAY_S)


def _send_record(connection: Connection, record: StoredEvent) -> None:
    payload = connection.renderer(OutgoingEvent(record)) if connection.is_subscribed(record) else None
    if payload is not None:
        connection.say(payload)
