"""Bringing a connection up to date: everything after its seq from the log, then live, without gap or repetition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.push.broadcaster import Connection, Sheet, visible_to
from gateway.runtime.hub import Hub
from gateway.store import Record, Visible

PAGE = 500
ROOM_IN_BUFFER = 256 * 1024
LOOK_AGAIN = 0.01


async def catch_up(
    hub: Hub, connection: Connection, since: int | None, closing: Callable[[int], bytes] | None = None
) -> None:
    """Replay, then switch the connection to live in the same loop turn in which nothing is missing any more. A seq
    that was never reached (the log was put back from a backup) means the end of the log. Answers to what is asked
    meanwhile come after `closing`, the frame that ends the replay."""
    connection.hold_answers()
    try:
        await _replay(hub, connection, since)
    except BaseException:
        connection.abort()  # it would miss what was not replayed
        raise
    if closing is not None:
        connection.say(closing(connection.cursor))
    connection.go_live()


async def _replay(hub: Hub, connection: Connection, since: int | None) -> None:
    visible = visible_to(connection.name, hub.house, observer=connection.observer)
    connection.cursor = hub.committed_seq if since is None else min(since, hub.committed_seq)
    while connection.cursor < hub.committed_seq and not connection.gone:
        await _page(hub, connection, visible)


async def _page(hub: Hub, connection: Connection, visible: Visible) -> None:
    records, until = await hub.store.read(connection.cursor, PAGE, visible)
    for record in records:
        _say(connection, record)
    connection.cursor = max(until, connection.cursor)
    connection.flush()
    while connection.backlog() > ROOM_IN_BUFFER and not connection.gone:
        await asyncio.sleep(LOOK_AGAIN)


def _say(connection: Connection, record: Record) -> None:
    payload = connection.renderer(Sheet(record)) if connection.wants(record) else None
    if payload is not None:
        connection.say(payload)
