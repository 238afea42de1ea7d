"""Carries out what the members of a follower ask, at the gateway that decides.

Requests of one member are begun in their order, and one after another where a request waits for the store, as they are
on a connection of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec

from gateway.cluster.link_frames import Ask, AskAdmission, AskGreeting, AskIdentity, AskOperation, AskPairing
from gateway.operations import dispatch
from gateway.operations.access.admission import admit_actor, admit_identity
from gateway.operations.access.device_operations import pair_browser
from gateway.operations.members.hello_operation import greet
from gateway.process_basics.tasks import spawn
from gateway.protocol import codec
from gateway.protocol.browser_frames import PairDevice
from gateway.protocol.errors import Unavailable
from gateway.protocol.requests.connection_requests import Hello
from gateway.rooms import member_tokens
from gateway.runtime.hub import Hub

NOT_DECIDING_TEXT = "This gateway does not decide now."


class AskedRequests:
    """`answer` gets each result, `refuse` each failure."""

    def __init__(
        self, hub: Hub, answer: Callable[[Ask, Any], None], refuse: Callable[[Ask, BaseException], None]
    ) -> None:
        self._hub, self._answer, self._refuse = hub, answer, refuse
        self._waiting: dict[str, deque[Ask]] = {}  # of each member for whom a request waits for the store

    def take(self, ask: Ask) -> None:
        name = "" if isinstance(ask, AskPairing | AskIdentity) else ask.actor.name
        if (waiting := self._waiting.get(name)) is not None:
            waiting.append(ask)
            return
        begun = self._begin(ask)
        if begun is not None:
            self._waiting[name] = deque()
            spawn(self._finish(name, ask, begun), "request of a follower")

    async def _finish(self, name: str, ask: Ask, begun: Awaitable[Any]) -> None:
        """Wait for a request that reads the store, then begin what has come after it."""
        while True:
            try:
                self._answer(ask, await begun)
            except Exception as failure:
                self._refuse(ask, failure)
            waiting = self._waiting[name]
            while waiting:
                ask = waiting.popleft()
                if (after := self._begin(ask)) is not None:
                    begun = after
                    break
            else:
                del self._waiting[name]
                return

    def _begin(self, ask: Ask) -> Awaitable[Any] | None:
        """Begin a request. Returns what must be waited for before the next one of the same member."""
        try:
            begun = start_asked(self._hub, ask)
        except Exception as failure:
            self._refuse(ask, failure)
            return None
        if isinstance(begun, asyncio.Future):
            begun.add_done_callback(partial(self._settle, ask))
            return None
        return begun

    def _settle(self, ask: Ask, done: asyncio.Future[Any]) -> None:
        if done.cancelled():
            return
        if (failure := done.exception()) is not None:
            self._refuse(ask, failure)
        else:
            self._answer(ask, done.result())


def start_asked(hub: Hub, ask: Ask) -> Awaitable[Any]:
    """Begin what a member asks. A future is settled by itself, anything else has to be awaited."""
    if hub.follows:
        raise Unavailable(NOT_DECIDING_TEXT, retry_after=1)
    if isinstance(ask, AskPairing):
        return pair_browser(hub, codec.decode(PairDevice, ask.request), ask.origin)
    if isinstance(ask, AskIdentity):
        return admit_identity(hub, ask.proven)
    member_tokens.check_token_holds(hub.state, ask.actor, hub.now)
    if isinstance(ask, AskAdmission):
        return admit_actor(hub, ask.actor)
    if isinstance(ask, AskGreeting):
        return greet(hub, ask.actor, msgspec.json.decode(ask.request, type=Hello))
    return _start_operation(hub, ask)


def _start_operation(hub: Hub, ask: AskOperation) -> Awaitable[Any]:
    hub.presence.mark_alive(ask.actor.name)
    request = codec.decode_request(ask.request)
    begun = dispatch.start_operation(hub, ask.actor, request)
    if isinstance(begun, asyncio.Future):
        return begun
    return _in_turn(dispatch.wait_and_answer_in_turn(hub, ask.actor, request, begun))


async def _in_turn(waiting: Awaitable[asyncio.Future[Any]]) -> Any:
    return await (await waiting)
