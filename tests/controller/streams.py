"""Events as the gateway sends them, for tests of the chat."""

from __future__ import annotations

from gateway.protocol.events import MemberView, Message, PresenceChanged, Receipt, Welcome
from gateway.protocol.types.core_types import (
    Activity,
    Composer,
    Member,
    MemberKind,
    MessageKind,
    Presence,
    Room,
    Rung,
    Step,
)

STAMP = "2026-11-26T10:00:00.000Z"
LATER = "2026-11-27T10:00:00.000Z"


def said(seq: int, content: str = "hello", sender: str = "claude", **fields: object) -> Message:
    usual: dict[str, object] = {"id": f"m{seq}", "room": "general", "to": (), "kind": MessageKind.CHAT}
    shape: dict[str, object] = {**usual, "timestamp": STAMP, **fields}
    return Message(seq=seq, from_=sender, content=content, **shape)  # type: ignore[arg-type]


def receipt(seq: int, message: int, rung: Rung, member: str = "claude", reason: str = "") -> Receipt:
    return Receipt(seq, "general", message, member, (Step(rung, STAMP, reason),), STAMP)


def agent(name: str, activity: Activity = Activity.IDLE, **fields: object) -> MemberView:
    shape: dict[str, object] = {"presence": Presence.ONLINE, "composer": Composer.EMPTY, **fields}
    return MemberView(name, MemberKind.AGENT, activity=activity, **shape)  # type: ignore[arg-type]


def seen(member: MemberView) -> PresenceChanged:
    return PresenceChanged(member)


def welcome(*members: MemberView, last_seq: int = 0) -> Welcome:
    alice = MemberView("alice", MemberKind.HUMAN, presence=Presence.ONLINE)
    me = Member("alice", MemberKind.HUMAN)
    return Welcome(1, me, (Room("general"), Room("design")), (alice, *members), last_seq)
