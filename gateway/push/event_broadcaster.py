"""The broadcaster: the open connections, and which events go to which of them.

An event is rendered once for each wire format and written once per connection and commit. A slow reader is disconnected
when its buffer is full (`flush`); it resumes after its last seq. It must not know rules or the store.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import groupby
from typing import Protocol

import structlog

from gateway.model.state import GatewayState
from gateway.protocol import codec
from gateway.protocol.events import Durable
from gateway.store import IsVisible, StoredEvent

log = structlog.get_logger("gateway.push.event_broadcaster")

MEMBERS_ONLY_KINDS = ("room.key",)  # an observer reads messages, but is handed no key
MAX_UNSENT_BYTES = 4 * 1024 * 1024
MAX_HELD_ANSWER_BYTES = 256 * 1024  # of answers that wait during a replay
MAX_UNSENT_SNAPSHOT_BYTES = 256 * 1024  # of a connection that still gets what is only shown for a moment


class OutgoingEvent:
    """An event to send, with its renderings. An event read from the log is decoded only if needed."""

    __slots__ = ("_event", "_rendered", "record")

    def __init__(self, record: StoredEvent, event: Durable | None = None) -> None:
        self.record = record
        self._event = event
        self._rendered: dict[Renderer, bytes | None] = {}

    @property
    def event(self) -> Durable:
        if self._event is None:
            self._event = codec.decode_durable(self.record.event)
        return self._event

    def rendered(self, renderer: Renderer) -> bytes | None:
        if renderer not in self._rendered:
            self._rendered[renderer] = renderer(self)
        return self._rendered[renderer]


Renderer = Callable[[OutgoingEvent], bytes | None]


class EventBatch:
    """Consecutive events for the same audience. They are joined once per wire format, not per socket."""

    __slots__ = ("_joined", "first", "last", "sheets", "speakers")

    def __init__(self, sheets: Iterable[OutgoingEvent]) -> None:
        self.sheets = tuple(sheets)
        self.first = self.sheets[0].record.seq
        self.last = self.sheets[-1].record.seq
        self.speakers = {sheet.record.sender for sheet in self.sheets if sheet.record.kind == "message"}
        self._joined: dict[Renderer, bytes] = {}

    def joined(self, renderer: Renderer) -> bytes:
        found = self._joined.get(renderer)
        if found is None:
            found = b"".join(sheet.rendered(renderer) or b"" for sheet in self.sheets)
            self._joined[renderer] = found
        return found


class Transport(Protocol):
    """The part of asyncio's transport that a connection needs."""

    def write(self, data: bytes) -> None: ...
    def get_write_buffer_size(self) -> int: ...
    def is_closing(self) -> bool: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class Connection:
    """One stream to one member. `live` is set when the missed events have been replayed up to `cursor`."""

    def __init__(  # noqa: PLR0913 - what a stream is
        self,
        name: str,
        transport: Transport,
        renderer: Renderer,
        *,
        snapshots: Callable[[bytes], bytes] | None = None,
        ping: Callable[[bytes], bytes] | None = None,
        observer: bool = False,
        echo: bool = True,
    ) -> None:
        self.name = name
        self.snapshots = snapshots
        self.ping = ping  # makes a ping with a payload, where the client answers pings
        self.observer = observer
        self.echo = echo
        self.keepalive: bytes | None = None
        self.farewell: bytes | None = None
        self.token = ""
        self.shows: IsVisible | None = None  # set for whoever reads by a link: the events to send, one by one
        self.listens = True
        self.cursor = 0
        self.live = False
        self.heard = asyncio.get_running_loop().time()
        self.ended = asyncio.Event()
        self.closed_as_slow = False
        self.renderer = renderer
        self._transport = transport
        self._pending: list[bytes] = []
        self._flush_planned = False
        self._held: list[bytes] | None = None
        self._released = asyncio.Event()
        self._released.set()

    def queue_events(self, run: EventBatch) -> None:
        """Queue the events of a run that are new to this connection: nearly always all or none."""
        if self.shows is None and self.cursor < run.first and (self.echo or self.name not in run.speakers):
            payload = run.joined(self.renderer)
        elif self.cursor < run.last:
            wanted = (one for one in run.sheets if one.record.seq > self.cursor and self.is_subscribed(one.record))
            payload = b"".join(one.rendered(self.renderer) or b"" for one in wanted)
        else:
            return
        self.cursor = run.last
        if payload:
            self._pending.append(payload)

    def is_subscribed(self, record: StoredEvent) -> bool:
        if self.shows is not None:
            return self.shows(record)
        return self.echo or record.kind != "message" or record.sender != self.name

    def say(self, payload: bytes) -> None:
        """Queue a frame that is only for this connection; it goes out at the end of this loop turn."""
        self._pending.append(payload)
        if not self._flush_planned:
            self._flush_planned = True
            asyncio.get_running_loop().call_soon(self.flush)

    def answer(self, payload: bytes) -> None:
        """Queue a frame that shows the current state. During a replay it waits for the end of the replay: it must not
        overtake an event whose effect it shows."""
        if self._held is None:
            self.say(payload)
        else:
            self._held.append(payload)

    def say_snapshot(self, snapshot: bytes) -> None:
        if self.snapshots is not None and self.live:
            self.say(self.snapshots(snapshot))

    def hold_answers(self) -> None:
        """Hold answers back until `go_live`: replayed events come first."""
        if self._held is None:
            self._held = []
            self._released.clear()

    def go_live(self) -> None:
        """The replay is complete: send the held answers, and accept live events from now on."""
        self.live = True
        held, self._held = self._held or (), None
        self._released.set()
        for payload in held:
            self.say(payload)

    async def wait_for_answer_space(self) -> None:
        """Wait while many answers are held back, so that a client that keeps asking fills its own socket, not our
        memory."""
        if sum(map(len, self._held or ())) > MAX_HELD_ANSWER_BYTES:
            await self._released.wait()

    def flush(self) -> None:
        self._flush_planned = False
        if not self._pending or self._transport.is_closing():
            self._pending.clear()
            return
        data = b"".join(self._pending) if len(self._pending) > 1 else self._pending[0]
        self._pending.clear()
        if self.backlog() + len(data) > MAX_UNSENT_BYTES and self.backlog():
            self.closed_as_slow = True
            self.abort()
            return
        self._transport.write(data)

    def mark_alive(self) -> None:
        self.heard = asyncio.get_running_loop().time()

    def backlog(self) -> int:
        return self._transport.get_write_buffer_size()

    @property
    def is_gone(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        """Close the connection after the queued frames are sent."""
        if self.farewell is not None and not self.is_gone:
            self._transport.write(self.farewell)
        self._transport.close()
        self._end()

    def abort(self) -> None:
        self._transport.abort()
        self._end()

    def _end(self) -> None:
        self.ended.set()
        self._released.set()


class Broadcaster:
    def __init__(self, state: GatewayState) -> None:
        self._state = state
        self._of: dict[str, set[Connection]] = defaultdict(set)
        self._observers: set[Connection] = set()
        self._all: set[Connection] = set()
        self._link_readers: set[Connection] = set()
        self.slow_closed = 0

    def __len__(self) -> int:
        return len(self._all)

    @property
    def has_link_readers(self) -> bool:
        return bool(self._link_readers)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._all))

    def add(self, connection: Connection) -> None:
        self._all.add(connection)
        if connection.shows is not None:
            self._link_readers.add(connection)
            return
        self._of[connection.name].add(connection)
        if connection.observer:
            self._observers.add(connection)
        self._state.live[connection.name].connections += 1

    def remove(self, connection: Connection) -> None:
        if connection not in self._all:
            return
        self._all.discard(connection)
        self.slow_closed += connection.closed_as_slow
        if connection.shows is not None:
            self._link_readers.discard(connection)
            return
        self._observers.discard(connection)
        self._of[connection.name].discard(connection)
        if not self._of[connection.name]:
            del self._of[connection.name]
        live = self._state.live[connection.name]
        live.connections -= 1
        if not live.is_connected:
            live.heard = float("-inf")

    def publish(self, sheets: Iterable[OutgoingEvent]) -> None:
        """Send events to their connections. An error closes only the connection it concerns, which reconnects and
        resumes."""
        touched: set[Connection] = set()
        for _, group in groupby(sheets, _audience_of_event):
            run = EventBatch(group)
            for connection in self._audience(run.sheets[0]):
                if connection.live:
                    touched.add(connection)
                    # inline, because one more call per connection costs about as much as the send itself; of one that
                    # is gone, `flush` drops what is queued
                    try:
                        connection.queue_events(run)
                    except Exception:
                        _drop_connection(connection)
        for connection in touched:
            try:
                connection.flush()
            except Exception:
                _drop_connection(connection)

    def tell(self, snapshot: bytes) -> None:
        """Send a snapshot to every connection that wants them, rendered once per wire format."""
        rendered: dict[Callable[[bytes], bytes], bytes] = {}
        for connection in self:
            wrap = connection.snapshots
            if wrap is not None and connection.live:
                _call_or_drop(connection, _send_rendered_once, connection, wrap, snapshot, rendered)

    def tell_one(self, name: str, snapshots: Iterable[bytes]) -> None:
        for connection in self.connections_of(name):
            for snapshot in snapshots:
                _call_or_drop(connection, connection.say_snapshot, snapshot)

    def tell_readers(self, snapshot: bytes, room: str, ends: tuple[str, ...] | None, *, but: str) -> None:
        """Send a snapshot to those who may read what is said in a room, or with `ends` to these members alone; not to
        the one that it comes `but`. Who does not keep up misses it."""
        rendered: dict[Callable[[bytes], bytes], bytes] = {}
        own = (one for name in self._names(ends, room) if name != but for one in self._of.get(name, ()))
        for connection in {*self._observers, *own}:
            wrap = connection.snapshots
            if wrap is not None and connection.live and connection.backlog() < MAX_UNSENT_SNAPSHOT_BYTES:
                _call_or_drop(connection, _send_rendered_once, connection, wrap, snapshot, rendered)

    def keep_alive(self, patience: float) -> None:
        """Ping all connections; drop those that could have answered and have been silent for too long."""
        now = asyncio.get_running_loop().time()
        for connection in tuple(self._all):
            if connection.listens and now - connection.heard > patience:
                connection.abort()
            elif connection.keepalive is not None:
                _call_or_drop(connection, connection.say, connection.keepalive)

    def connected_names(self) -> Collection[str]:
        """The members with at least one connection."""
        return self._of.keys()

    def connections_of(self, name: str) -> tuple[Connection, ...]:
        return tuple(self._of.get(name, ()))

    def _audience(self, sheet: OutgoingEvent) -> Iterable[Connection]:
        ends, room, for_members_alone = _audience_of_event(sheet)
        if not for_members_alone:
            yield from self._observers
            yield from self._link_readers
        for name in self._names(ends, room):
            for connection in self._of.get(name, ()):
                if for_members_alone or not connection.observer:
                    yield connection

    def _names(self, ends: tuple[str, ...] | None, room: str | None) -> Iterable[str]:
        if ends is not None:
            return dict.fromkeys(ends)
        if room is not None:
            present = self._state.in_room[room]
            if len(present) <= len(self._of):
                return tuple(present)
            return [name for name in self._of if name in present]
        return tuple(self._of)


def _call_or_drop(connection: Connection, do: Callable[..., None], *arguments: object) -> None:
    try:
        do(*arguments)
    except Exception:
        _drop_connection(connection)


def _drop_connection(connection: Connection) -> None:
    log.exception("! a send to a connection failed; the connection is closed", member=connection.name)
    connection.abort()


def _send_rendered_once(
    connection: Connection,
    wrap: Callable[[bytes], bytes],
    snapshot: bytes,
    rendered: dict[Callable[[bytes], bytes], bytes],
) -> None:
    if wrap not in rendered:
        rendered[wrap] = wrap(snapshot)
    connection.say(rendered[wrap])


def _audience_of_event(sheet: OutgoingEvent) -> tuple[tuple[str, ...] | None, str | None, bool]:
    """The sender and recipients of a direct event; else its room, if it has one; and whether observers see none."""
    ends = sheet.record.ends
    return ends, sheet.record.room if ends is None else None, sheet.record.kind in MEMBERS_ONLY_KINDS


def make_visibility_filter(name: str, state: GatewayState, *, observer: bool) -> Callable[[StoredEvent], bool]:
    """A filter for the events of the log that a member may see. It checks room membership at the moment of reading,
    because the member may be kicked while it waits."""

    def visible(record: StoredEvent) -> bool:
        if observer and record.kind not in MEMBERS_ONLY_KINDS:
            return True
        if record.ends is not None:
            return name in record.ends
        return record.room is None or record.room in state.rooms_of.get(name, ())

    return visible
