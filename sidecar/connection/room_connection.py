"""The connection to the room for as long as a sidecar lives. `gateway/client/client.py` reconnects and gets what was
missed. If the room forgets the member (another store, a replaced token), it joins again by itself. Until then nothing
is lost and the terminal is not affected.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from gateway.client import Client, Endpoint, StoreChanged, new_id
from gateway.client.backoff import retry_delays
from gateway.encryption.member_client.sealed_client import SealedClient
from gateway.process_basics.tasks import spawned_vital
from gateway.protocol.errors import (
    GroupChatError,
    TimedOut,
    Unauthorized,
    Unavailable,
    UnknownMessage,
    VersionMismatch,
)
from gateway.protocol.events import Control, Welcome
from gateway.protocol.requests.approval_requests import OpenAsk
from gateway.protocol.requests.message_requests import Deliveries, Send, Show, Waiting
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Accepted
from gateway.protocol.types.agent_work import Work
from sidecar.connection.background_tasks import run_guarded
from sidecar.connection.registration import Registration, connect_as_member, registration_advice
from sidecar.connection.sealing import no_own_key
from sidecar.messages.sealed_turns import SealedPlace

T = TypeVar("T")
ENTER_TIMEOUT_S = 30.0
_TEMPORARY_ERRORS = (Unavailable, TimedOut, OSError)
_MEMBERSHIP_LOST_ERRORS = (Unauthorized, VersionMismatch)
log = structlog.get_logger("sidecar.connection.room_connection")


@dataclass(frozen=True)
class MembershipLost:
    """Reported once, when joining again does not work either."""

    reason: str


class RoomConnection:
    """Works like a client that never ends: after joining again, `events` continues with a welcome."""

    def __init__(
        self, registration: Registration, find: Callable[[], Endpoint], client: Client, stay: contextlib.AsyncExitStack
    ) -> None:
        self._registration, self._find = registration, find
        self._client, self._stay = client, stay
        self._here = asyncio.Event()
        self._here.set()
        self._heard: asyncio.Queue[Any] = asyncio.Queue()  # the client bounds what it keeps; this is read at once
        self._since = client.welcome.last_seq
        self._store_id = client.welcome.store_id
        self._sealed: set[str] = set()
        self._note_sealed_rooms()

    @property
    def welcome(self) -> Welcome:
        return self._client.welcome

    @property
    def endpoint(self) -> Endpoint:
        """The current endpoint of the room."""
        return self._client.endpoint

    # asking

    async def send(self, content: str, **fields: Any) -> Accepted:
        return await self.request(Send(content=content, **{"id": new_id(), **fields}), Accepted)

    async def request(self, request: Request, kind: type[T], *, timeout: float | None = None) -> T:
        """Raises Unavailable if the request cannot be sent now; the caller keeps it and retries. The client checks the
        store when it sends, because it may find another one while it waits for its connection."""
        client = await self._connected_client()
        try:
            return await client.request(request, kind, timeout=timeout, store_id=self._store_id)
        except StoreChanged:
            raise _not_connected_error(request) from None
        except _MEMBERSHIP_LOST_ERRORS as error:
            raise Unavailable(error.message) from error

    # sealing: `sidecar.connection.sealing.Sealing`

    @property
    def has_key(self) -> bool:
        """Whether this machine has a key of the agent."""
        return isinstance(self._client, SealedClient) and self._client.machine is not None

    def is_sealed_room(self, room: str) -> bool:
        """Also while there is no connection: a room that was sealed is sealed for ever."""
        if room not in self._sealed and isinstance(self._client, SealedClient) and self._client.is_sealed_room(room):
            self._sealed.add(room)
        return room in self._sealed

    async def send_sealed(self, request: Send) -> Accepted:
        """Seal it to the members that it names, or refuse. As in `request`, the caller repeats what was not sent."""
        client = await self._sealing_client()
        if client.welcome.store_id != self._store_id:
            raise _not_connected_error(request)
        try:
            return await client.send_sealed(request)
        except _MEMBERSHIP_LOST_ERRORS as error:
            raise Unavailable(error.message) from error

    async def seal_ask(self, ask: OpenAsk, place: SealedPlace) -> OpenAsk:
        client = await self._sealing_client()
        return client.seal_ask(ask, place.room, place.readers(self.is_sealed_room))

    async def seal_work(self, work: Work, place: SealedPlace) -> Work:
        client = await self._sealing_client()
        return client.seal_work(work, place.room, place.readers(self.is_sealed_room))

    async def check_answer(self, order: Control, digest: str, place: SealedPlace) -> None:
        client = await self._sealing_client()
        client.check_answer(order, digest, place.room, place.readers(self.is_sealed_room))

    async def _sealing_client(self) -> SealedClient:
        client = await self._connected_client()
        if not isinstance(client, SealedClient) or client.machine is None:
            raise no_own_key()
        return client

    async def _connected_client(self) -> Client:
        try:
            async with asyncio.timeout(ENTER_TIMEOUT_S):
                while not self._here.is_set():
                    await self._here.wait()
        except TimeoutError:
            raise Unavailable(f"{self._registration.name} is not known to the gateway any more.") from None
        return self._client

    # listening

    async def events(self) -> AsyncIterator[Any]:
        """The reader sees a welcome before any request goes to a new store, so it first forgets what it knew by
        number."""
        while True:
            event = await self._heard.get()
            if isinstance(event, Welcome):
                self._store_id = event.store_id
            yield event

    async def keep(self) -> None:
        """Listens even while the reader of `events` waits for an answer, because this task must notice the end of a
        connection."""
        while True:
            if self._here.is_set():
                await self._listen()
            self._here.clear()
            await self._reconnect()
            self._heard.put_nowait(self._client.welcome)
            self._here.set()

    async def _listen(self) -> None:
        """Listen until the client ends."""
        with contextlib.suppress(GroupChatError):
            async for event in self._client.events():
                self._since = max(self._since, getattr(event, "seq", 0))
                self._heard.put_nowait(event)
        log.warning("the gateway does not know this member any more")

    async def _reconnect(self) -> None:
        told = False
        for pause in retry_delays(random.random):
            try:
                return await self._enter()
            except _TEMPORARY_ERRORS as error:
                log.info("not in the room yet", error=str(error))
            except GroupChatError as error:
                if not told:
                    log.error("cannot join again", error=registration_advice(error, self._registration.name))
                    self._heard.put_nowait(MembershipLost(registration_advice(error, self._registration.name)))
                told = True
            await asyncio.sleep(pause)

    async def _enter(self) -> None:
        """In the same store, missed events follow. In another one, our position means nothing, so it starts at the
        newest event."""
        before = self._client.welcome.store_id
        await self._stay.aclose()
        client = await self._stay.enter_async_context(connect_as_member(self._registration, self._find(), self._since))
        if client.welcome.store_id != before:
            await self._stay.aclose()
            client = await self._stay.enter_async_context(connect_as_member(self._registration, self._find()))
            self._since = client.welcome.last_seq
        self._client = client
        self._note_sealed_rooms()

    def _note_sealed_rooms(self) -> None:
        for room in self._client.welcome.rooms:
            self.is_sealed_room(room.name)


def _not_connected_error(request: Request) -> GroupChatError:
    """Who reads events may ask for messages by number while the welcome waits. Such a request must not wait for the
    welcome."""
    if isinstance(request, Show | Deliveries | Waiting):
        return UnknownMessage("This was requested from another store.")
    return Unavailable("The gateway has another store now; its state is being read.")


@contextlib.asynccontextmanager
async def connect_to_room(
    registration: Registration,
    find: Callable[[], Endpoint],
    enter: Callable[[contextlib.AsyncExitStack], Awaitable[Client]],
) -> AsyncIterator[RoomConnection]:
    """Stay in the room while the block runs. `enter` waits for a gateway that is away."""
    async with contextlib.AsyncExitStack() as stay:
        room = RoomConnection(registration, find, await enter(stay), stay)
        async with spawned_vital(run_guarded("room_connection", room.keep), "room_connection"):
            yield room
