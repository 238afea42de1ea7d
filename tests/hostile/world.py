"""A gateway with hostile text of mallory in every place that a member can fill, also as in an older store: the
validation of requests is bypassed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from gateway.access.pairing_codes import OpenCode, PairingGrant
from gateway.access.permissions import Actor
from gateway.client import Endpoint
from gateway.operations.dispatch import run_operation
from gateway.operations.operation_table import OPERATION_BY_REQUEST, OPERATIONS
from gateway.protocol.browser_frames import PairDevice
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests.connection_requests import Bye, Hello
from gateway.protocol.requests.message_requests import Poll, Send
from gateway.protocol.requests.mode_requests import EndMode
from gateway.protocol.requests.request import Request
from gateway.protocol.types.core_types import DeviceScope, MemberKind, Scope
from gateway.rooms import devices
from gateway.runtime.hub import Hub
from tests.hostile.samples import TextField, text_fields, with_text
from tests.hostile.strings import STRINGS, WORST
from tests.support.gateways import Gateway, gateway_in_process

T = TypeVar("T")

ALICE = Actor("alice", MemberKind.HUMAN, frozenset(Scope))
MALLORY = Actor("mallory", MemberKind.AGENT)
HAMMER = Actor("hammer", MemberKind.TOOL)
FIELDS = [(one.request, text) for one in OPERATIONS for text in text_fields(one.request)]
NOT_FED = (Bye, Poll, EndMode)  # these end what the others build on

# The other values that a request needs: by its name, then by the field's name.
USUAL: dict[str, Any] = {
    "room": "general",
    "member": "mallory",
    "keys": "^C",
    "policy": "all",
    "mode": "debate",
    "agents": ["mallory", "cleo"],
    "replace": True,
    "topic": "x",
    "digest": "d" * 16,
    "scope": "#general",
    "document": {WORST: [WORST]},
    "patch": {WORST: [WORST]},
    "context": {"text": WORST, WORST: WORST},
    "details": {WORST: WORST},
    "content": "x",
    "query": "good",
    "allow": "1",
    "kind": "chat",
    "state": "closed",
    "rung": "typed",
    "start": "resumed",
}
OF: dict[str, dict[str, Any]] = {
    "room.create": {"room": "made-{n}"},
    "propose": {"question": "x", "to": None, "options": [{"key": "a", "text": "x"}, {"key": "b", "text": "y"}]},
    "answer": {"kind": "vote", "choice": "a"},
    "register": {"name": "new-{n}", "kind": "agent"},
    "token.create": {"name": "token-{n}", "kind": "agent"},
    "session.open": {"session": "piece-{n}"},
    "react": {"sign": "ok"},
    "hello": {"rooms": ["general"]},
    "ask.open": {"options": [{"key": "1", "text": "x"}, {"key": "2", "text": "y"}], "allow": "1"},
    "mode.set": {"cast": {}},
    "condition": {"kind": "limited"},
}

TWO = [{"key": WORST[:16], "text": WORST[:1000]}, {"key": "2", "text": WORST[:1000]}]
LAST: tuple[dict[str, Any], ...] = (
    {"op": "context.put", "scope": "#general", "name": "main", "document": {WORST: [WORST]}},
    {"op": "context.merge", "scope": "#general", "name": "main", "patch": {"x": {WORST: WORST}}},
    {"op": "ask.open", "digest": "e" * 16, "question": WORST[:1000], "options": TWO, "tool": WORST[:200], "allow": "2"},
    {"op": "propose", "question": WORST[:4000], "options": TWO, "details": {WORST: WORST}},
    {"op": "activity", "activity": "busy", "note": WORST[:1000]},
    {"op": "condition", "condition": {"kind": "limited", "text": WORST[:200]}},
    {"op": "conversation", "start": "lost", "session": WORST[:100], "why": WORST[:200], "announce": True},
)


@dataclass
class World:
    gateway: Gateway
    loop: asyncio.AbstractEventLoop
    mallory: Endpoint
    state: Path
    message: int = 0
    decision: str = ""
    stored: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def hub(self) -> Hub:
        return self.gateway.hub

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)


@contextmanager
def world_in(state: Path) -> Iterator[World]:
    """The gateway runs on its own loop, because commands have theirs."""
    ready: list[World] = []
    begun, end = threading.Event(), threading.Event()

    async def serve() -> None:
        async with gateway_in_process(state) as gateway:
            await gateway.member("hammer", MemberKind.TOOL)
            mallory = await gateway.member("mallory")
            await gateway.member("cleo")
            ready.append(World(gateway, asyncio.get_running_loop(), mallory, state))
            begun.set()
            await asyncio.to_thread(end.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert begun.wait(60)
    try:
        ready[0].do(_filled(ready[0]))
        yield ready[0]
    finally:
        end.set()
        thread.join(60)


async def _filled(world: World) -> None:
    for name in ("mallory", "cleo"):
        await run_operation(world.hub, Actor(name, MemberKind.AGENT), Hello(inbox=True, rooms=("general",)))
    world.message = (await run_operation(world.hub, ALICE, Send(content="to mallory", to=("@mallory",)))).seq
    for number, (request, text) in enumerate(FIELDS):
        if request not in NOT_FED:
            await _put(world, request, text, number)
    for last in LAST:
        why = await _tried(world, MALLORY, last)
        assert not why, (last["op"], why)
    for one in STRINGS.values():
        await _tried(world, MALLORY, {"op": "send", "content": one})
    await _call_hostile_tool(world)
    await _pair_hostile_browser(world.hub)


def _offer(time_limit: float) -> dict[str, Any]:
    hit = {"name": "hit", "about": WORST[:1000], "parameters": {"description": WORST}, "time_limit": time_limit}
    return {"op": "tool.offer", "operations": [hit]}


async def _call_hostile_tool(world: World) -> None:
    """A tool whose offer, answer and error are hostile. Afterwards it answers nobody, and a call of it ends soon."""
    assert not await _tried(world, HAMMER, _offer(60))
    for answer in ({"result": {WORST: WORST}}, {"result": WORST}, {"error": WORST[:4000]}):
        call = await _open_call(world)
        assert not await _tried(world, HAMMER, {"op": "tool.answer", "call": call, **answer})
    assert not await _tried(world, HAMMER, _offer(0.01))


async def _open_call(world: World) -> int:
    """A call of the tool, which is connected as far as the rules know."""
    world.hub.state.live[HAMMER.name].connections = 1
    offer = {"op": "tool.offer", "operations": [{"name": "hit", "time_limit": 60}]}
    if HAMMER.name not in world.hub.state.tools:
        await _tried(world, HAMMER, offer)
    name = world.hub.state.tools[HAMMER.name].operations[0].name
    request = {"op": "tool.call", "tool": HAMMER.name, "operation": name, "arguments": {WORST: WORST}}
    return int((await run_operation(world.hub, MALLORY, _converted(request))).call.number)


async def _pair_hostile_browser(hub: Hub) -> None:
    """A browser names itself when it uses a code."""
    token = next(one.id for one in hub.state.tokens.values() if one.member == ALICE.name)
    code = OpenCode(PairingGrant(ALICE.name, token, DeviceScope.MEMBER, ""), "0011223344556677", hub.now + 60)
    wish = PairDevice(code="x", public_key="x", name=WORST)
    await hub.carry_out(devices.pair_device(hub.state, code, wish, "http://127.0.0.1", hub.rule_context()))


async def _put(world: World, request: type[Request], text: TextField, number: int) -> None:
    """The text at this place, by whoever may."""
    usual = {**USUAL, **OF.get(text.op, {}), **await _numbers(world, text.op)}
    given = {key: one.format(n=number) if isinstance(one, str) and "{n}" in one else one for key, one in usual.items()}
    usual = {key: one for key, one in given.items() if one is not None}
    for actor in (MALLORY, ALICE, HAMMER):
        for most in (text.most, 200):  # some limits are smaller than their field's
            why = await _tried(world, actor, with_text(request, text, WORST[: min(text.most, most)], usual))
            if not why:
                world.stored.add(str(text))
                return
            world.refused.setdefault(str(text), why)


async def _numbers(world: World, op: str) -> Mapping[str, Any]:
    """Existing objects that the requests refer to."""
    hub = world.hub
    if op in ("answer", "decision.close", "decision.show"):
        asked = await run_operation(hub, ALICE, _converted({"op": "propose", "question": "Which?", "people": True}))
        world.decision = asked.decision.id
        return {"decision": world.decision}
    if op.startswith("session.") and op != "session.open":
        name = f"work-{len(hub.state.sessions)}"
        await run_operation(hub, MALLORY, _converted({"op": "session.open", "session": name}))
        return {"session": name}
    if op == "ask.answer":
        asked = {"op": "ask.open", "digest": USUAL["digest"], "question": "x", "deny": "hook", "words": True}
        await run_operation(hub, MALLORY, _converted(asked))
        return {"member": "mallory", "answer": "deny"}
    if op == "report":
        return {"message": (await run_operation(hub, ALICE, Send(content="to mallory", to=("@mallory",)))).seq}
    if op.startswith("tool."):
        call = await _open_call(world)
        return {"call": call, "tool": HAMMER.name, "operation": hub.state.tools[HAMMER.name].operations[0].name}
    ask = hub.state.asks.get("mallory")
    return {"message": world.message, "ask": ask.ask.number if ask else 1}


def _converted(given: dict[str, Any]) -> Request:
    kinds = {str(one.request.__struct_config__.tag): one.request for one in OPERATIONS}
    return msgspec.convert({key: one for key, one in given.items() if one is not None}, kinds[given["op"]])


async def _tried(world: World, actor: Actor, given: dict[str, Any]) -> str:
    """Send it past the text validation; return the reason if it is refused."""
    try:
        request = _converted(given)
        operation = OPERATION_BY_REQUEST[type(request)]
        if operation.rule is not None:
            await world.hub.carry_out(operation.rule(world.hub.state, actor, request, world.hub.rule_context()))
        elif operation.subscription is not None:
            await operation.subscription(world.hub, actor, request, None)
        else:
            assert operation.query is not None
            await operation.query(world.hub, actor, request)
    except (GroupChatError, msgspec.ValidationError) as error:
        return str(error)
    return ""
