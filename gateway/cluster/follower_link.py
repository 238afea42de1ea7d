"""The decider's side of a link: carries out what the members of one follower ask, and tells it of all members."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import structlog
from aiohttp import WSMsgType, web

from gateway.cluster.asked_requests import NOT_DECIDING_TEXT, AskedRequests
from gateway.cluster.link_frames import (
    MAX_LINK_MESSAGE_BYTES,
    Alive,
    Answered,
    Ask,
    AskOperation,
    Connections,
    Live,
    NeedWhole,
    Picture,
    Refused,
    Unfinished,
    WatchedTerminal,
    decode_for_decider,
)
from gateway.cluster.link_sender import LinkSender
from gateway.cluster.live_members import live_facts_of
from gateway.cluster.shared_store import SharedStore
from gateway.process_basics.tasks import spawn
from gateway.protocol import codec
from gateway.protocol.errors import GroupChatError, Unauthorized, Unavailable
from gateway.protocol.events import MemberView
from gateway.protocol.requests.agent_requests import ShowTerminal
from gateway.protocol.results import Shown
from gateway.push.terminal_watchers import NOT_WATCHED
from gateway.runtime.hub import Hub

log = structlog.get_logger("gateway.cluster.follower_link")

HEARTBEAT_S = 4.0
MAX_ID_CHARS = 100
RETURN_TIMEOUT_S = 3.0
BROKEN_TEXT = "The gateway that decides has an internal error; see its log."


class FollowerLinks:
    """All links to followers."""

    def __init__(self, hub: Hub, store: SharedStore) -> None:
        self._hub, self._store = hub, store
        self._links: set[FollowerLink] = set()
        self._left: dict[str, Mapping[str, int]] = {}  # the connections at each gateway whose link has just broken
        hub.presence.watchers.append(self._tell_of)
        hub.streams.watchers.append(self._tell_of_name)

    def begin(self) -> None:
        """This gateway decides: it hears of what is watched at the followers, and passes pictures and unfinished texts
        on."""
        terminals = self._hub.terminals
        self._hub.partial_texts.others = [self._pass_partial_text_on]
        terminals.elsewhere.clear()
        terminals.share_with(self)
        for name in terminals.watched_here():
            self.watching_changed(name)

    def check_gateway(self, request: web.Request) -> str:
        """Who asks, if it is a gateway of this log that may link itself here now."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        secret = self._store.secret
        if scheme != "Bearer" or not secret or not hmac.compare_digest(given.encode(), secret.encode()):
            raise Unauthorized("Only a gateway of the same log may link itself here.")
        if self._hub.follows:
            raise Unavailable(NOT_DECIDING_TEXT, retry_after=1)
        return f"gateway {_gateway_of(request)}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One link, from open to close."""
        socket = web.WebSocketResponse(compress=False, heartbeat=HEARTBEAT_S, max_msg_size=MAX_LINK_MESSAGE_BYTES)
        await socket.prepare(request)
        link = FollowerLink(self._hub, socket, self, _gateway_of(request))
        self._links.add(link)
        log.info("= a gateway follows this one", connections=len(self._links))
        try:
            link.tell_of(self._hub.state.members)
            for name in {*self._hub.terminals.watched_here(), *self._hub.terminals.elsewhere}:
                link.tell_watched(name, on=True)
            await link.run()
        finally:
            self._links.discard(link)
            link.close()
        return socket

    async def close_all(self) -> None:
        for link in tuple(self._links):
            await link.end()

    def elsewhere(self, name: str, but: FollowerLink | None = None) -> int:
        """How many connections this member has at the followers."""
        here = sum(link.connections.get(name, 0) for link in self._links if link is not but)
        return here + sum(left.get(name, 0) for left in self._left.values())

    def keep_for_a_moment(self, gateway: str, connections: Mapping[str, int]) -> None:
        """A link that comes back soon changes nothing for its members: a busy decider may have broken it."""
        connections = {**self._left.get(gateway, {}), **connections}
        self._left[gateway] = connections
        asyncio.get_running_loop().call_later(RETURN_TIMEOUT_S, self._let_go, gateway, connections)

    def _let_go(self, gateway: str, connections: Mapping[str, int]) -> None:
        if self._left.get(gateway) is connections:
            self.take_back(gateway)

    def take_back(self, gateway: str, *, but: Collection[str] = ()) -> None:
        """Forget what a gateway had before its link broke. Who is in `but` is counted anew by the caller."""
        for name in self._left.pop(gateway, {}):
            if name not in but:
                self.recount(name)

    def recount(self, name: str) -> None:
        """A member's connections at a follower have changed."""
        live = self._hub.state.live[name]
        before, live.elsewhere = live.elsewhere, self.elsewhere(name)
        if live.elsewhere == before:
            return
        if live.elsewhere < before:
            live.lost = self._hub.now
            if not live.is_connected:
                live.heard = float("-inf")
        self._hub.note_connections(name)
        self._tell_of_name(name)

    def watching_changed(self, name: str) -> None:
        """A terminal has a watcher somewhere, or none any more: its sidecar hears of it, wherever it is connected."""
        terminals = self._hub.terminals
        watching = {link for link in self._links if name in link.watched}
        (terminals.elsewhere.add if watching else terminals.elsewhere.discard)(name)
        terminals.tell_sidecar(name)
        for link in self._links:
            link.tell_watched(name, on=name in terminals.watched_here() or bool(watching - {link}))

    def pass_picture_on(self, name: str, shown: ShowTerminal) -> Shown:
        watching = [link for link in self._links if name in link.watched]
        if not watching:
            return NOT_WATCHED
        request = codec.encode(shown)
        return Shown(watched=True, whole=any([link.show(name, request, whole=shown.whole) for link in watching]))

    def _pass_partial_text_on(self, event: bytes) -> None:
        for link in self._links:
            link.show_partial_text(event)

    def _tell_of(self, view: MemberView) -> None:
        self._tell_of_name(view.name)

    def _tell_of_name(self, name: str) -> None:
        for link in self._links:
            link.tell_of((name,))


class FollowerLink:
    def __init__(self, hub: Hub, socket: web.WebSocketResponse, links: FollowerLinks, gateway: str) -> None:
        self._hub, self._links, self._socket, self._gateway = hub, links, socket, gateway
        self._sender = LinkSender(socket)
        self._requests = AskedRequests(hub, self._answer, self._refuse)
        self.watched: set[str] = set()
        self._need_whole: set[str] = set()  # terminals of which the follower has no picture to begin with
        self._changed: set[str] = set()
        self.connections: dict[str, int] = {}

    async def run(self) -> None:
        sending = spawn(self._send(), "link to a follower")
        try:
            async for message in self._socket:
                if message.type is WSMsgType.BINARY:
                    self._receive(message.data)
        finally:
            sending.cancel()

    async def _send(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self._sender.send_all()

    async def end(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self._socket.close()

    def close(self) -> None:
        gone, self.connections = self.connections, {}
        self._links.keep_for_a_moment(self._gateway, gone)
        watched, self.watched = self.watched, set()
        for name in watched:
            self._links.watching_changed(name)

    def tell_watched(self, name: str, *, on: bool) -> None:
        self._sender.add(WatchedTerminal(name, on))

    def show(self, name: str, request: bytes, *, whole: bool) -> bool:
        """Pass a picture on. Returns whether only a whole one helps."""
        self._sender.add(Picture(name, request))
        if whole:
            self._need_whole.discard(name)
        return name in self._need_whole

    def show_partial_text(self, event: bytes) -> None:
        self._sender.add(Unfinished(event))

    def tell_of(self, names: Iterable[str]) -> None:
        """Tell the follower of these members with the next message."""
        if not self._changed:
            asyncio.get_running_loop().call_soon(self._tell)
        self._changed.update(names)

    def _tell(self) -> None:
        names, self._changed = self._changed, set()
        now, state = self._hub.now, self._hub.state
        facts = {
            name: live_facts_of(state.live[name], state.live[name].connections + self._links.elsewhere(name, self), now)
            for name in names
            if name in state.live
        }
        if facts:
            self._sender.add(Live(facts))

    def _receive(self, message: bytes) -> None:
        for frame in decode_for_decider(message):
            match frame:
                case Connections(counts):
                    self._take_connections(counts)
                case Alive(names):
                    for name in names:
                        self._hub.presence.mark_alive(name)
                case WatchedTerminal(name, on):
                    (self.watched.add if on else self.watched.discard)(name)
                    self._links.watching_changed(name)
                case NeedWhole(name):
                    self._need_whole.add(name)
                case _:
                    self._requests.take(frame)

    def _take_connections(self, counts: Mapping[str, int]) -> None:
        self._links.take_back(self._gateway, but=counts.keys())
        for name, count in counts.items():
            self.connections[name] = count
            self._links.recount(name)

    def _answer(self, ask: Ask, result: Any) -> None:
        """A sidecar's report is known to its own gateway when it is answered, so it is not lost with the decider."""
        if isinstance(ask, AskOperation) and ask.is_report:
            self._changed.add(ask.actor.name)
            self._tell()
        self._sender.add(Answered(ask.n, self._hub.committed_seq, codec.encode(result)))

    def _refuse(self, ask: Ask, failure: BaseException) -> None:
        if not isinstance(failure, GroupChatError):
            log.error("! a request of a follower failed", exc_info=failure)
            failure = Unavailable(BROKEN_TEXT)
        self._sender.add(Refused(ask.n, self._hub.committed_seq, failure.body()))


def _gateway_of(request: web.Request) -> str:
    return request.headers.get("X-Groupchat-Gateway", "")[:MAX_ID_CHARS]
