"""A gateway state without a gateway, for tests of the rules: events change it as in the hub, and nobody is notified."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar

from gateway.access.permissions import Actor
from gateway.commit.apply_events import apply_early, move_deliveries
from gateway.model.records.stored_records import MemberRecord, Membership, RoomRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Accepted
from gateway.protocol.types.core_types import DEFAULT_ROOM, Delivery, Member, MemberKind, MessageKind, Rung, Scope

NOON = 1_800_000_000.0
STAMP = "2027-01-15T08:00:00.000Z"
ADMIN = Actor("root", MemberKind.HUMAN, frozenset({Scope.ADMIN}))

R = TypeVar("R", bound=Request)
Rule = Callable[[GatewayState, Actor, R, RuleContext], RuleOutcome]


def entropy(seed: str) -> bytes:
    """Forty bytes, the same in each run."""
    return hashlib.sha512(seed.encode()).digest()[:40]


class World:
    """The default room, a clock that stands at noon, and everything that was committed."""

    def __init__(self) -> None:
        self.state = GatewayState()
        self.rule_context = RuleContext(now=NOON)
        self.facts: list[EventToCommit] = []
        self.room(DEFAULT_ROOM)

    def room(self, name: str, *members: str, invite_only: bool = False, invited: tuple[str, ...] = ()) -> RoomRecord:
        record = RoomRecord(name, "", invite_only, members[0] if members else "system", invited)
        self.state.put(StateChange("room", name, record))
        for member in members:
            self.enter(member, name)
        return record

    def enter(self, member: str, room: str) -> None:
        self.state.put(StateChange("membership", f"{room}/{member}", Membership(room, member)))

    def member(
        self,
        name: str,
        kind: MemberKind = MemberKind.AGENT,
        *scopes: Scope,
        rooms: tuple[str, ...] = (DEFAULT_ROOM,),
        by_team: bool = False,
        **fields: object,
    ) -> Actor:
        """An existing member; agents have an inbox by default."""
        shape = {"inbox": kind is MemberKind.AGENT, **fields}
        member = Member(name, kind, **shape)  # type: ignore[arg-type]
        self.state.put(StateChange("member", name, MemberRecord(member, by_team, start_role=member.role)))
        for room in rooms:
            self.enter(name, room)
        return Actor(name, kind, frozenset(scopes), team=by_team)

    def person(self, name: str, *scopes: Scope, **fields: object) -> Actor:
        return self.member(name, MemberKind.HUMAN, *scopes, **fields)  # type: ignore[arg-type]

    def commit(self, *facts: EventToCommit) -> None:
        for fact in facts:
            self.facts.append(fact)
            apply_early(self.state, fact)
            if isinstance(fact.event, Message):
                move_deliveries(self.state, fact)

    def do(self, rule: Rule[R], actor: Actor, request: R) -> RuleOutcome:
        """Decide and commit."""
        outcome = rule(self.state, actor, request, self.rule_context)
        self.commit(*outcome.events)
        return outcome

    def say(self, rule: Rule[Send], actor: Actor, content: str, **fields: object) -> tuple[Message, Accepted]:
        outcome = self.do(rule, actor, Send(content=content, **fields))  # type: ignore[arg-type]
        message, accepted = outcome.events[0].event, outcome.result
        assert isinstance(message, Message) and isinstance(accepted, Accepted)
        return message, accepted

    def hops_left(self, name: str) -> int | None:
        return self.state.view(self.state.member(name), NOON).hops_left

    def snapshot(self) -> tuple[object, ...]:
        """The state that a refusal must not change."""
        state = self.state
        tables = {name: dict(table.rows) for name, table in state.tables.items()}
        memberships = {(room, member) for room, members in state.in_room.items() for member in members}
        waiting = {name: number for name, number in state.queued.items() if number}
        return tables, dict(state.latest_deliveries), dict(state.picked), memberships, waiting


def message(seq: int = 7, sender: str = "alice", to: tuple[str, ...] = ("claude",), **fields: object) -> Message:
    """A direct message as in the log (to everyone with `to=()`)."""
    shape: dict[str, object] = {"recipients": to, "deliveries": to, **fields}
    named = tuple(f"@{name}" for name in to) or ("@all",)
    room = str(shape.pop("room", DEFAULT_ROOM))
    return Message(seq, f"m-{seq}", room, sender, named, MessageKind.CHAT, "hi", STAMP, **shape)  # type: ignore[arg-type]


def delivery(rung: Rung, seq: int = 7, member: str = "claude", reason: str = "") -> Delivery:
    return Delivery(seq, member, rung, reason, STAMP)
