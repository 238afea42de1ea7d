"""A follower's side of a link: passes on what its members ask, and holds each answer until this gateway has all that
was decided before it.

A request is sent once. When the link breaks, those that may be repeated without harm are sent again, to the same
decider or the next one, or carried out here if this gateway decides now. The others are answered: nobody knows whether
they were carried out.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import aiohttp
import msgspec
import structlog

from gateway.access.operation_kinds import OperationKind
from gateway.access.permissions import Actor
from gateway.access.provider_token_record import ProviderMember
from gateway.client.client import is_repeatable
from gateway.cluster.asked_requests import AskedRequests
from gateway.cluster.link_frames import (
    LINK_PATH,
    MAX_LINK_MESSAGE_BYTES,
    Alive,
    Answered,
    Ask,
    AskAdmission,
    AskGreeting,
    AskIdentity,
    AskOperation,
    AskPairing,
    Connections,
    Live,
    NeedWhole,
    Picture,
    Refused,
    Unfinished,
    WatchedTerminal,
    decode_for_follower,
)
from gateway.cluster.link_sender import LinkSender
from gateway.cluster.live_members import take_facts
from gateway.cluster.published_gateways import NO_DECIDER_TEXT, trust_in
from gateway.cluster.shared_store import PublishedGateway
from gateway.operations.operation_table import OPERATION_BY_REQUEST
from gateway.process_basics.tasks import spawn
from gateway.protocol import codec
from gateway.protocol.browser_frames import PairDevice
from gateway.protocol.errors import Unavailable, error_from_body
from gateway.protocol.events import PartialText
from gateway.protocol.requests.agent_requests import ShowTerminal
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.request import Request
from gateway.protocol.results import DevicePaired, Done, Shown
from gateway.push.terminal_watchers import NOT_WATCHED
from gateway.runtime.hub import Hub

log = structlog.get_logger("gateway.cluster.decider_link")

HEARTBEAT_S = 4.0  # a busy gateway needs a second or two; half of it is the limit of an answer
CONNECT_TIMEOUT_S = 2.0
CLOSE_TIMEOUT_S = 0.5  # a decider that is stopped does not answer
PATIENCE_S = 10.0  # longer than another gateway needs to take over
ALIVE_INTERVAL_S = 5.0
UNSURE_TEXT = (
    "The gateway that decides ended before it answered, so it is not known whether this was done. Look before you "
    "repeat it."
)


@dataclass
class _Asked:
    """`begun`: when it was asked."""

    ask: Ask
    kind: Any
    done: asyncio.Future[Any]
    is_repeatable: bool
    begun: float
    is_sent: bool = False


@dataclass(order=True)
class _Held:
    """An answer that waits until this gateway's copy is at `seq`."""

    seq: int
    number: int
    settle: Callable[[], None] = field(compare=False)


class DeciderLink:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._numbers = count(1)
        self._asked: dict[int, _Asked] = {}
        self._held: list[_Held] = []
        self._sender: LinkSender | None = None
        self._alive: dict[str, float] = {}

    # asking

    def forward(self, actor: Actor, request: Request) -> asyncio.Future[Any]:
        operation = OPERATION_BY_REQUEST[type(request)]
        is_report = operation.effect is OperationKind.REPORTS
        ask = AskOperation(next(self._numbers), actor, codec.encode(request), is_report)
        return self._ask(ask, operation.result, is_repeatable(request))

    def greet(self, actor: Actor, request: Hello) -> asyncio.Future[Any]:
        return self._ask(AskGreeting(next(self._numbers), actor, codec.encode(request)), Done, True)

    def admit(self, actor: Actor) -> asyncio.Future[Any]:
        return self._ask(AskAdmission(next(self._numbers), actor), Done, True)

    def admit_identity(self, proven: ProviderMember) -> asyncio.Future[Any]:
        return self._ask(AskIdentity(next(self._numbers), proven), Done, True)

    def pair(self, request: PairDevice, origin: str) -> asyncio.Future[Any]:
        return self._ask(AskPairing(next(self._numbers), codec.encode(request), origin), DevicePaired, False)

    def note_connections(self, name: str) -> None:
        if self._sender is not None:
            self._sender.add(Connections({name: self._hub.state.live[name].connections}))

    def note_alive(self, name: str) -> None:
        now = asyncio.get_running_loop().time()
        if self._sender is not None and now - self._alive.get(name, float("-inf")) > ALIVE_INTERVAL_S:
            self._alive[name] = now
            self._sender.add(Alive([name]))

    def watching_changed(self, name: str) -> None:
        if self._sender is not None:
            self._sender.add(WatchedTerminal(name, name in self._hub.terminals.watched_here()))

    def pass_picture_on(self, name: str, shown: ShowTerminal) -> Shown:
        """The decider does that: a sidecar's picture is forwarded to it."""
        return NOT_WATCHED

    def _ask(self, ask: Ask, kind: Any, is_repeatable: bool) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        asked = _Asked(ask, kind, loop.create_future(), is_repeatable, loop.time())
        self._asked[ask.n] = asked
        self._send(asked)
        return asked.done

    def _send(self, asked: _Asked) -> None:
        if self._sender is not None:
            asked.is_sent = True
            self._sender.add(asked.ask)

    # the link

    async def run(self, decider: PublishedGateway, secret: str, gateway: str) -> None:
        """One link, until it breaks. TimeoutError if the decider does not answer."""
        headers = {"Authorization": f"Bearer {secret}", "X-Groupchat-Gateway": gateway}
        timeout = aiohttp.ClientTimeout(total=None)
        async with (
            asyncio.timeout(CONNECT_TIMEOUT_S) as limit,
            aiohttp.ClientSession(timeout=timeout) as session,
            session.ws_connect(
                decider.url + LINK_PATH,
                headers=headers,
                ssl=trust_in(decider),
                heartbeat=HEARTBEAT_S,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
                max_msg_size=MAX_LINK_MESSAGE_BYTES,
            ) as socket,
        ):
            limit.reschedule(None)
            log.info("= following", decider=decider.url)
            self._begin(LinkSender(socket))
            sending = spawn(self._send_all(), "link to the decider")
            try:
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.BINARY:
                        self._receive(message.data)
            finally:
                sending.cancel()
                self._broken()

    async def _send_all(self) -> None:
        assert self._sender is not None
        with contextlib.suppress(ConnectionError):
            await self._sender.send_all()

    def _begin(self, link_sender: LinkSender) -> None:
        self._sender = link_sender
        names = self._hub.broadcaster.connected_names()
        link_sender.add(Connections({name: self._hub.state.live[name].connections for name in names}))
        self._forget_watchers_elsewhere()
        for name in self._hub.terminals.watched_here():
            self.watching_changed(name)
        self._alive.clear()
        for asked in list(self._asked.values()):
            self._send(asked)

    def _broken(self) -> None:
        self._sender = None
        for number, asked in list(self._asked.items()):
            if asked.is_sent and not asked.is_repeatable:
                self._fail(number, UNSURE_TEXT)

    def give_up_old(self) -> None:
        """Answer those who have waited too long for a gateway that decides."""
        until = asyncio.get_running_loop().time() - PATIENCE_S
        for number, asked in list(self._asked.items()):
            if asked.begun > until:
                break
            self._fail(number, NO_DECIDER_TEXT)

    def _fail(self, number: int, text: str) -> None:
        done = self._asked.pop(number).done
        if not done.done():
            done.set_exception(Unavailable(text, retry_after=1))

    def carry_out_here(self) -> None:
        """This gateway decides now: begin what is not answered yet, in the order in which it was asked."""
        asked, self._asked = self._asked, {}

        def answer(ask: Ask, result: Any) -> None:
            if not (done := asked[ask.n].done).done():
                done.set_result(result)

        def refuse(ask: Ask, failure: BaseException) -> None:
            if not (done := asked[ask.n].done).done():
                done.set_exception(failure)

        requests = AskedRequests(self._hub, answer, refuse)
        for one in asked.values():
            requests.take(one.ask)

    # answers

    def _receive(self, message: bytes) -> None:
        for frame in decode_for_follower(message):
            match frame:
                case Live(members):
                    for name, facts in members.items():
                        take_facts(self._hub.state.live[name], facts, self._hub.now)
                    self._hub.presence.note_change(*members)
                case WatchedTerminal(name, on):
                    self._watched_elsewhere(name, on=on)
                case Picture() | Unfinished():
                    self._show(frame)
                case Answered(n, seq, _) | Refused(n, seq, _):
                    if (asked := self._asked.pop(n, None)) is not None:
                        self._settle_at(seq, n, asked, frame)

    def _watched_elsewhere(self, name: str, *, on: bool) -> None:
        terminals = self._hub.terminals
        (terminals.elsewhere.add if on else terminals.elsewhere.discard)(name)
        terminals.tell_sidecar(name)

    def _forget_watchers_elsewhere(self) -> None:
        """A decider that is new to us tells of those that there are."""
        terminals = self._hub.terminals
        gone = set(terminals.elsewhere)
        terminals.elsewhere.clear()
        for name in gone:
            terminals.tell_sidecar(name)

    def _show(self, frame: Picture | Unfinished) -> None:
        """To the members here; both are on their way for a moment and in no log."""
        if isinstance(frame, Unfinished):
            self._hub.partial_texts.show_here(msgspec.json.decode(frame.event, type=PartialText), frame.event)
            return
        shown = self._hub.terminals.show_here(frame.name, msgspec.json.decode(frame.request, type=ShowTerminal))
        if shown.whole and self._sender is not None:
            self._sender.add(NeedWhole(frame.name))

    def _settle_at(self, seq: int, number: int, asked: _Asked, frame: Answered | Refused) -> None:
        def settle() -> None:
            if asked.done.done():
                return
            if isinstance(frame, Refused):
                asked.done.set_exception(error_from_body(frame.error))
                return
            try:
                asked.done.set_result(msgspec.json.decode(frame.result, type=asked.kind))
            except msgspec.MsgspecError as error:
                asked.done.set_exception(
                    Unavailable(f"The gateway that decides answers in a way that this one does not know ({error}).")
                )

        if seq <= self._hub.committed_seq:
            settle()
        else:
            heapq.heappush(self._held, _Held(seq, number, settle))

    def reached(self, seq: int) -> None:
        """This gateway's copy is at this number now, and all of it has been pushed."""
        while self._held and self._held[0].seq <= seq:
            heapq.heappop(self._held).settle()
