"""A house without a gateway around it, for tests of the rules: facts change it as the hub would, nobody is told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar

from gateway.access.permissions import Actor
from gateway.commit.apply_facts import foresee, move_ladders
from gateway.model.log_events import Change, Clerk, Fact, Ruling
from gateway.model.records import MemberRecord, Membership, RoomRecord
from gateway.model.state import House
from gateway.protocol.events import Message
from gateway.protocol.requests import Request, Send
from gateway.protocol.results import Accepted
from gateway.protocol.types import DEFAULT_ROOM, Delivery, Member, MemberKind, MessageKind, Rung, Scope

NOON = 1_800_000_000.0
STAMP = "2027-01-15T08:00:00.000Z"
ADMIN = Actor("root", MemberKind.HUMAN, frozenset({Scope.ADMIN}))

R = TypeVar("R", bound=Request)
Rule = Callable[[House, Actor, R, Clerk], Ruling]


def entropy(seed: str) -> bytes:
    """Forty bytes that are the same in each run."""
    return hashlib.sha512(seed.encode()).digest()[:40]


class World:
    """The default room, a clock that stands at noon, and everything that was committed."""

    def __init__(self) -> None:
        self.house = House()
        self.clerk = Clerk(now=NOON)
        self.facts: list[Fact] = []
        self.room(DEFAULT_ROOM)

    def room(self, name: str, *members: str, invite_only: bool = False, invited: tuple[str, ...] = ()) -> RoomRecord:
        record = RoomRecord(name, "", invite_only, members[0] if members else "system", invited)
        self.house.put(Change("room", name, record))
        for member in members:
            self.enter(member, name)
        return record

    def enter(self, member: str, room: str) -> None:
        self.house.put(Change("membership", f"{room}/{member}", Membership(room, member)))

    def member(
        self,
        name: str,
        kind: MemberKind = MemberKind.AGENT,
        *scopes: Scope,
        rooms: tuple[str, ...] = (DEFAULT_ROOM,),
        by_team: bool = False,
        **fields: object,
    ) -> Actor:
        """A member that is there already; agents have an inbox unless told otherwise."""
        shape = {"inbox": kind is MemberKind.AGENT, **fields}
        member = Member(name, kind, **shape)  # type: ignore[arg-type]
        self.house.put(Change("member", name, MemberRecord(member, by_team)))
        for room in rooms:
            self.enter(name, room)
        return Actor(name, kind, frozenset(scopes), team=by_team)

    def person(self, name: str, *scopes: Scope, **fields: object) -> Actor:
        return self.member(name, MemberKind.HUMAN, *scopes, **fields)  # type: ignore[arg-type]

    def commit(self, *facts: Fact) -> None:
        for fact in facts:
            self.facts.append(fact)
            foresee(self.house, fact)
            if isinstance(fact.event, Message):
                move_ladders(self.house, fact)

    def do(self, rule: Rule[R], actor: Actor, request: R) -> Ruling:
        """Decide and commit."""
        ruling = rule(self.house, actor, request, self.clerk)
        self.commit(*ruling.facts)
        return ruling

    def say(self, rule: Rule[Send], actor: Actor, content: str, **fields: object) -> tuple[Message, Accepted]:
        ruling = self.do(rule, actor, Send(content=content, **fields))  # type: ignore[arg-type]
        message, accepted = ruling.facts[0].event, ruling.result
        assert isinstance(message, Message) and isinstance(accepted, Accepted)
        return message, accepted

    def hops_left(self, name: str) -> int | None:
        return self.house.view(self.house.member(name), NOON).hops_left

    def snapshot(self) -> tuple[object, ...]:
        """What a refusal must leave as it was."""
        house = self.house
        tables = {name: dict(table.rows) for name, table in house.tables.items()}
        memberships = {(room, member) for room, members in house.in_room.items() for member in members}
        waiting = {name: number for name, number in house.queued.items() if number}
        return tables, dict(house.ladders), dict(house.picked), memberships, waiting


def message(seq: int = 7, sender: str = "alice", to: tuple[str, ...] = ("claude",), **fields: object) -> Message:
    """A direct message as it stands in the log (to everyone with `to=()`)."""
    shape: dict[str, object] = {"recipients": to, "deliveries": to, **fields}
    named = tuple(f"@{name}" for name in to) or ("@all",)
    room = str(shape.pop("room", DEFAULT_ROOM))
    return Message(seq, f"m-{seq}", room, sender, named, MessageKind.CHAT, "hi", STAMP, **shape)  # type: ignore[arg-type]


def delivery(rung: Rung, seq: int = 7, member: str = "claude", reason: str = "") -> Delivery:
    return Delivery(seq, member, rung, reason, STAMP)
