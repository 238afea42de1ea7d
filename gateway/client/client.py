"""The client: connects, reconnects, resumes after the last seq that it saw, and safely repeats requests that got no
answer.

After a gateway died: `_keep_connected` connects again with growing pauses, `_make_hello` names the last seq, and
`gateway/api/catch_up.py` on the other side replays the rest. The sidecar adds what to do when the store was replaced
(`sidecar/connection/room_connection.py`).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from gateway.client.backoff import retry_delays
from gateway.client.discovery.endpoint import Endpoint
from gateway.client.message_ids import new_id
from gateway.client.timeouts import NO_LIMIT_S
from gateway.client.transport_errors import OPEN_TIMEOUT_S, GatewayUnreachable, OpenTimedOut, TransportBroken
from gateway.client.transports import TRANSPORTS, ClientTransport
from gateway.process_basics.tasks import spawn
from gateway.protocol import codec
from gateway.protocol.errors import Forbidden, GroupChatError, RateLimited, Unavailable
from gateway.protocol.events import Event, Replayed, RoomEvent, Welcome
from gateway.protocol.requests.agent_requests import Keys, PressTerminalKey, Restart, ShowPartialText, ShowTerminal
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken, Register, RotateToken
from gateway.protocol.requests.message_requests import Retry, Send, Show
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.room_requests import CreateRoom
from gateway.protocol.results import Accepted, MessageDetail
from gateway.protocol.types.core_types import DEFAULT_ROOM, canonical_room_name

R = TypeVar("R")

MAX_UNREAD_EVENTS = 10_000
WEBSOCKET_TRIES = 2
EVENTS_PER_LOOP_TURN = 16  # events
CANCEL_AGAIN_AFTER = 5  # times the limit of a close, which is under way when no cancellation was lost
log = logging.getLogger("gateway.client")


class StoreChanged(Exception):
    """The gateway has another store now, so the request could mean something else. It was not sent."""


@dataclass(frozen=True)
class ConnectionLost:
    """The connection is lost. The client is reconnecting by itself."""

    reason: str
    retry_in: float


ClientEvent = Event | ConnectionLost


NOT_REPEATABLE = (
    CreateRoom,
    CreateToken,
    RotateToken,
    Register,
    Keys,
    PressTerminalKey,
    Restart,
    Retry,
    ShowPartialText,
    ShowTerminal,
)


def is_repeatable(request: Request) -> bool:
    return not isinstance(request, NOT_REPEATABLE) and not (isinstance(request, Send) and request.id is None)


class Client:
    """With `patient`, entering waits for a gateway that does not run yet; otherwise it fails when nothing answers."""

    def __init__(
        self,
        endpoint: Endpoint,
        hello: Hello | None = None,
        *,
        patient: bool = False,
        wires: Sequence[Callable[[Endpoint], ClientTransport]] = TRANSPORTS,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._endpoint = endpoint
        self._hello = hello or Hello()
        self._patient = patient
        self._wires = wires
        self._chance = chance
        self._wire: ClientTransport | None = None
        self._connected = asyncio.Event()
        self._seen: asyncio.Queue[ClientEvent] = asyncio.Queue(MAX_UNREAD_EVENTS)
        self._since = self._hello.since
        self._runner: asyncio.Task[None] | None = None
        self._final: GroupChatError | None = None
        self._failed_tries = 0
        self._overflowed = False
        self._worked = False
        self._taken = 0
        self._sealed_rooms: set[str] = set()
        self.welcome: Welcome

    async def __aenter__(self) -> Self:
        """Connect, or raise an error that says why that is impossible."""
        first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._runner = spawn(self._run_until_final(first), "client")
        try:
            await self._opened(first)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def _opened(self, first: asyncio.Future[None]) -> None:
        endpoint = self._endpoint
        within = endpoint.limits.opens if endpoint.socket else endpoint.limits.opens_elsewhere
        try:
            async with asyncio.timeout(None if self._patient else within):
                await first
        except TimeoutError:
            raise endpoint.silent("a connection", within) from None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the runner's end without swallowing a cancellation that is meant for the caller. A library below the
        runner may lose a cancellation that comes just when its own wait ends, so the runner is told again."""
        within = CANCEL_AGAIN_AFTER * self._endpoint.limits.closes
        while self._runner is not None and not self._runner.done():
            self._runner.cancel()
            await asyncio.wait([self._runner], timeout=within)

    @property
    def endpoint(self) -> Endpoint:
        return self._endpoint

    # requests

    async def send(self, content: str, **fields: Any) -> Accepted:
        """Send a message. It carries an id, so repeating it after a lost answer cannot post it twice."""
        return await self.request(Send(content=content, **{"id": new_id(), **fields}), Accepted)

    async def request(
        self,
        request: Request,
        kind: type[R],
        *,
        timeout: float | None = None,
        store_id: str | None = None,
    ) -> R:
        """Send a request and wait for the answer, across lost connections, up to the endpoint's limit or `timeout`. A
        request that must not run twice is not repeated. With `store_id`, it is sent only to the gateway with this store
        id: after a reconnect the gateway may have another store."""
        await self._refuse_plain_text(request)
        within = self._endpoint.limits.answers if timeout is None else timeout
        try:
            async with asyncio.timeout(None if within == NO_LIMIT_S else within):
                while True:
                    wire = await self._ready()
                    if store_id not in (None, self.welcome.store_id):
                        raise StoreChanged
                    try:
                        answer = await wire.request(request)
                        return codec.decode_result(answer, kind)
                    except TransportBroken:
                        await self._give_up(wire)
                        if not is_repeatable(request):
                            raise Unavailable(
                                "The connection was lost before the answer came; look whether it happened."
                            ) from None
                    except RateLimited as error:
                        await asyncio.sleep(error.retry_after or 0.1)
        except TimeoutError:
            raise self._endpoint.silent(f"`{request.__struct_config__.tag}`", within) from None

    async def _refuse_plain_text(self, request: Request) -> None:
        """Keep plain text for a sealed room on this machine: what the gateway refuses, it has read."""
        if not isinstance(request, Send) or request.sealed is not None or not self._sealed_rooms:
            return
        room = canonical_room_name(request.room or DEFAULT_ROOM)
        if request.room is None and request.reply_to is not None:  # it goes where the answered message is
            room = (await self.request(Show(message=request.reply_to), MessageDetail)).message.room
        if room in self._sealed_rooms:
            raise Forbidden(f"#{room} is sealed, and your key is not open here. Nothing was sent.")

    def _note_sealed_rooms(self, event: Event) -> None:
        if isinstance(event, Welcome):
            self._sealed_rooms |= {room.name for room in event.rooms if room.sealed}
        elif isinstance(event, RoomEvent) and event.sealed:
            self._sealed_rooms.add(event.room)

    async def _ready(self) -> ClientTransport:
        """Wait for an open transport. Each wait is followed by a new check, since the transport may be lost between the
        signal and our turn."""
        while True:
            if self._final is not None:
                raise self._final
            if self._wire is not None:
                return self._wire
            await self._connected.wait()

    async def _give_up(self, wire: ClientTransport) -> None:
        """End a transport, so that the next one takes its place."""
        self._forget(wire)
        await wire.close()

    def _forget(self, wire: ClientTransport) -> None:
        """Drop the transport and clear the signal: it is set only while there is a transport or a final error."""
        if wire is self._wire:
            self._wire = None
            self._connected.clear()

    # events

    async def events(self) -> AsyncIterator[ClientEvent]:
        """Every event once and in order, across all reconnects. Each connection begins with a Welcome; each loss is
        announced by ConnectionLost."""
        while True:
            if self._final is not None and self._seen.empty():
                raise self._final
            yield await self._seen.get()
            if self._overflowed and self._seen.empty() and self._wire is not None:
                await self._give_up(self._wire)

    def _put(self, event: ClientEvent) -> bool:
        """Queue an event. Answers share the connection with events, so a reader that is slow, or reads no events, must
        not block it. An event that does not fit is still in the gateway's log: once the queue is empty, a new
        connection resumes where it ended."""
        if self._overflowed or self._seen.full():
            self._overflowed = True
            return False
        self._seen.put_nowait(event)
        return True

    # the connection loop

    async def _run_until_final(self, first: asyncio.Future[None]) -> None:
        """Run the connection until a final error, then tell everyone who waits for an answer or an event, whatever the
        reason."""
        try:
            await self._keep_connected(first)
        except Exception as error:
            log.exception("the client broke")
            self._finish(Unavailable(f"The connection to {self._endpoint.shown} broke: {error!r}."), first)

    async def _keep_connected(self, first: asyncio.Future[None]) -> None:
        pauses = retry_delays(self._chance)
        while True:
            wire = self._choose()
            self._worked = False
            try:
                await self._use_transport(wire, first)
            except (TransportBroken, GroupChatError) as error:
                if self._should_stop_retrying(error, first):
                    return
                await self._wait_before_retry(error, pauses, first)
            finally:
                await wire.close()
            if self._worked:
                pauses = retry_delays(self._chance)

    def _should_stop_retrying(self, error: Exception, first: asyncio.Future[None]) -> bool:
        """Whether retrying is useless, or the caller does not want to wait for it."""
        self._failed_tries += not (isinstance(error, GatewayUnreachable) or self._is_frozen(error))
        if isinstance(error, GroupChatError) and error.status < 500 and not isinstance(error, RateLimited):
            self._finish(error, first)
        elif not first.done() and not self._patient and self._tried_enough(error):
            self._finish(Unavailable(self._no_answer_error(error)), first)
        return self._final is not None

    def _is_frozen(self, error: Exception) -> bool:
        """Whether the gateway is frozen. Nothing on this machine blocks WebSockets only, so a local gateway that does
        not answer on one answers on nothing."""
        return isinstance(error, OpenTimedOut) and self._endpoint.socket is not None

    def _tried_enough(self, error: Exception) -> bool:
        return isinstance(error, GatewayUnreachable) or self._failed_tries >= WEBSOCKET_TRIES * len(self._wires)

    def _no_answer_error(self, error: Exception) -> str:
        return f"No gateway answers at {self._endpoint.shown} ({error}). {self._endpoint.remedy}"

    def _choose(self) -> ClientTransport:
        """Choose the transport: WebSocket; if that fails twice in a row although something answers, server-sent events,
        then polling."""
        number = min(self._failed_tries // WEBSOCKET_TRIES, len(self._wires) - 1) if self._failed_tries else 0
        return self._wires[number](self._endpoint)

    async def _use_transport(self, wire: ClientTransport, first: asyncio.Future[None]) -> None:
        self.welcome = await self._open(wire)
        self._note_sealed_rooms(self.welcome)
        if self._since is None or self._since > self.welcome.last_seq:
            self._since = self.welcome.last_seq
        known = self._hello.known if self._hello.store_id == self.welcome.store_id else 0
        # the member may have got another role since
        self._hello = msgspec.structs.replace(self._hello, role=None, store_id=self.welcome.store_id, known=known)
        self._wire = wire
        self._overflowed = False
        self._failed_tries = 0
        self._worked = True
        self._connected.set()
        if first.done():
            self._put(self.welcome)
        else:
            first.set_result(None)
        try:
            async for event in wire.events():
                self._take_event(event)
                await self._take_in_slices()
        finally:
            self._forget(wire)

    async def _open(self, wire: ClientTransport) -> Welcome:
        """Open a transport, within a time limit: a gateway may accept connections and never answer."""
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                return await wire.open(self._make_hello())
        except TimeoutError:
            raise OpenTimedOut(f"it did not answer within {OPEN_TIMEOUT_S:g} s") from None

    def _make_hello(self) -> Hello:
        """The hello with everything the client remembers: the gateway's log may have been restored from a backup."""
        known = max(self._hello.known, self._since or 0) if self._hello.store_id else 0
        return msgspec.structs.replace(self._hello, since=self._since, known=known)

    async def _take_in_slices(self) -> None:
        """Handle a burst of events in slices, so that other tasks on the loop run in between."""
        self._taken += 1
        if self._taken % EVENTS_PER_LOOP_TURN == 0:
            await asyncio.sleep(0)

    def _take_event(self, event: Event) -> None:
        self._note_sealed_rooms(event)
        since = self._since or 0
        seq = event.until if isinstance(event, Replayed) else getattr(event, "seq", None)
        repeated = seq is not None and seq <= since and not isinstance(event, Replayed)
        if not repeated and self._put(event) and seq is not None:
            self._since = max(since, seq)

    async def _wait_before_retry(self, error: Exception, pauses: Iterator[float], first: asyncio.Future[None]) -> None:
        pause = next(pauses)
        if first.done() and self._worked:
            self._put(ConnectionLost(str(error), pause))
        await asyncio.sleep(pause)

    def _finish(self, error: GroupChatError, first: asyncio.Future[None]) -> None:
        self._final = error
        self._connected.set()
        if not first.done():
            first.set_exception(error)
        with suppress(asyncio.QueueFull):
            self._seen.put_nowait(ConnectionLost(error.message, 0))
