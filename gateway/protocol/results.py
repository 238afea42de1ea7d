"""The results of requests."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.protocol.errors import ErrorBody
from gateway.protocol.events import ContextEvent, MemberView, Message, Receipt
from gateway.protocol.tool_calls.tool_call_types import CallOfTool, ToolOffer
from gateway.protocol.types.core_types import (
    Activity,
    Ask,
    ContextInfo,
    Delivery,
    DeviceScope,
    FloorView,
    Member,
    MemberKind,
    ModeInfo,
    Room,
    Scope,
)
from gateway.protocol.types.decision_types import Decision
from gateway.protocol.types.loop_limits import Limits, LoopHoldView
from gateway.protocol.types.session_types import Session
from gateway.protocol.types.silence_causes import SilenceCause
from gateway.protocol.types.terminal_types import WatchState


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    pass


class Done(Result, frozen=True):
    """The request was carried out. `seq` is the resulting event, if there is one."""

    seq: int | None = None


class Continued(Result, frozen=True):
    """The rooms in which a loop guard was lifted, and the deliveries that begin now, in order."""

    rooms: tuple[str, ...]
    woken: tuple[Delivery, ...] = ()


class Stopping(Result, frozen=True):
    """The members that get the order. `asking` are agents that show a dialog and were not named: they are left alone.
    `seq` is the order, if any member gets it."""

    members: tuple[str, ...] = ()
    asking: tuple[str, ...] = ()
    seq: int | None = None


class Watching(Result, frozen=True):
    """What becomes of a watch. `text` says why no picture comes now, and what helps."""

    member: str
    state: WatchState
    text: str = ""


class Why(msgspec.Struct, frozen=True):
    """Why an agent is silent. `sentence` says it in short: the state, what waits, and what helps. `since` is when this
    began, as far as the gateway knows; `last` is the newest delivery in words. Texts are empty if there is nothing."""

    name: str
    cause: SilenceCause
    state: str
    evidence: str
    since: str
    waits: str
    last: str
    folder: str
    helps: str
    sentence: str
    delivery: Delivery | None


class WhyList(Result, frozen=True):
    agents: tuple[Why, ...]
    more: bool = False


class ActivityView(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an agent began to do, when, and the evidence for it."""

    activity: Activity
    at: str
    note: str = ""


class AgentTimeline(Result, frozen=True):
    """Encoded events as kept in the log, newest first. If there is `more`, use `until` as `before` of the next request.
    `activities` are the agent's last ones in this run of the gateway, newest first; only the first page has them."""

    events: tuple[msgspec.Raw, ...]
    until: int = 0
    more: bool = False
    activities: tuple[ActivityView, ...] = ()


class Shown(Result, frozen=True):
    """Whether anybody watches the terminal. `whole`: the next picture must be a whole one."""

    watched: bool
    whole: bool = False


class Accepted(Result, frozen=True):
    """The message is on disk. `deliveries` are the deliveries that begin. `duplicate`: the `id` was used before, and
    `seq` is the first message. `asleep` are the agents that do not get the message until a person sends `continue`,
    because a loop guard holds it."""

    seq: int
    deliveries: tuple[Delivery, ...] = ()
    duplicate: bool = False
    asleep: tuple[str, ...] = ()


class RoomList(Result, frozen=True):
    rooms: tuple[Room, ...]
    more: bool = False


class RetentionStanding(msgspec.Struct, frozen=True, omit_defaults=True):
    """`keep`: empty for everything. The messages up to `cut` are removed; so far those up to `reached` are gone."""

    room: str
    keep: str = ""
    cut: int = 0
    reached: int = 0


class MemberKeyRecords(msgspec.Struct, frozen=True):
    """What a member has published of its keys, oldest first."""

    member: str
    records: tuple[str, ...]
    revocations: tuple[str, ...] = ()


class KeyRecordList(Result, frozen=True):
    keys: tuple[MemberKeyRecords, ...]
    more: bool = False


class RoomKeyView(msgspec.Struct, frozen=True):
    """A key of a sealed room: its version, who made it, the notice that hands it out, and the seq of that event."""

    version: int
    by: str
    notice: str
    seq: int


class RoomKeyList(Result, frozen=True):
    """Keys of a sealed room. `version` is that of the current one, 0 if it has none; `key_due`: the next writer makes a
    new one. `admissions` wait for it. `members` are in the room now, and the `invited` may join. A room that is not
    `sealed` has no keys."""

    keys: tuple[RoomKeyView, ...]
    admissions: tuple[str, ...] = ()
    version: int = 0
    key_due: bool = False
    more: bool = False
    members: tuple[str, ...] = ()
    invited: tuple[str, ...] = ()
    sealed: bool = True


class MemberList(Result, frozen=True):
    agents: tuple[MemberView, ...]
    more: bool = False


class MessageList(Result, frozen=True):
    messages: tuple[Message, ...]
    more: bool = False


class Reaction(msgspec.Struct, frozen=True):
    """Who put a sign on a message, in the order in which they did."""

    sign: str
    members: tuple[str, ...]


class MessageReactions(msgspec.Struct, frozen=True):
    message: int
    reactions: tuple[Reaction, ...]


class ReactionList(Result, frozen=True):
    messages: tuple[MessageReactions, ...]


class PinView(msgspec.Struct, frozen=True):
    """A pinned message, and who pinned it when."""

    message: Message
    by: str
    at: str


class PinList(Result, frozen=True):
    pins: tuple[PinView, ...]
    more: bool = False


class PassageMessage(msgspec.Struct, frozen=True, omit_defaults=True, rename={"from_": "from"}):
    """A message of a passage. `found`: it answers the question itself; others belong to it as what it answers, or as
    its answers. `cut`: only a part of the text is shown. `repeats` are older or less fitting messages that say nearly
    the same."""

    seq: int
    room: str
    from_: str
    timestamp: str
    text: str
    reply_to: int | None = None
    found: bool = False
    cut: bool = False
    repeats: tuple[int, ...] = ()


class Passage(msgspec.Struct, frozen=True):
    """Messages of one thread, in the order in which they were said. `score`: 1 for the best passage, less for others.
    `tokens` is an estimate."""

    messages: tuple[PassageMessage, ...]
    score: float
    tokens: int


class VectorProgress(msgspec.Struct, frozen=True):
    """Of how many messages an embedding model has made a vector, and of how many it still has to. `trouble`: why it
    makes none at the moment."""

    made: int
    waiting: int
    trouble: str = ""


class Recalled(Result, frozen=True):
    """Passages that answer a question, best first. `left_out` are further ones that did not fit into the budget.
    `vectors`: an embedding model has helped, and how far it is; none without `serve --embed`."""

    passages: tuple[Passage, ...]
    tokens: int
    left_out: int = 0
    vectors: VectorProgress | None = None


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
    """The current state of a decision; its `result` says how it ended."""

    decision: Decision


class DecisionList(Result, frozen=True):
    decisions: tuple[Decision, ...]
    more: bool = False


class CallView(Result, frozen=True):
    call: CallOfTool


class ToolList(Result, frozen=True):
    tools: tuple[ToolOffer, ...]
    more: bool = False


class SessionView(Result, frozen=True):
    session: Session


class SessionList(Result, frozen=True):
    sessions: tuple[Session, ...]
    more: bool = False


class SessionDetail(Result, frozen=True):
    """A session with its decisions, and the shared documents of its room that carry its name or were changed while it
    ran. `more`: the answer would be too large and is cut."""

    session: Session
    decisions: tuple[Decision, ...] = ()
    contexts: tuple[ContextInfo, ...] = ()
    more: bool = False


class ModeStanding(Result, frozen=True):
    """The current mode. After `mode.working`, `extended` says whether it was your turn."""

    floor: FloorView
    extended: bool = False


class ModeList(Result, frozen=True):
    modes: tuple[ModeInfo, ...]


class ContextSaved(Result, frozen=True):
    """The current version of the document. Without `seq` the request changed nothing."""

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
    """The changes as kept in the log, newest first."""

    changes: tuple[ContextEvent, ...]
    more: bool = False


class DeliveryList(Result, frozen=True):
    deliveries: tuple[Delivery, ...]
    more: bool = False


class WaitingList(Result, frozen=True):
    """Waiting messages. `deliveries` holds the state of each of them; `waiting` is their total number."""

    messages: tuple[Message, ...]
    deliveries: tuple[Delivery, ...] = ()
    more: bool = False
    waiting: int = 0


class Identity(Result, frozen=True):
    """The member that a token belongs to, and whether the token is `read_only`. `waiting` is the number of messages in
    the member's inbox; `muted` are the rooms that it muted."""

    name: str
    kind: MemberKind
    role: str | None = None
    rooms: tuple[str, ...] = ()
    waiting: int = 0
    read_only: bool = False
    muted: tuple[str, ...] = ()


class Inbox(Result, frozen=True):
    """Messages taken from the inbox. `circle` are members that wait for each other, including you. `undelivered` are
    deliveries that failed, so that no answer can come."""

    messages: tuple[Message, ...]
    more: bool = False
    circle: tuple[str, ...] = ()
    undelivered: tuple[Delivery, ...] = ()


class EventPage(Result, frozen=True):
    """Encoded events as kept in the log. Use `until` as `since` of the next request."""

    events: tuple[msgspec.Raw, ...]
    until: int
    more: bool = False


class TokenMade(Result, frozen=True):
    """A new token. It is shown only here."""

    name: str
    token: str
    expires: str | None = None


class TokenInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """A token without its secret. `hands`: it is for an agent's tools, which may send as the agent but not report on
    its terminal. `read_only`: it can change nothing. `device`: it is a browser with this name, and `last_seen` is when
    it last connected to this run of the gateway. `room`: it is a read-only link to this room, or to a `thread` in it.
    """

    name: str
    id: str
    created: str
    scopes: tuple[Scope, ...] = ()
    expires: str | None = None
    revoked: bool = False
    is_tools_token: bool = msgspec.field(default=False, name="hands")
    read_only: bool = False
    device: str = ""
    last_seen: str = ""
    room: str = ""
    thread: int = 0


class TokenList(Result, frozen=True):
    tokens: tuple[TokenInfo, ...]
    more: bool = False


class PairingBegun(Result, frozen=True):
    """A code for one browser. It is shown only here. `device` is the id that the device will have."""

    code: str
    device: str
    scope: DeviceScope
    expires: str


class DevicePaired(Result, frozen=True):
    """The answer of `POST /v1/web/pair`. A device signs the `house` with each of its proofs."""

    device: str
    member: str
    scope: DeviceScope
    name: str
    house: str


class LinkMade(Result, frozen=True):
    """A read-only link. Its secret is shown only here. The page opens it as `#link=ID.SECRET`."""

    id: str
    secret: str
    room: str
    expires: str
    thread: int = 0


class LanPage(Result, frozen=True):
    """The page as it is open to the local network: its address, and the SHA-256 of the certificate that it shows there
    until `expires`."""

    url: str
    fingerprint: str
    expires: str


class Registered(Result, frozen=True):
    member: Member
    token: str


class AgentCost(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the answers of an agent have cost since `since`: `tokens` are those that it reported with them, 0 if it
    reports none. Of the last hour: the reported tokens, and how often other agents woke it (counted up to the
    limit)."""

    name: str
    answers: int = 0
    tokens: int = 0
    since: str = ""
    hour_tokens: int = 0
    hour_wakes: int = 0


class GatewayStanding(msgspec.Struct, frozen=True):
    """One of several gateways on one log. `behind`: how many events of the log it had not shown yet when it last said
    so, which it does every two seconds."""

    url: str
    decides: bool
    behind: int
    connections: int
    version: str


class SnapshotStanding(msgspec.Struct, frozen=True):
    """How the snapshots stand that this gateway takes by itself: one every `every` seconds. `newest` is when the newest
    one of its log was taken, `age` how many seconds ago; without one, "" and null. `taking_for` is for how many seconds
    one has been under way, or 0. `failures` counts since the gateway started; `last_failure` says why the last one
    failed, until one succeeds."""

    every: float
    newest: str = ""
    age: float | None = None
    taking_for: float = 0.0
    failures: int = 0
    last_failure: str = ""


class Health(Result, frozen=True):
    """The state that /health and `groupchat status` show. `status` is "ok", or "stuck" when writes to the disk do not
    finish. `uncommitted` is the number of requests that wait for the disk; `commit_age` is for how many seconds the
    oldest has waited. `gateways` are those that share the log, if several may. `snapshots` is shown to those who may
    see everyone's figures, if this gateway takes any. `vectors` is in the answer to `status`, as in `Recalled`."""

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
    brakes: tuple[LoopHoldView, ...] = ()
    costs: tuple[AgentCost, ...] = ()
    commit_age: float = 0.0
    uncommitted: int = 0
    last_error: str = ""
    gateways: tuple[GatewayStanding, ...] = ()
    snapshots: SnapshotStanding | None = None
    vectors: VectorProgress | None = None


class Latency(msgspec.Struct, frozen=True):
    """How long recent deliveries took, in seconds. Half of them took at most `p50`, 95 of 100 at most `p95`; null
    without any. `count` is their number."""

    p50: float | None
    p95: float | None
    p99: float | None
    count: int


class TrafficFigures(msgspec.Struct, frozen=True):
    """What a member, or several, have done since the gateway started. `sent_per_second` covers about the last minute,
    `error_rate` (the part of the requests that was refused) and `latency` the last five. `taken`, `failed`, `expired`
    and `cancelled` count the deliveries to it that ended so; `waiting` is the number of those that wait now."""

    sent: int
    sent_per_second: float
    requests: int
    refused: int
    error_rate: float
    taken: int
    failed: int
    expired: int
    cancelled: int
    waiting: int
    latency: Latency


class MemberFigures(msgspec.Struct, frozen=True):
    name: str
    kind: MemberKind
    connected: bool
    traffic: TrafficFigures


class Statistics(Result, frozen=True):
    """The figures of the traffic since `since`, when the gateway started. `connected` counts the members with an open
    stream by kind. At most `member_limit` members have figures of their own; `others` has those of all other members
    together. Who may not see everyone's figures gets its own alone, and no `others`."""

    since: str
    uptime: float
    connected: dict[str, int]
    total: TrafficFigures
    members: tuple[MemberFigures, ...]
    member_limit: int
    others: TrafficFigures | None = None


class Pong(Result, frozen=True):
    time: str


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a request on a socket. `re` is the request's number; exactly one of `ok` and `error` is set."""

    re: int
    ok: msgspec.Raw = msgspec.Raw()
    error: ErrorBody | None = None
