"""The life of member streams: connect, disconnect, keep alive, close."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import structlog

from gateway.model.state import AWAY_AFTER_S, GatewayState
from gateway.protocol import codec
from gateway.protocol.errors import Unavailable
from gateway.protocol.events import Closing
from gateway.push.event_broadcaster import Broadcaster, Connection, Renderer
from gateway.statistics.metrics import Metrics

log = structlog.get_logger("gateway.push.member_streams")

PING_EVERY_S = 25.0
EXPIRY_MARGIN_S = 0.05  # timers and the clock of tokens may differ a little


class Streams:
    """It calls `changed` whenever a stream of a member opens or closes."""

    def __init__(
        self,
        state: GatewayState,
        broadcaster: Broadcaster,
        metrics: Metrics,
        now: Callable[[], float],
        changed: Callable[[str], None],
    ) -> None:
        self._state, self._broadcaster, self._metrics, self._now = state, broadcaster, metrics, now
        self._changed = changed
        self.watchers: list[Callable[[str], None]] = []  # called with each member whose connections here have changed
        self._renderers: dict[Callable[[GatewayState], Renderer], Renderer] = {}
        self._pinging: asyncio.TimerHandle | None = None
        self.strangers: set[asyncio.Transport] = set()  # sockets that have not sent hello yet

    def renderer(self, make: Callable[[GatewayState], Renderer]) -> Renderer:
        """One renderer per wire format, so that its result is shared by all connections of that format."""
        return self._renderers.setdefault(make, make(self._state))

    def enter(self, connection: Connection) -> None:
        if self._pinging is None:
            self._pinging = asyncio.get_running_loop().call_later(PING_EVERY_S, self.keep_alive)
        self._broadcaster.add(connection)
        self._metrics.connections.set(len(self._broadcaster))
        if connection.shows is None:
            self._changed(connection.name)
        self._end_at_expiry(self._now(), (connection,))
        self._end_without_token(self._now(), (connection,))  # it may have ended since the connection has proven itself

    def disconnect(self, connection: Connection) -> None:
        self._broadcaster.remove(connection)
        self._metrics.connections.set(len(self._broadcaster))
        if connection.closed_as_slow:
            self._metrics.slow_closed.inc()
            log.warning("! closed a connection that did not read", member=connection.name)
        if connection.shows is None:
            self._state.live[connection.name].lost = self._now()
            self._changed(connection.name)

    def close_all(self) -> None:
        """Tell every stream that the gateway stops, and close it; clients reconnect and resume."""
        closing = codec.encode(Closing(Unavailable("The gateway is stopping.", retry_after=1).body()))
        self._broadcaster.tell(closing)
        for connection in self._broadcaster:
            connection.flush()
            connection.close()
        for transport in self.strangers:
            transport.close()

    def let_all_resume(self) -> None:
        """Close every stream. Its client connects again and reads all events after the last one that it has."""
        for connection in self._broadcaster:
            connection.close()

    def keep_alive(self) -> None:
        """One timer for all connections, and none when there are none."""
        if self._pinging is not None:
            self._pinging.cancel()
        self._pinging = None
        now = self._now()  # also notices clock changes when there are no requests
        if len(self._broadcaster):
            self._pinging = asyncio.get_running_loop().call_later(PING_EVERY_S, self.keep_alive)
        self._end_without_token(now, self._broadcaster)
        self._end_at_expiry(now, self._broadcaster)
        self._broadcaster.keep_alive(AWAY_AFTER_S)

    def tokens_changed(self) -> None:
        self._end_without_token(self._now(), self._broadcaster)

    def _end_at_expiry(self, now: float, connections: Iterable[Connection]) -> None:
        """A timer for each connection whose token ends before the next look at all of them."""
        for connection in connections:
            record = self._state.tokens.get(connection.token) if connection.token else None
            if record is not None and record.expires is not None and record.expires - now < PING_EVERY_S:
                delay = max(0.0, record.expires - now) + EXPIRY_MARGIN_S
                asyncio.get_running_loop().call_later(delay, self._look_at, connection)

    def _look_at(self, connection: Connection) -> None:
        self._end_without_token(self._now(), (connection,))

    def _end_without_token(self, now: float, connections: Iterable[Connection]) -> None:
        """Close connections whose token is no longer valid. A client with another token reconnects and resumes."""
        tokens = self._state.tokens
        for connection in connections:
            if connection.token and not self._state.is_in_force(tokens.get(connection.token), now):
                connection.close()
