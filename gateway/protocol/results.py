"""The results of requests."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.protocol.decision_nouns import Decision
from gateway.protocol.errors import ErrorBody
from gateway.protocol.events import ContextEvent, MemberView, Message, Receipt
from gateway.protocol.loop_limits import BrakeView, Limits
from gateway.protocol.session_nouns import Session
from gateway.protocol.types import Ask, ContextInfo, Delivery, FloorView, Member, MemberKind, ModeInfo, Room, Scope


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    pass


class Done(Result, frozen=True):
    """It happened; `seq` is the event that says so, where there is one."""

    seq: int | None = None


class Continued(Result, frozen=True):
    """Where something stood that is lifted now, and who is woken by what, in order."""

    rooms: tuple[str, ...]
    woken: tuple[Delivery, ...] = ()


class Stopping(Result, frozen=True):
    """To whom the order goes, and which agents that were not named are asking something: they are left alone. `seq` is
    the order, if it went to anybody."""

    members: tuple[str, ...] = ()
    asking: tuple[str, ...] = ()
    seq: int | None = None


class Accepted(Result, frozen=True):
    """Committed to disk. `deliveries` are the ladders that began; a `duplicate` is the answer to a retry; those
    `asleep` are not woken, because a loop guard holds it, until a person says `continue`."""

    seq: int
    deliveries: tuple[Delivery, ...] = ()
    duplicate: bool = False
    asleep: tuple[str, ...] = ()


class RoomList(Result, frozen=True):
    rooms: tuple[Room, ...]
    more: bool = False


class MemberList(Result, frozen=True):
    agents: tuple[MemberView, ...]
    more: bool = False


class MessageList(Result, frozen=True):
    messages: tuple[Message, ...]
    more: bool = False


class MessageDetail(Result, frozen=True):
    message: Message
    deliveries: tuple[Delivery, ...]


class Story(Result, frozen=True):
    message: Message
    receipts: tuple[Receipt, ...]
    deliveries: tuple[Delivery, ...]


class AskList(Result, frozen=True):
    asks: tuple[Ask, ...]
    more: bool = False


class DecisionView(Result, frozen=True):
    """A decision as it stands; what ended it is in its `result`."""

    decision: Decision


class DecisionList(Result, frozen=True):
    decisions: tuple[Decision, ...]
    more: bool = False


class SessionView(Result, frozen=True):
    session: Session


class SessionList(Result, frozen=True):
    sessions: tuple[Session, ...]
    more: bool = False


class SessionDetail(Result, frozen=True):
    """A session with what was decided in it, and the shared documents of its room that are named after it or were
    changed while it ran. There is `more` where that would be too large."""

    session: Session
    decisions: tuple[Decision, ...] = ()
    contexts: tuple[ContextInfo, ...] = ()
    more: bool = False


class ModeStanding(Result, frozen=True):
    """The mode that runs now. After `mode.working`, `extended` says whether it was your turn."""

    floor: FloorView
    extended: bool = False


class ModeList(Result, frozen=True):
    modes: tuple[ModeInfo, ...]


class ContextSaved(Result, frozen=True):
    """The version that holds now; without `seq` the document stood there like that already."""

    scope: str
    name: str
    version: int
    size: int
    seq: int | None = None


class ContextDocument(Result, frozen=True):
    scope: str
    name: str
    version: int
    size: int
    by: str
    at: str
    document: dict[str, Any]


class ContextList(Result, frozen=True):
    contexts: tuple[ContextInfo, ...]
    more: bool = False


class ContextHistory(Result, frozen=True):
    """Newest first, as they stand in the log."""

    changes: tuple[ContextEvent, ...]
    more: bool = False


class DeliveryList(Result, frozen=True):
    deliveries: tuple[Delivery, ...]
    more: bool = False


class WaitingList(Result, frozen=True):
    """`deliveries` say where each of these messages stands; `waiting` is how many there are in all."""

    messages: tuple[Message, ...]
    deliveries: tuple[Delivery, ...] = ()
    more: bool = False
    waiting: int = 0


class Identity(Result, frozen=True):
    """The member that a token stands for, and whether the token is `read_only`; `waiting` messages are in its inbox."""

    name: str
    kind: MemberKind
    role: str | None = None
    rooms: tuple[str, ...] = ()
    waiting: int = 0
    read_only: bool = False


class Inbox(Result, frozen=True):
    """`circle` are members that wait for each other, you among them; `undelivered` tells that no answer can come."""

    messages: tuple[Message, ...]
    more: bool = False
    circle: tuple[str, ...] = ()
    undelivered: tuple[Delivery, ...] = ()


class EventPage(Result, frozen=True):
    """Encoded events as they stand in the log; ask again with `until`."""

    events: tuple[msgspec.Raw, ...]
    until: int
    more: bool = False


class TokenMade(Result, frozen=True):
    """The only time the token itself is shown."""

    name: str
    token: str
    expires: str | None = None


class TokenInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """`hands`: for an agent's tools, which may speak as it and vouch for nothing. `read_only`: it changes nothing."""

    name: str
    id: str
    created: str
    scopes: tuple[Scope, ...] = ()
    expires: str | None = None
    revoked: bool = False
    hands: bool = False
    read_only: bool = False


class TokenList(Result, frozen=True):
    tokens: tuple[TokenInfo, ...]
    more: bool = False


class Registered(Result, frozen=True):
    member: Member
    token: str


class Health(Result, frozen=True):
    """What /health and `groupchat status` show. `status` is "ok", or "stuck" when nothing reaches the disk;
    `commit_age`: for how many seconds the oldest request has been waiting for that; `uncommitted`: how many wait."""

    status: str
    version: str
    uptime: float
    agents: int
    members: int
    rooms: int
    connections: int
    last_seq: int
    queued: int
    store: str
    limits: Limits = Limits()
    brakes: tuple[BrakeView, ...] = ()
    commit_age: float = 0.0
    uncommitted: int = 0
    last_error: str = ""


class Pong(Result, frozen=True):
    time: str


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The envelope on a socket: `re` is the request's number; exactly one of `ok` and `error` is there."""

    re: int
    ok: msgspec.Raw = msgspec.Raw()
    error: ErrorBody | None = None
