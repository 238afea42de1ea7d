"""What each gateway publishes of itself beside the log: where it is, and how far its copy reaches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import msgspec
import structlog

from gateway.cluster.shared_store import PublishedGateway, SharedStore
from gateway.process_basics.event_waits import wait_at_most
from gateway.protocol.errors import GroupChatError

log = structlog.get_logger("gateway.cluster.published_gateways")

PUBLISH_INTERVAL_S = 2.0
PUBLISHED_FOR_S = 10.0  # a gateway that is gone is listed for so long
NO_DECIDER_TEXT = "No gateway decides at the moment: the one that did is gone, or cannot be reached. Try again."


def trust_in(gateway: PublishedGateway) -> aiohttp.Fingerprint | bool:
    """The certificate that this gateway has published, which may be self-signed; without one, none is asked for."""
    return aiohttp.Fingerprint(bytes.fromhex(gateway.fingerprint)) if gateway.fingerprint else True


class PublishedGateways:
    """`known`: all gateways, as they were about two seconds ago; so whoever asks never waits for Redis."""

    def __init__(self, store: SharedStore) -> None:
        self._store = store
        self._changed = asyncio.Event()
        self._is_failing, self._has_ended = False, False
        self.known: tuple[PublishedGateway, ...] = ()

    def publish_soon(self) -> None:
        """What this gateway publishes has changed in a way that others wait for."""
        self._changed.set()

    def end(self) -> None:
        self._has_ended = True
        self._changed.set()

    async def publish(self, describe: Callable[[], PublishedGateway]) -> None:
        """Until `end`. No command to Redis is cancelled."""
        while not self._has_ended:
            self._changed.clear()
            try:
                await self._store.publish(msgspec.json.encode(describe()), PUBLISHED_FOR_S)
                found = [msgspec.json.decode(one, type=PublishedGateway) for one in await self._store.published()]
                self.known = tuple(sorted(found, key=lambda one: (not one.decides, one.url)))
                self._is_failing = False
            except GroupChatError as error:
                if not self._is_failing:
                    log.warning("! this gateway could not be published", error=error.message)
                self._is_failing = True
            await wait_at_most(self._changed, PUBLISH_INTERVAL_S)

    async def decider(self) -> PublishedGateway | None:
        """The gateway that decides, if it has published itself as that."""
        found = await self._store.decider()
        if found is None:
            return None
        record = msgspec.json.decode(found, type=PublishedGateway)
        return record if record.decides else None
