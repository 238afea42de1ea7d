"""Whatever happens in a room is rendered for whoever listens, through each dialect: no event ends a connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.access.operation_kinds import OperationKind
from gateway.access.permissions import Actor
from gateway.client import Client
from gateway.operations.dispatch import run_operation
from gateway.operations.operation_table import OPERATIONS
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.types.core_types import MemberKind, Scope
from gateway.push.event_broadcaster import Connection
from gateway.runtime.listen_option import listen_at
from tests.fakes.agentchat_client import Agent, agent_at
from tests.fakes.ai_connect_client import peer_at
from tests.fakes.skynet_client import skynet_agent
from tests.support.gateways import Gateway, gateway_in_process
from tests.support.simple import simple_client

ALICE = Actor("alice", MemberKind.HUMAN, frozenset(Scope))
KIT = Actor("kit", MemberKind.AGENT)
CALC = Actor("calc", MemberKind.TOOL)
DAVE = Actor("dave", MemberKind.AGENT)
KINDS = {str(one.request.__struct_config__.tag): one for one in OPERATIONS}
SIGNED = {"payload": "YQ==", "signature": "YQ==", "key": "groupchat alice 1"}
TWO = [{"key": "1", "text": "yes"}, {"key": "2", "text": "no"}]
DOCUMENT = {"scope": "#shed", "name": "plan"}
SHED = {"room": "shed"}

# (who, operation, fields) in order; {message}, {ask}, {decision} stand for what came last.
HAPPENS: tuple[tuple[Actor, str, dict[str, Any]], ...] = (
    (ALICE, "room.topic", {**SHED, "topic": "paint"}),
    (ALICE, "room.keep", {**SHED, "keep": "90d"}),
    (ALICE, "room.invite", {**SHED, "member": "kit"}),
    (KIT, "room.join", SHED),
    (ALICE, "send", {**SHED, "content": "to all"}),
    (KIT, "react", {"message": "{message}", "sign": "ok"}),
    (ALICE, "pin", {"message": "{message}"}),
    (KIT, "room.mute", SHED),
    (ALICE, "send", {**SHED, "content": "to one", "to": ["@kit"], "ttl": 100}),
    (KIT, "report", {"message": "{message}", "steps": [{"rung": "typed"}]}),
    (ALICE, "send", {**SHED, "content": "to one", "to": ["@kit"]}),
    (ALICE, "cancel", {"message": "{message}", "member": "kit"}),
    (ALICE, "retry", {"message": "{message}", "member": "kit"}),
    (KIT, "poll", {}),
    (KIT, "send", {"content": "in general", "to": ["@alice", "@kit"]}),
    (KIT, "activity", {"activity": "busy"}),
    (KIT, "condition", {"condition": {"kind": "limited"}}),
    (KIT, "conversation", {"start": "resumed"}),
    (ALICE, "role", {"member": "kit", "role": "painter"}),
    (ALICE, "pause", {"member": "kit"}),
    (ALICE, "resume", {"member": "kit"}),
    (ALICE, "continue", {}),
    (ALICE, "keys", {"member": "kit", "keys": "^C"}),
    (ALICE, "stop", {"member": "kit"}),
    (ALICE, "share", {"member": "kit", "policy": "all"}),
    (ALICE, "restart", {"member": "kit"}),
    (KIT, "ask.open", {"digest": "d" * 16, "question": "May I?", "options": TWO, "allow": "1", "deny": "2"}),
    (ALICE, "ask.answer", {"member": "kit", "answer": "1", "digest": "d" * 16}),
    (KIT, "ask.close", {"ask": "{ask}", "state": "answered"}),
    (KIT, "context.put", {**DOCUMENT, "document": {"a": 1}}),
    (KIT, "context.merge", {**DOCUMENT, "patch": {"b": 1}}),
    (KIT, "context.delete", DOCUMENT),
    (KIT, "context.put", {**DOCUMENT, "document": {"a": 1}}),
    (KIT, "propose", {**SHED, "question": "Which?", "options": TWO}),
    (ALICE, "answer", {"decision": "{decision}", "kind": "vote", "choice": "1"}),
    (ALICE, "decision.close", {"decision": "{decision}"}),
    (KIT, "propose", {**SHED, "question": "You?", "to": "alice"}),
    (ALICE, "answer", {"decision": "{decision}", "kind": "reject", "reason": "no"}),
    (KIT, "propose", {**SHED, "question": "And this?"}),
    (KIT, "session.open", {**SHED, "session": "work"}),
    (KIT, "session.update", {"session": "work", "goal": "paint"}),
    (KIT, "session.pause", {"session": "work"}),
    (KIT, "session.resume", {"session": "work"}),
    (KIT, "session.close", {"session": "work"}),
    (KIT, "session.open", {**SHED, "session": "more"}),
    (ALICE, "mode.set", {**SHED, "mode": "round-robin", "topic": "x", "agents": ["kit", "dave"]}),
    (ALICE, "mode.next", SHED),
    (ALICE, "mode.extend", SHED),
    (ALICE, "mode.end", SHED),
    (ALICE, "mode.set", {**SHED, "mode": "round-robin", "topic": "x", "agents": ["kit", "dave"]}),
    (KIT, "mode.working", SHED),
    (CALC, "tool.offer", {"operations": [{"name": "add"}]}),
    (KIT, "tool.call", {"tool": "calc", "operation": "add"}),
    (CALC, "tool.answer", {"call": "{call}", "result": 5}),
    (ALICE, "key.publish", {"record": "groupchat-key-1 eA", "version": 1}),
    (ALICE, "key.revoke", {"statement": "groupchat-revocation-1 eA"}),
    (ALICE, "send", {"content": "", "to": ["@peer", "@dave"], "sealed": {"room_key": 0, "data": "Ym94"}}),
    (ALICE, "send", {"content": "signed", "signed": SIGNED}),
    (ALICE, "room.create", {"room": "vault", "sealed": True}),
    (ALICE, "room.invite", {"room": "vault", "member": "dave"}),
    (DAVE, "room.join", {"room": "vault"}),
    (ALICE, "room.admit", {"room": "vault", "member": "dave", "admission": "Ym94"}),
    (ALICE, "room.key", {"room": "vault", "version": 1, "notice": "Ym94"}),
    (ALICE, "send", {"room": "vault", "content": "", "sealed": {"room_key": 1, "data": "Ym94"}}),
    (ALICE, "room.create", {"room": "attic", "invite_only": True}),
    (ALICE, "room.invite", {"room": "attic", "member": "dave"}),
    (ALICE, "room.kick", {**SHED, "member": "kit"}),
    (KIT, "room.leave", {"room": "general"}),
    (KIT, "bye", {}),
    (ALICE, "register", {"name": "new", "kind": "agent"}),
    (ALICE, "token.create", {"name": "other", "kind": "agent"}),
    (ALICE, "token.rotate", {"name": "other"}),
    (ALICE, "token.revoke", {"name": "other"}),
    (ALICE, "link.create", {**SHED, "expires_in": 60}),
    (ALICE, "member.remove", {"member": "kit"}),
    (ALICE, "room.remove", SHED),
)
NOBODY_IS_TOLD = {"hello", "token.hands", "pair.begin", "lan.open", "lan.close", "terminal.show", "folder", "partial"}
NOBODY_IS_TOLD |= {"room.read", "work", "wrote"}  # two writes of one file are told, one is not
TOLD_AS_ANOTHER = {"terminal.key": "keys"}  # the same event; it needs an agent whose terminal is seen


def change_operations() -> set[str]:
    return {tag for tag, one in KINDS.items() if one.effect not in (OperationKind.READS, OperationKind.GREETS)}


def test_all_that_changes_something_is_in_the_table() -> None:
    happens = {operation for _, operation, _ in HAPPENS}
    assert happens | NOBODY_IS_TOLD | TOLD_AS_ANOTHER.keys() == change_operations() | {"hello"}
    assert set(TOLD_AS_ANOTHER.values()) <= happens


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    listeners = (listen_at("agentchat=0"), listen_at("ai-connect=0"), listen_at("skynet=0"))
    async with gateway_in_process(tmp_path / "state", listen=listeners) as running:
        yield running


async def listening(gateway: Gateway, stack: AsyncExitStack) -> Agent:
    """One of each kind, with a token and without, in all rooms."""
    tokens = {name: (await gateway.member(name)).token for name in ("kit", "dave", "peer")}
    observer = CreateToken(name="olga", kind=MemberKind.HUMAN, scopes=(Scope.OBSERVER,))
    tokens["olga"] = (await run_operation(gateway.hub, ALICE, observer)).token
    await stack.enter_async_context(Client(gateway.operator, Hello(inbox=True)))
    await stack.enter_async_context(Client(await gateway.member("calc", MemberKind.TOOL)))
    await run_operation(
        gateway.hub, ALICE, msgspec.convert({"op": "room.create", "room": "shed"}, KINDS["room.create"].request)
    )
    await run_operation(gateway.hub, KIT, Hello(inbox=True, rooms=("general",)))
    for name in ("dave", "peer"):
        await run_operation(gateway.hub, Actor(name, MemberKind.AGENT), Hello(inbox=True, rooms=("general", "shed")))
    agents, peers = gateway.listeners["agentchat"], gateway.listeners["ai-connect"]
    for token in (tokens["peer"], tokens["olga"]):
        simple = await stack.enter_async_context(simple_client(gateway.url, token))
        await stack.enter_async_context(simple.websocket())
        await stack.enter_async_context(simple.stream())
    await stack.enter_async_context(peer_at(peers, "peer", path=f"/t/{tokens['peer']}/"))
    await stack.enter_async_context(peer_at(peers, "stranger", "somewhere"))
    skynet, both = gateway.listeners["skynet"], "general,shed"
    await stack.enter_async_context(skynet_agent(skynet, "coder", channels=both))
    await stack.enter_async_context(skynet_agent(skynet, "watch", channels=both, agent_type="monitor"))
    for kind in ("generic", "monitor"):
        path = f"/t/{tokens['peer']}/ws"
        await stack.enter_async_context(skynet_agent(skynet, "peer", path, channels=both, agent_type=kind))
    await stack.enter_async_context(agent_at(agents, "dave", "#general", "#shed", path=f"/t/{tokens['dave']}/"))
    return await stack.enter_async_context(agent_at(agents, "scout", "#general", "#shed"))


async def test_no_event_ends_a_connection(gateway: Gateway) -> None:
    async with AsyncExitStack() as stack:
        scout = await listening(gateway, stack)
        there = set(gateway.hub.broadcaster)
        assert {one.name for one in there} >= {"alice", "dave", "peer", "olga"} and len(there) >= 13
        found: dict[str, Any] = {}
        for actor, operation, fields in HAPPENS:
            given = {
                key: found.get(one.strip("{}"), one) if isinstance(one, str) else one for key, one in fields.items()
            }
            request = msgspec.convert({"op": operation, **given}, KINDS[operation].request)
            remember(found, operation, await run_operation(gateway.hub, actor, request))
            assert ended(there) == [], operation
        told = await scout.message("alice removed the room shed. Its messages stay readable.")
        assert told["to"] == "#shed"


def remember(found: dict[str, Any], operation: str, result: Any) -> None:
    match operation:
        case "send":
            found["message"] = result.seq
        case "ask.open":
            found["ask"] = result.seq
        case "propose":
            found["decision"] = result.decision.id
        case "tool.call":
            found["call"] = result.call.number


def ended(there: set[Connection]) -> list[str]:
    return sorted(one.name for one in there if one.ended.is_set() or one.is_gone)
