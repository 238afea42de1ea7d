"""The room, for as long as a sidecar lives. Who is forgotten there (another store, a token that was replaced) joins
again by itself; until then nothing is lost, and the terminal is not touched."""

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
from gateway.client.process.tasks import spawned_vital
from gateway.protocol.errors import (
    GroupChatError,
    TimedOut,
    Unauthorized,
    Unavailable,
    UnknownMessage,
    VersionMismatch,
)
from gateway.protocol.events import Welcome
from gateway.protocol.requests import Deliveries, Request, Send, Show, Waiting
from gateway.protocol.results import Accepted
from sidecar.connection.background_tasks import run_guarded
from sidecar.connection.registration import Registration, connect_as_member, registration_advice

T = TypeVar("T")
ENTER_TIMEOUT_S = 30.0
_TEMPORARY_ERRORS = (Unavailable, TimedOut, OSError)
_MEMBERSHIP_LOST_ERRORS = (Unauthorized, VersionMismatch)
log = structlog.get_logger("sidecar.connection.room_connection")


@dataclass(frozen=True)
class MembershipLost:
    """Told once, when joining again does not work either."""

    reason: str


class RoomConnection:
    """As a client is, but never final: `events` goes on with a welcome when the name is there again."""

    def __init__(
        self, seat: Registration, find: Callable[[], Endpoint], client: Client, stay: contextlib.AsyncExitStack
    ) -> None:
        self._seat, self._find = seat, find
        self._client, self._stay = client, stay
        self._here = asyncio.Event()
        self._here.set()
        self._heard: asyncio.Queue[Any] = asyncio.Queue()  # the client bounds what it keeps; this is read at once
        self._since = client.welcome.last_seq
        self._house = client.welcome.house

    @property
    def welcome(self) -> Welcome:
        return self._client.welcome

    @property
    def endpoint(self) -> Endpoint:
        """Where the room is now."""
        return self._client.endpoint

    # asking

    async def send(self, content: str, **fields: Any) -> Accepted:
        return await self.request(Send(content=content, **{"id": new_id(), **fields}), Accepted)

    async def request(self, request: Request, kind: type[T]) -> T:
        """What cannot be asked now is Unavailable: whoever asks keeps it and asks again. The client itself looks at the
        house when it asks: it may find another one while it waits for its connection."""
        client = await self._connected_client()
        try:
            return await client.request(request, kind, house=self._house)
        except StoreChanged:
            raise _not_connected_error(request) from None
        except _MEMBERSHIP_LOST_ERRORS as error:
            raise Unavailable(error.message) from error

    async def _connected_client(self) -> Client:
        try:
            async with asyncio.timeout(ENTER_TIMEOUT_S):
                while not self._here.is_set():
                    await self._here.wait()
        except TimeoutError:
            raise Unavailable(f"{self._seat.name} is not known to the gateway any more.") from None
        return self._client

    # listening

    async def events(self) -> AsyncIterator[Any]:
        """A welcome is heard before anything else is asked in a house: what was known by number is forgotten first."""
        while True:
            event = await self._heard.get()
            if isinstance(event, Welcome):
                self._house = event.house
            yield event

    async def keep(self) -> None:
        """Listens, also while the reader of `events` waits for an answer: it is here that an end is noticed."""
        while True:
            if self._here.is_set():
                await self._listen()
            self._here.clear()
            await self._reconnect()
            self._heard.put_nowait(self._client.welcome)
            self._here.set()

    async def _listen(self) -> None:
        """Until the client is final."""
        with contextlib.suppress(GroupChatError):
            async for event in self._client.events():
                self._since = max(self._since, getattr(event, "seq", 0))
                self._heard.put_nowait(event)
        log.warning("the gateway does not know us any more")

    async def _reconnect(self) -> None:
        told = False
        for pause in retry_delays(random.random):
            try:
                return await self._enter()
            except _TEMPORARY_ERRORS as error:
                log.info("not in the room yet", error=str(error))
            except GroupChatError as error:
                if not told:
                    log.error("cannot join again", error=registration_advice(error, self._seat.name))
                    self._heard.put_nowait(MembershipLost(registration_advice(error, self._seat.name)))
                told = True
            await asyncio.sleep(pause)

    async def _enter(self) -> None:
        """In the same house, what was missed is told; in another one, what our numbers mean is nothing to begin at."""
        before = self._client.welcome.house
        await self._stay.aclose()
        client = await self._stay.enter_async_context(connect_as_member(self._seat, self._find(), self._since))
        if client.welcome.house != before:
            await self._stay.aclose()
            client = await self._stay.enter_async_context(connect_as_member(self._seat, self._find()))
            self._since = client.welcome.last_seq
        self._client = client


def _not_connected_error(request: Request) -> GroupChatError:
    """Whoever reads events asks for messages by number while the welcome waits: those must not be waited for."""
    if isinstance(request, Show | Deliveries | Waiting):
        return UnknownMessage("This was asked of another house.")
    return Unavailable("It is another house now; what is known of it is being read.")


@contextlib.asynccontextmanager
async def connect_to_room(
    seat: Registration, find: Callable[[], Endpoint], enter: Callable[[contextlib.AsyncExitStack], Awaitable[Client]]
) -> AsyncIterator[RoomConnection]:
    """In the room for the length of the block; `enter` waits for a gateway that is away."""
    async with contextlib.AsyncExitStack() as stay:
        room = RoomConnection(seat, find, await enter(stay), stay)
        async with spawned_vital(run_guarded("room_connection", room.keep), "room_connection"):
            yield room
