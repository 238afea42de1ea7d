"""Members and rooms that are taken away for good, and what was owed to those who are gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.access.permissions import Actor
from gateway.access.tokens import create_token_record
from gateway.agent_control.delivery_rules import end_delivery
from gateway.client import Client
from gateway.dialects.ai_connect.name_mapping import AI_CONNECT, RequestedName, guest_for
from gateway.model.records.stored_records import MemberRecord
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.operations.dispatch import run_operation
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, GroupChatError, NameTaken, NotFound, RoomExists
from gateway.protocol.events import MemberAction
from gateway.protocol.requests import decision_requests as d
from gateway.protocol.requests import session_requests as s
from gateway.protocol.requests import shared_document_requests as c
from gateway.protocol.requests.member_requests import (
    CreateToken,
    Members,
    Register,
    RemoveMember,
    RevokeToken,
    RotateToken,
    SetRole,
)
from gateway.protocol.requests.message_requests import History, Receipts, Report, Send, Show
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Join, RemoveRoom, Rooms, SetTopic
from gateway.protocol.results import Accepted, ContextList, Done, MemberList, MessageList, RoomList, Story
from gateway.protocol.types.core_types import Delivery, MemberKind, Rung, Scope, Step
from gateway.rooms import members, removal
from gateway.rooms.guests import MAX_GUESTS_PER_DIALECT, admit_guest, guests_of
from tests.fakes.retry import retry_until
from tests.support.gateways import Gateway, gateway_in_process
from tests.support.world import ADMIN, NOON, World, entropy, message

ROOT = Actor("alice", MemberKind.HUMAN, frozenset(Scope))


@pytest.fixture
async def staffed(gateway: Gateway) -> AsyncIterator[Gateway]:
    """ann made the closed room lab, ben is in it too; claude is an agent with an inbox."""
    for name in ("ann", "ben"):
        await gateway.member(name, MemberKind.HUMAN)
    await gateway.member("claude")
    await run_operation(gateway.hub, ann(), CreateRoom(room="lab", invite_only=True))
    await run_operation(gateway.hub, ann(), Invite(room="lab", member="ben"))
    await run_operation(gateway.hub, Actor("ben", MemberKind.HUMAN), Join(room="lab"))
    yield gateway


def ann() -> Actor:
    return Actor("ann", MemberKind.HUMAN)


def eve() -> Actor:
    return Actor("eve", MemberKind.HUMAN)


async def said(gateway: Gateway, who: Actor, content: str, **fields: Any) -> int:
    accepted = await run_operation(gateway.hub, who, Send(content=content, **fields))
    assert isinstance(accepted, Accepted)
    return accepted.seq


async def rungs(gateway: Gateway, seq: int) -> dict[str, tuple[Rung, str]]:
    story = await run_operation(gateway.hub, ROOT, Receipts(message=seq))
    assert isinstance(story, Story)
    return {one.member: (one.rung, one.reason) for one in story.deliveries}


# members


async def test_a_removed_member_is_gone_and_what_it_was_owed_is_settled(staffed: Gateway) -> None:
    waits = await said(staffed, ann(), "for all")
    typed = await said(staffed, ann(), "for you", to="@claude")
    claude = Actor("claude", MemberKind.AGENT)
    spoke = await said(staffed, claude, "I was here")
    for rung in (Rung.TYPED, Rung.VERIFIED, Rung.SUBMITTED):
        await run_operation(staffed.hub, claude, Report(message=typed, steps=(Step(rung),)))
    await run_operation(staffed.hub, ROOT, RemoveMember(member="@Claude"))
    why = "claude was removed by alice"
    assert await rungs(staffed, waits) == {"claude": (Rung.CANCELLED, why)}
    assert await rungs(staffed, typed) == {"claude": (Rung.FAILED, why)}
    assert await rungs(staffed, await said(staffed, ann(), "and now?")) == {}
    shown = await run_operation(staffed.hub, ann(), Show(message=spoke))
    assert (shown.message.from_, shown.message.content) == ("claude", "I was here")
    listed = await run_operation(staffed.hub, ann(), Members(all=True))
    assert isinstance(listed, MemberList) and "claude" not in [one.name for one in listed.agents]
    assert staffed.hub.state.queued["claude"] == 0


async def test_its_documents_end_with_it(staffed: Gateway) -> None:
    claude = Actor("claude", MemberKind.AGENT)
    for scope in ("@claude", "#general", "global"):
        await run_operation(staffed.hub, claude, c.PutContext(scope=scope, document={"a": 1}))
    await run_operation(staffed.hub, ROOT, RemoveMember(member="claude"))
    assert await documents(staffed) == ["#general", "global"], "what it wrote for others is theirs"


async def documents(gateway: Gateway) -> list[str]:
    listed = await run_operation(gateway.hub, Actor("root", MemberKind.HUMAN, frozenset(Scope)), c.Contexts())
    assert isinstance(listed, ContextList)
    return sorted(one.scope for one in listed.contexts)


async def test_documents_that_an_earlier_version_left_behind_end_at_a_start(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state") as first:
        for name in ("claude", "codex"):
            await first.member(name)
            await run_operation(
                first.hub, Actor(name, MemberKind.AGENT), c.PutContext(scope=f"@{name}", document={"a": 1})
            )
        removed = msgspec.structs.replace(first.hub.state.members["claude"], removed=True)
        fact = members.member_event(first.hub.rule_context(), MemberAction.LEFT, removed, "alice")
        await first.hub.carry_out(RuleOutcome(Done(), (fact,)))
    async with gateway_in_process(tmp_path / "state") as second:
        assert await documents(second) == ["@codex"]


async def test_its_tokens_end_and_its_name_is_not_used_again(staffed: Gateway) -> None:
    endpoint = await staffed.member("codex")
    async with Client(endpoint) as codex:
        await run_operation(staffed.hub, ROOT, RemoveMember(member="codex"))
        with pytest.raises((GroupChatError, OSError)):
            async for _ in codex.events():
                pass
    for wish in (CreateToken(name="codex"), Register(name="codex")):
        with pytest.raises(NameTaken, match="removed name cannot be used again"):
            await run_operation(staffed.hub, ROOT, wish)
    for other in (
        Send(content="x", to="@codex"),
        SetRole(member="codex", role="x"),
        RemoveMember(member="codex"),
    ):
        with pytest.raises(NotFound):
            await run_operation(staffed.hub, ROOT, other)


async def test_what_is_removed_stays_removed_over_a_start(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state") as first:
        await first.member("claude")
        await run_operation(first.hub, ROOT, CreateRoom(room="lab"))
        await run_operation(first.hub, ROOT, RemoveMember(member="claude"))
        await run_operation(first.hub, ROOT, RemoveRoom(room="lab"))
    async with gateway_in_process(tmp_path / "state") as second:
        with pytest.raises(NameTaken):
            await run_operation(second.hub, ROOT, CreateToken(name="claude"))
        with pytest.raises(RoomExists):
            await run_operation(second.hub, ROOT, CreateRoom(room="lab"))


def world() -> World:
    there = World()
    there.person("alice")
    there.member("claude")
    return there


@pytest.mark.parametrize(
    ("actor", "name", "error"),
    [
        (Actor("alice", MemberKind.HUMAN), "claude", Forbidden),
        (Actor("claude", MemberKind.AGENT), "claude", Forbidden),
        (ADMIN, "nobody", NotFound),
        (ADMIN, "root", BadRequest),
        (ADMIN, "human", Conflict),
        (ADMIN, "boss", Forbidden),
    ],
)
def test_who_is_not_removed(actor: Actor, name: str, error: type[GroupChatError]) -> None:
    there = world()
    there.person("root")
    there.person("human", by_team=True)
    there.person("boss")
    _, record = create_token_record(entropy("boss"), "boss", there.rule_context.stamp, (Scope.ADMIN,))
    there.state.put(StateChange("token", record.id, record))
    before = there.snapshot()
    with pytest.raises(error):
        there.do(removal.remove_member, actor, RemoveMember(member=name))
    assert there.snapshot() == before


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_who_was_an_administrator_is_removed_like_others(end: str) -> None:
    there = world()
    there.person("boss")
    _, record = create_token_record(entropy("boss"), "boss", there.rule_context.stamp, (Scope.ADMIN,), NOON)
    ended = msgspec.structs.replace(record, revoked=True, expires=None) if end == "revoked" else record
    there.state.put(StateChange("token", record.id, ended))
    there.do(removal.remove_member, ADMIN, RemoveMember(member="boss"))
    assert there.state.members["boss"].removed


def test_a_removed_guest_makes_room_for_another() -> None:
    there = world()
    for number in range(MAX_GUESTS_PER_DIALECT):
        guest = guest_for(there.state, RequestedName.of(f"g{number}", None))
        there.state.put(StateChange("member", guest.name, MemberRecord(guest, dialect=AI_CONNECT)))
        there.state.live[guest.name].connections = 1
    newcomer = MemberRecord(guest_for(there.state, RequestedName.of("late", None)), dialect=AI_CONNECT)
    with pytest.raises(Conflict):
        admit_guest(there.state, newcomer, there.rule_context)
    there.do(removal.remove_member, ADMIN, RemoveMember(member="g7"))
    there.commit(*admit_guest(there.state, newcomer, there.rule_context))
    assert "late" in [one.name for one in guests_of(there.state, AI_CONNECT)]
    with pytest.raises(NameTaken):
        admit_guest(there.state, MemberRecord(there.state.members["g7"].member, dialect=AI_CONNECT), there.rule_context)


# whose last token is revoked


async def test_a_member_without_a_token_is_owed_nothing(staffed: Gateway) -> None:
    waits = await said(staffed, ann(), "for all")
    await run_operation(staffed.hub, ROOT, RevokeToken(name="claude"))
    assert await rungs(staffed, waits) == {"claude": (Rung.CANCELLED, "claude has no valid token any more")}
    assert await rungs(staffed, await said(staffed, ann(), "and now?")) == {}
    await run_operation(staffed.hub, ROOT, CreateToken(name="claude"))
    again = await said(staffed, ann(), "welcome back")
    assert await rungs(staffed, again) == {"claude": (Rung.QUEUED, "")}


async def test_one_of_two_tokens_is_not_the_last(staffed: Gateway) -> None:
    await staffed.member("claude")
    one = next(one.id for one in staffed.hub.state.tokens.values() if one.member == "claude")
    await run_operation(staffed.hub, ROOT, RevokeToken(name=one))
    assert "claude" in await rungs(staffed, await said(staffed, ann(), "still there"))


async def expire(gateway: Gateway, name: str, at: float) -> None:
    """All tokens of a member end at this time."""
    state = gateway.hub.state
    ended = [
        StateChange("token", one.id, msgspec.structs.replace(one, expires=at))
        for one in state.tokens.values()
        if one.member == name
    ]
    fact = members.member_event(gateway.hub.rule_context(), MemberAction.CHANGED, state.members[name], "alice")
    await gateway.hub.carry_out(RuleOutcome(Done(), (EventToCommit(fact.event, changes=(*fact.changes, *ended)),)))


async def test_whose_last_token_expires_is_owed_nothing_until_it_has_a_new_one(staffed: Gateway) -> None:
    await run_operation(staffed.hub, ROOT, CreateToken(name="gemini"))
    await run_operation(staffed.hub, ROOT, CreateToken(name="codex", expires_in=0.01))
    await run_operation(staffed.hub, ROOT, CreateToken(name="codex"))
    waits = await said(staffed, ann(), "for all")
    await expire(staffed, "gemini", staffed.hub.now + 0.05)
    await retry_until(lambda: not staffed.hub.state.queued["gemini"])
    await staffed.hub.answers.wait_until_settled()
    found = await rungs(staffed, waits)
    assert found.pop("gemini") == (Rung.CANCELLED, "the token of gemini has expired")
    assert set(found.values()) == {(Rung.QUEUED, "")}, "one of two tokens is not the last"
    assert "gemini" not in await rungs(staffed, await said(staffed, ann(), "and now?"))
    await run_operation(staffed.hub, ROOT, RotateToken(name="gemini"))
    assert (await rungs(staffed, await said(staffed, ann(), "welcome back")))["gemini"] == (Rung.QUEUED, "")


async def nothing(now: float) -> float | None:
    return None


async def test_whose_token_expired_while_no_gateway_ran(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state") as first:
        await run_operation(first.hub, ROOT, CreateToken(name="codex"))
        waits = await said(first, ROOT, "for all")
        first.hub.scheduler.add_errand("token", nothing)
        await expire(first, "codex", 1.0)
    async with gateway_in_process(tmp_path / "state") as second:
        assert await rungs(second, waits) == {"codex": (Rung.CANCELLED, "codex is gone")}
        assert await rungs(second, await said(second, ROOT, "and now?")) == {}


async def test_those_whom_an_earlier_version_left_waiting(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state") as first:
        await first.member("claude")
        waits = await said(first, ROOT, "for all")
        state = first.hub.state
        revoked = [
            msgspec.structs.replace(one, revoked=True) for one in state.tokens.values() if one.member == "claude"
        ]
        fact = members.member_event(first.hub.rule_context(), MemberAction.CHANGED, state.members["claude"], "alice")
        changes = (*fact.changes, *(StateChange("token", one.id, one) for one in revoked))
        await first.hub.carry_out(RuleOutcome(Done(), (EventToCommit(fact.event, changes=changes),)))
    async with gateway_in_process(tmp_path / "state") as second:
        assert await rungs(second, waits) == {"claude": (Rung.CANCELLED, "claude is gone")}
        assert await rungs(second, await said(second, ROOT, "and now?")) == {}


# rooms


async def test_a_removed_room_is_read_by_those_who_could_and_by_nobody_else(staffed: Gateway) -> None:
    seq = await said(staffed, ann(), "what we said", room="lab")
    await staffed.member("eve", MemberKind.HUMAN)
    await run_operation(staffed.hub, ann(), d.Propose(question="yes?", room="lab", people=True, id="open"))
    await run_operation(staffed.hub, ann(), s.OpenSession(session="q3", room="lab"))
    await run_operation(staffed.hub, ann(), c.PutContext(scope="#lab", document={"x": 1}))
    await run_operation(staffed.hub, ann(), RemoveRoom(room="lab"))
    ben = Actor("ben", MemberKind.HUMAN)
    for reader in (ann(), ben):
        found = await run_operation(staffed.hub, reader, History(room="lab"))
        assert isinstance(found, MessageList) and "what we said" in [one.content for one in found.messages]
        assert (await run_operation(staffed.hub, reader, Show(message=seq))).message.content == "what we said"
        assert (await run_operation(staffed.hub, reader, d.ShowDecision(decision="open"))).decision.state == "cancelled"
        assert (await run_operation(staffed.hub, reader, s.ShowSession(session="q3"))).session.status == "completed"
    for stranger in (eve(), Actor("claude", MemberKind.AGENT)):
        for wish in (History(room="lab"), Show(message=seq), d.ShowDecision(decision="open")):
            with pytest.raises(NotFound):
                await run_operation(staffed.hub, stranger, wish)
    for late in (Send(content="x", room="lab"), Join(room="lab"), SetTopic(room="lab", topic="x")):
        with pytest.raises(NotFound):
            await run_operation(staffed.hub, ann(), late)
    with pytest.raises(RoomExists):
        await run_operation(staffed.hub, ann(), CreateRoom(room="lab"))
    listed = await run_operation(staffed.hub, ann(), Rooms())
    assert isinstance(listed, RoomList) and [one.name for one in listed.rooms] == ["general"]
    for reader, rooms in ((ann(), ["general", "lab"]), (ben, ["general", "lab"]), (eve(), ["general"])):
        all_of_them = await run_operation(staffed.hub, reader, Rooms(removed=True))
        assert isinstance(all_of_them, RoomList) and [one.name for one in all_of_them.rooms] == rooms
    assert not [one for one in staffed.hub.state.contexts.values() if one.info.scope == "#lab" and not one.gone]


async def test_everybody_in_it_is_told(staffed: Gateway) -> None:
    async with Client(await staffed.member("ben", MemberKind.HUMAN)) as ben:
        await run_operation(staffed.hub, ann(), RemoveRoom(room="lab"))
        seen: list[str] = []
        async for event in ben.events():
            seen.append(getattr(event, "content", "") or str(getattr(event, "action", "")))
            if "left" in seen:
                break
        assert any("ann removed the room lab" in one for one in seen)


@pytest.mark.parametrize(
    ("name", "target", "error"), [("ben", "lab", Forbidden), ("eve", "lab", NotFound), ("alice", "general", Conflict)]
)
async def test_which_room_is_not_removed(staffed: Gateway, name: str, target: str, error: type[GroupChatError]) -> None:
    actor = ROOT if name == "alice" else Actor(name, MemberKind.HUMAN)
    with pytest.raises(error):
        await run_operation(staffed.hub, actor, RemoveRoom(room=target))


def test_a_delivery_that_is_over_is_not_settled_again() -> None:
    there = world()
    for rung in Rung:
        fact = end_delivery(message(), Delivery(7, "claude", rung), there.rule_context, "gone")
        open_ = rung in (Rung.QUEUED, Rung.HELD, Rung.TYPED, Rung.VERIFIED, Rung.UNVERIFIED, Rung.SUBMITTED)
        assert (fact is not None) is open_, rung
