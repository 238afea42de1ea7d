"""One gateway among those that share a log: it decides or follows, and the others find it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

import gateway
from gateway.cluster.follower import Follower
from gateway.cluster.follower_link import FollowerLinks
from gateway.cluster.link_frames import LINK_PATH
from gateway.cluster.published_gateways import PublishedGateways
from gateway.cluster.shared_store import PublishedGateway, SharedStore
from gateway.process_basics.tasks import spawn
from gateway.protocol.results import GatewayStanding
from gateway.runtime.hub import Hub

CATCH_UP_TIMEOUT_S = 2.0


class Cluster:
    def __init__(self, hub: Hub, store: SharedStore) -> None:
        self._hub, self._store = hub, store
        self._gateways = PublishedGateways(store)
        self._links = FollowerLinks(hub, store)
        hub.role.share(self)
        self._follower: Follower | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._url = ""
        self._fingerprint: str | None = None

    @property
    def follows(self) -> bool:
        return self._hub.follows

    @property
    def decider(self) -> PublishedGateway | None:
        """The other gateway that decides, while this one follows."""
        return self._follower.decider if self._follower is not None and self._hub.follows else None

    def decide(self) -> None:
        """This gateway decides from the start."""
        self._links.begin()

    def follow(self) -> None:
        """Follow the gateway that decides until it is gone."""
        self._follower = Follower(self._hub, self._store, self._gateways, self._links)
        self._tasks.append(spawn(self._follow(self._follower), "follower"))

    async def _follow(self, follower: Follower) -> None:
        try:
            await follower.run()
            self._gateways.publish_soon()
        except Exception as error:
            self._hub.end_process(f"it could not follow or take over ({error})")
            raise

    def advertise(self, url: str, fingerprint: str | None) -> None:
        """Tell the others where this gateway is."""
        self._url, self._fingerprint = url, fingerprint
        self._tasks.append(spawn(self._gateways.publish(self._describe), "publish this gateway"))

    def _describe(self) -> PublishedGateway:
        hub = self._hub
        return PublishedGateway(
            self._store.gateway,
            self._url,
            not hub.follows,
            self._store.behind if hub.follows else 0,
            len(hub.broadcaster),
            gateway.__version__,
            self._fingerprint,
        )

    def gateways(self) -> tuple[GatewayStanding, ...]:
        """All gateways of this log; the one that decides comes first."""
        return tuple(
            GatewayStanding(one.url, one.decides, one.behind, one.connections, one.version)
            for one in self._gateways.known
        )

    async def catch_up(self) -> None:
        last, loop = await self._store.last_seq(), asyncio.get_running_loop()
        until = loop.time() + CATCH_UP_TIMEOUT_S
        while self._hub.committed_seq < last and (remaining := until - loop.time()) > 0:
            await self._hub.wait_for_event_after(self._hub.committed_seq, remaining)

    def routes(self, mark_proven: Callable[[web.Request, str], None]) -> list[web.RouteDef]:
        """`mark_proven` is told who a connection comes from."""

        async def serve_link(request: web.Request) -> web.StreamResponse:
            mark_proven(request, self._links.check_gateway(request))
            return await self._links.serve(request)

        return [web.get(LINK_PATH, serve_link)]

    async def hand_over(self) -> None:
        """Stop following, or let another gateway decide."""
        self._gateways.end()
        if self._follower is not None:
            self._follower.end()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._store.hand_over()
        await self._links.close_all()


@asynccontextmanager
async def open_cluster(hub: Hub) -> AsyncIterator[Cluster | None]:
    """None where a gateway has its log for itself."""
    if not isinstance(hub.store, SharedStore):
        yield None
        return
    cluster = Cluster(hub, hub.store)
    if hub.follows:
        cluster.follow()
    else:
        cluster.decide()
    try:
        yield cluster
    finally:
        await cluster.hand_over()
