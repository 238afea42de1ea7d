"""Follows the log while another gateway decides, and takes over when that one is gone."""

from __future__ import annotations

import asyncio

import aiohttp
import structlog

from gateway.cluster.decider_link import DeciderLink
from gateway.cluster.follower_link import FollowerLinks
from gateway.cluster.published_gateways import PublishedGateways
from gateway.cluster.shared_store import PublishedGateway, SharedStore
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError
from gateway.runtime.hub import Hub
from gateway.store import LogReplaced

log = structlog.get_logger("gateway.cluster.follower")

LOOK_INTERVAL_S = 0.25  # how often it looks whether the lease is free
RETRY_DELAY_S = 0.1


class Follower:
    def __init__(self, hub: Hub, store: SharedStore, gateways: PublishedGateways, links: FollowerLinks) -> None:
        self._hub, self._store, self._gateways, self._links = hub, store, gateways, links
        self._link = DeciderLink(hub)
        self._ended = asyncio.Event()
        self._linked: asyncio.Task[None] | None = None
        self._is_away = False  # Redis did not answer the last time
        self.decider: PublishedGateway | None = None
        hub.role.pass_on_by(self._link)
        hub.streams.watchers.append(self._link.note_connections)
        hub.presence.alive_watchers.append(self._link.note_alive)
        hub.terminals.share_with(self._link)

    async def run(self) -> None:
        """Until this gateway decides, or `end`. No command to Redis is cancelled."""
        linking = spawn(self._keep_linked(), "links to deciders")
        try:
            has_claimed = await self._follow_until_claimed()
        finally:
            self.end()
            await asyncio.wait([linking])
        if has_claimed:
            await self._take_over()

    def end(self) -> None:
        self._ended.set()
        if self._linked is not None:
            self._linked.cancel()

    async def _follow_until_claimed(self) -> bool:
        loop = asyncio.get_running_loop()
        look_at = loop.time()
        while not self._ended.is_set():
            try:
                await self._show_news(max(0.001, look_at - loop.time()))
                if loop.time() >= look_at:
                    look_at = loop.time() + LOOK_INTERVAL_S
                    await self._store.check_followed()
                    if await self._store.claim():
                        return True
                    self._leave_earlier_decider()
                self._note_answer()
            except LogReplaced as error:
                self._hub.end_process(error.message.rstrip("."))
                await self._ended.wait()
            except GroupChatError as error:
                self._note_answer(error)
                await asyncio.sleep(RETRY_DELAY_S)
        return False

    def _note_answer(self, error: GroupChatError | None = None) -> None:
        if error is not None and not self._is_away:
            log.warning("! the log cannot be followed", error=error.message)
        elif error is None and self._is_away:
            log.info("= the log is followed again")
        self._is_away = error is not None

    def _leave_earlier_decider(self) -> None:
        """One that is cut off from Redis, but not from here, does not know that its time is over."""
        if self._linked is not None and self.decider is not None and self.decider.id != self._store.holder:
            self._linked.cancel()

    async def _show_news(self, seconds: float) -> bool:
        entries = await self._store.next_entries(seconds)
        if entries:
            self._hub.show_decided(entries)
            self._link.reached(self._hub.committed_seq)
        return bool(entries)

    async def _keep_linked(self) -> None:
        while not self._ended.is_set():
            try:
                self.decider = await self._gateways.decider()
            except GroupChatError as error:
                log.debug("the decider is not known", error=error.message)
            if self.decider is not None and self.decider.id != self._store.gateway and not self._ended.is_set():
                await self._link_to(self.decider)
            self._link.give_up_old()
            await asyncio.sleep(RETRY_DELAY_S)

    async def _link_to(self, decider: PublishedGateway) -> None:
        self._linked = spawn(self._run_link(decider), "link to the decider")
        await asyncio.wait([self._linked])
        self._linked = None

    async def _run_link(self, decider: PublishedGateway) -> None:
        try:
            await self._link.run(decider, self._store.secret, self._store.gateway)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.debug("no link to the decider", error=str(error))

    async def _take_over(self) -> None:
        """Show what the earlier decider has left in the log, then decide; what waits for a decider is decided here."""
        while await self._show_news(0):
            pass
        await self._hub.take_over(self._begin_waiting)
        log.info("= this gateway decides now", last_seq=self._hub.committed_seq)

    def _begin_waiting(self) -> None:
        """In the order in which it was asked."""
        self._links.begin()
        for name, live in list(self._hub.state.live.items()):
            if live.elsewhere:
                live.elsewhere, live.lost = 0, self._hub.now  # its gateway tells of it again
                self._hub.note_connections(name)
        self._link.carry_out_here()
