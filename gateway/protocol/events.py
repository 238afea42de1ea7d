"""The events that the gateway sends to its clients.

Durable events carry `seq` and are in the log; their encoded bytes are stored and pushed as they are. Snapshots
(presence, welcome, ...) carry none: they are sent on hello and on change. Clients ignore fields they do not know.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from gateway.protocol.decision_nouns import Decision, DecisionAction, Given
from gateway.protocol.errors import ErrorBody
from gateway.protocol.session_nouns import Session, SessionAction
from gateway.protocol.types import (
    Activity,
    Ask,
    Composer,
    ContextAction,
    Delivery,
    FloorView,
    Member,
    MemberKind,
    MessageKind,
    Part,
    Presence,
    Room,
    Signed,
    Step,
)


class Message(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="message", rename={"from_": "from"}):
    """What a member said. `to` is as addressed; `recipients` are the resolved names of a direct message
    (none for everyone); `deliveries` are the members for whom a ladder is kept. An `aside` was said out of turn.
    An `interrupt` ends what its agent works on, before it is typed."""

    seq: int
    id: str
    room: str
    from_: str
    to: tuple[str, ...]
    kind: MessageKind
    content: str
    timestamp: str
    recipients: tuple[str, ...] = ()
    deliveries: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    context: dict[str, Any] | None = None
    reply_to: int | None = None
    session: str | None = None
    trace: str | None = None
    hops: int = 0
    urgent: bool = False
    priority: int = 5
    ttl: float | None = None
    ack_wanted: bool = False
    signed: Signed | None = None
    aside: bool = False
    interrupt: bool = False


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="receipt"):
    """One or more steps up the ladder of one delivery, in order; the last one holds."""

    seq: int
    room: str
    message: int
    member: str
    steps: tuple[Step, ...]
    timestamp: str


class RoomAction(StrEnum):
    CREATED = "created"
    TOPIC = "topic"
    INVITED = "invited"
    JOINED = "joined"
    LEFT = "left"
    MODE = "mode"
    TURN = "turn"


class RoomEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="room"):
    """With `mode` and `turn` comes the `floor` as it is now; `member` is who has the turn."""

    seq: int
    room: str
    action: RoomAction
    by: str
    timestamp: str
    member: str | None = None
    text: str = ""
    floor: FloorView | None = None


class MemberAction(StrEnum):
    REGISTERED = "registered"
    CHANGED = "changed"
    LEFT = "left"
    RETURNED = "returned"


class MemberEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="member"):
    seq: int
    action: MemberAction
    member: Member
    by: str
    timestamp: str


class ControlAction(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    KEYS = "keys"
    SHARE = "share"
    CANCEL = "cancel"
    RETRY = "retry"
    RESTART = "restart"
    ANSWER = "answer"


class Control(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="control", rename={"from_": "from"}):
    """An order to a member's sidecar, in the log like everything said: an absent sidecar finds it on return."""

    seq: int
    action: ControlAction
    from_: str
    to: tuple[str, ...]
    timestamp: str
    text: str = ""
    message: int | None = None
    may_approve: bool = False
    ask: Ask | None = None


class AskEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="ask"):
    """A dialog of an agent as it stands now. `waited` (seconds) is there when it is only announced again."""

    seq: int
    ask: Ask
    timestamp: str
    waited: int = 0


class ContextEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="context"):
    """A shared document has a new version: `document` is all of it after a put, `patch` what was merged. Where the
    change is large neither is there; `context.get` reads the document. A deleted one has no `size`."""

    seq: int
    scope: str
    name: str
    version: int
    action: ContextAction
    by: str
    timestamp: str
    size: int = 0
    document: dict[str, Any] | None = None
    patch: dict[str, Any] | None = None

    @property
    def room(self) -> str | None:
        return self.scope[1:] if self.scope.startswith("#") else None


class DecisionEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="decision"):
    """A decision as it stands now. `answer` is there when somebody gave one; an answer may also be what closed it."""

    seq: int
    action: DecisionAction
    by: str
    decision: Decision
    timestamp: str
    answer: Given | None = None

    @property
    def room(self) -> str:
        return self.decision.room


class SessionEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="session"):
    """A piece of work as it stands now."""

    seq: int
    action: SessionAction
    by: str
    session: Session
    timestamp: str

    @property
    def room(self) -> str:
        return self.session.room


class MemberView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member as others see it now. `hops_left` says how often agents may still answer each other before the room
    waits for a person; it is there once they have begun."""

    name: str
    kind: MemberKind
    role: str | None = None
    presence: Presence = Presence.OFFLINE
    activity: Activity = Activity.UNKNOWN
    composer: Composer = Composer.UNKNOWN
    queued: int = 0
    display: str | None = None
    project: str | None = None
    paused: bool = False
    note: str = ""
    last_seen: str = ""
    hops_left: int | None = None


class PresenceChanged(msgspec.Struct, frozen=True, tag_field="ev", tag="presence"):
    """A snapshot of one member, sent when something about it changed."""

    member: MemberView


class Welcome(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="welcome"):
    """The answer to hello: who you are, what the house looks like, and what still waits for you. `house` is the id of
    the gateway's store: numbers (`seq`) of another one mean other things. `share` was ordered last, if it ever was.
    `more` deliveries are open than these. `run` names this run of the gateway, and `began` its first number: what a
    client remembers of an earlier run is below it, unless the log was put back from a backup. A list that is named in
    `partial` is its first page: ask for the rest."""

    version: int
    you: Member
    rooms: tuple[Room, ...]
    members: tuple[MemberView, ...]
    last_seq: int
    deliveries: tuple[Delivery, ...] = ()
    observer: bool = False
    paused: bool = False
    asks: tuple[Ask, ...] = ()
    decisions: tuple[Decision, ...] = ()
    sessions: tuple[Session, ...] = ()
    house: str = ""
    share: str = ""
    more: bool = False
    run: str = ""
    began: int = 0
    partial: tuple[str, ...] = ()


class Replayed(msgspec.Struct, frozen=True, tag_field="ev", tag="replayed"):
    """Everything missed has been sent; what follows is live."""

    until: int


class Closing(msgspec.Struct, frozen=True, tag_field="ev", tag="closing"):
    """The gateway is about to close this connection, and why."""

    error: ErrorBody


Durable = Message | Receipt | RoomEvent | MemberEvent | Control | AskEvent | ContextEvent | DecisionEvent | SessionEvent
Snapshot = PresenceChanged | Welcome | Replayed | Closing
Event = Durable | Snapshot
