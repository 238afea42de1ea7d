"""Accepts connections. Each is tracked from the moment it is accepted, before TLS and before its first byte. It is
closed if it does not authenticate in time, or if there are too many unproven ones; `unauthenticated_connections`
decides which.

asyncio's own acceptor reports a connection only after the handshake, and logs a line for each one that it cannot
accept. This one accepts a few per loop turn, so that connections with data are served before the next ones are
accepted, and pauses when no descriptors are left.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from functools import partial

import structlog

from gateway.listening.unauthenticated_connections import (
    AdmissionControl,
    ConnectionLimits,
    UnprovenConnection,
    peer_of,
)
from gateway.process_basics.tasks import spawn

LISTEN_BACKLOG = 1024
PROOF_TIMEOUT_S = 15.0  # from the connection to a valid token: handshake, and head of the first request
CHECK_INTERVAL_S = 2.5
ACCEPT_RETRY_DELAY_S = 0.25
IDLE_TIMEOUT_S = 120.0  # a kept-alive connection, and the head of a further request on it; clients give up sooner
NO_DESCRIPTOR_ERRORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
log = structlog.get_logger("gateway.listening.acceptor")


class AcceptedSocket(socket.socket):
    """A connection that reports when its descriptor is free again."""

    def __init__(self, accepted: socket.socket, report_free: Callable[[int], None]) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self._report_free = report_free

    def close(self) -> None:
        number = self.fileno()
        super().close()
        if number >= 0:
            self._report_free(number)


class ConnectionLimiter:
    """The connections of all listeners of one process: whose they are, and how each is closed."""

    def __init__(self, bounds: ConnectionLimits, *, look_every: float = CHECK_INTERVAL_S) -> None:
        self._look_every = look_every
        self.admission = AdmissionControl(bounds)
        self._ends: dict[int, Callable[[], object]] = {}
        self._looking: asyncio.TimerHandle | None = None

    def add_connection(self, sock: AcceptedSocket, peer: str, seconds: float, end: Callable[[], object]) -> None:
        loop, number = asyncio.get_running_loop(), sock.fileno()
        self._ends[number] = end
        self._end(
            self.admission.add_connection(number, UnprovenConnection(peer, loop.time() + seconds)),
            "too many connections have not authenticated",
        )
        if self._looking is None:
            self._looking = loop.call_later(self._look_every, self._look)

    def mark_connected(self, number: int, end: Callable[[], object]) -> None:
        if number in self._ends:
            self._ends[number] = end

    def mark_proven(self, transport: asyncio.BaseTransport | None, member: str) -> None:
        """Mark that a valid token came over this connection."""
        if (number := _descriptor_of(transport)) is not None:
            self._end(self.admission.mark_proven(number, member), "a member has too many connections")

    def mark_guest(self, transport: asyncio.BaseTransport | None) -> None:
        """Mark that a listener admits this connection without a token."""
        if (number := _descriptor_of(transport)) is not None:
            self._end(self.admission.mark_guest(number), "too many guests are connected")

    def mark_refused(self, transport: asyncio.BaseTransport | None) -> None:
        """Mark that a request over this connection was refused."""
        if (number := _descriptor_of(transport)) is not None:
            self.admission.mark_refused(number)

    def close_unproven(self) -> None:
        self._end(self.admission.all_unproven(), "no file descriptors are left")

    def close(self) -> None:
        """Close all connections that are still open."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        for number in tuple(self._ends):
            self._ends.pop(number)()

    def _look(self) -> None:
        """Check for timeouts. The timer runs only while there are unproven connections."""
        loop = asyncio.get_running_loop()
        self._looking = None
        self._end(self.admission.overdue(loop.time()), "it did not authenticate in time")
        if self.admission.strangers:
            self._looking = loop.call_later(self._look_every, self._look)

    def _end(self, numbers: list[int], why: str) -> None:
        for number in numbers:
            if (end := self._ends.pop(number, None)) is not None:
                log.info("! closed a connection", why=why)
                end()

    def forget_connection(self, number: int) -> None:
        self._ends.pop(number, None)
        self.admission.remove_connection(number)


def _descriptor_of(transport: asyncio.BaseTransport | None) -> int | None:
    sock = None if transport is None else transport.get_extra_info("socket")
    return None if sock is None else sock.fileno()


class Acceptor:
    """Listening sockets, and the connections that they accept."""

    def __init__(
        self,
        sockets: list[socket.socket],
        factory: Callable[[], asyncio.BaseProtocol],
        limiter: ConnectionLimiter,
        tls: ssl.SSLContext | None = None,
        seconds: float = PROOF_TIMEOUT_S,
    ) -> None:
        self.sockets = sockets
        self._factory, self._limiter, self._tls, self._seconds = factory, limiter, tls, seconds
        self._loop = asyncio.get_running_loop()
        self._connecting: set[asyncio.Task[bool]] = set()
        self._again: dict[socket.socket, asyncio.TimerHandle] = {}
        for listener in sockets:
            listener.setblocking(False)
            listener.listen(LISTEN_BACKLOG)
            self._listen(listener)

    def close(self) -> None:
        for handle in self._again.values():
            handle.cancel()
        for listener in self.sockets:
            self._loop.remove_reader(listener.fileno())
            listener.close()
        self.sockets = []
        for task in tuple(self._connecting):
            task.cancel()

    def _listen(self, listener: socket.socket) -> None:
        self._again.pop(listener, None)
        self._loop.add_reader(listener.fileno(), self._ready, listener)

    def _ready(self, listener: socket.socket) -> None:
        for _ in range(self._limiter.admission.bounds.at_once):
            try:
                sock, address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause_accepting(listener, error)
                return
            self._accept_connection(sock, address)

    def _pause_accepting(self, listener: socket.socket, error: OSError) -> None:
        log.warning("! cannot accept a connection", error=error.strerror)
        if error.errno in NO_DESCRIPTOR_ERRORS:
            self._limiter.close_unproven()
        self._loop.remove_reader(listener.fileno())
        self._again[listener] = self._loop.call_later(ACCEPT_RETRY_DELAY_S, self._listen, listener)

    def _accept_connection(self, sock: socket.socket, address: object) -> None:
        accepted = AcceptedSocket(sock, self._limiter.forget_connection)
        accepted.setblocking(False)
        task = spawn(self._connect(accepted), "accept")
        self._connecting.add(task)
        task.add_done_callback(partial(self._connected, accepted))
        self._limiter.add_connection(accepted, peer_of(address), self._seconds, task.cancel)

    async def _connect(self, accepted: AcceptedSocket) -> bool:
        number, seconds = accepted.fileno(), self._seconds if self._tls else None
        try:
            transport, _ = await self._loop.connect_accepted_socket(
                self._factory, accepted, ssl=self._tls, ssl_handshake_timeout=seconds
            )
        except OSError:
            return False
        self._limiter.mark_connected(number, transport.abort)
        return True

    def _connected(self, accepted: AcceptedSocket, task: asyncio.Task[bool]) -> None:
        """Close a connection whose setup failed, after its transport if it already has one."""
        self._connecting.discard(task)
        if task.cancelled() or task.exception() is not None or not task.result():
            self._loop.call_soon(accepted.close)


async def bind_sockets(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for a name or an address, bound as asyncio binds them."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, host, port, reuse_address=True, start_serving=False)
    sockets = [one.dup() for one in server.sockets]
    server.close()
    return sockets
