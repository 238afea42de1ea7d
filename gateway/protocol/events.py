"""The events that the gateway sends to its clients.

Durable events carry a `seq` and are kept in the log; their encoded bytes are stored and pushed unchanged. Snapshots
(presence, welcome, ...) have no `seq`; they are sent on hello and on change. Clients ignore fields they do not know.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from gateway.protocol.errors import ErrorBody
from gateway.protocol.tool_calls.tool_call_types import CallOfTool
from gateway.protocol.types.agent_conditions import Condition
from gateway.protocol.types.agent_work import Work
from gateway.protocol.types.conversation_starts import ConversationStart
from gateway.protocol.types.core_types import (
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
    SealedContent,
    Signed,
    Step,
)
from gateway.protocol.types.decision_types import Decision, DecisionAction, Given
from gateway.protocol.types.session_types import Session, SessionAction
from gateway.protocol.types.terminal_types import Cursor, ScreenRow, WatchState


class Message(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="message", rename={"from_": "from"}):
    """A message of a member. `to` holds the addresses as the sender wrote them; `recipients` are the resolved names of
    a direct message (none for everyone); `deliveries` are the members with a delivery. An `aside` was sent out of turn.
    An `interrupt` stops the agent's current work before it is typed. A message to everyone with `wakes` is
    delivered to those members alone. A message `replaces` an earlier one of the same sender. A `sealed` message has no
    `content`."""

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
    wakes: tuple[str, ...] = ()
    replaces: int | None = None
    sealed: SealedContent | None = None


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="receipt"):
    """One or more state changes of one delivery, in order; the last one is its current state."""

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
    """A change of a room. The actions `mode` and `turn` carry the current `floor`; `member` is then the speaker.
    `sealed`: the room that was created, or that a member is invited to or joins, is sealed."""

    seq: int
    room: str
    action: RoomAction
    by: str
    timestamp: str
    member: str | None = None
    text: str = ""
    floor: FloorView | None = None
    sealed: bool = False


class RoomKeyEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="room.key"):
    """A sealed room has a new key: `notice` says for whom, and hands it to each of them. Or a member has signed an
    `admission` of a new member, which follows the key of this version."""

    seq: int
    room: str
    version: int
    by: str
    timestamp: str
    notice: str = ""
    admission: str = ""


class KeyEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="key"):
    """A member has published the `record` of its keys of this version, or the `revocation` of a version."""

    seq: int
    member: str
    version: int
    timestamp: str
    record: str = ""
    revocation: str = ""


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
    """An order to a member's sidecar. It is kept in the log, so that a disconnected sidecar gets it when it returns.
    `careful` keys are not pressed while a person types, and into a dialog only if it is that of `ask`. An answer may be
    `signed` by whoever gives it."""

    seq: int
    action: ControlAction
    from_: str
    to: tuple[str, ...]
    timestamp: str
    text: str = ""
    message: int | None = None
    may_approve: bool = False
    ask: Ask | None = None
    careful: bool = False
    signed: Signed | None = None


class AskEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="ask"):
    """The current state of an agent's dialog. `waited` (seconds) is set when this is only a reminder."""

    seq: int
    ask: Ask
    timestamp: str
    waited: int = 0


class ContextEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="context"):
    """A shared document has a new version. `document` is the whole document after a put, `patch` the merged part. A
    large change has neither; read the document with `context.get`. A deleted document has no `size`."""

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
    """The current state of a decision. `answer` is set if an answer caused this event; an answer can also close the
    decision."""

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
    """The current state of a session."""

    seq: int
    action: SessionAction
    by: str
    session: Session
    timestamp: str

    @property
    def room(self) -> str:
        return self.session.room


class ReactionEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="reaction"):
    """A member put a sign on a message, or `removed` it. It wakes nobody."""

    seq: int
    room: str
    message: int
    by: str
    sign: str
    timestamp: str
    removed: bool = False


class PinEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="pin"):
    """A message was pinned to its room, or the pin was `removed`."""

    seq: int
    room: str
    message: int
    by: str
    timestamp: str
    removed: bool = False


class MuteEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="mute"):
    """A member muted a room for itself, or unmuted it. Only that member gets the event."""

    seq: int
    room: str
    by: str
    on: bool
    timestamp: str


class ReadEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="read"):
    """A person has been shown a room up to this message. Only that person gets the event."""

    seq: int
    room: str
    by: str
    message: int
    timestamp: str


class ToolEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="tool"):
    """A tool offers these operations now, in place of earlier ones. `tool.list` has their schemas."""

    seq: int
    by: str
    operations: tuple[str, ...]
    timestamp: str


class CallEvent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="call"):
    """A call of a tool began or ended. Only its caller and the tool get it; the room reads a line when it ends. An
    ended call comes without its arguments."""

    seq: int
    call: CallOfTool
    timestamp: str

    @property
    def room(self) -> str:
        return self.call.room


class MemberView(msgspec.Struct, frozen=True, omit_defaults=True):
    """The current state of a member, as others see it. `since` is when its activity began, as far as the gateway has
    been told; `note` is what the activity was seen by. `hops_left` is the number of replies that agents may still send
    each other before the room waits for a person; it is set while such a chain runs. `condition` is what keeps an agent
    from working, such as a usage limit; `conversation` is how its present run began. `work` is what an agent is at, if
    it reports it, and `sealed_work` is what only the members of a sealed room can read of it. `done`: it has worked
    and is idle, and no person has looked at the result yet. `vendor` is the company or the server that reads what this
    member reads, if the member says so."""

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
    since: str = ""
    condition: Condition | None = None
    conversation: ConversationStart | None = None
    work: Work | None = None
    done: bool = False
    sealed_work: SealedContent | None = None
    vendor: str = ""


class PresenceChanged(msgspec.Struct, frozen=True, tag_field="ev", tag="presence"):
    """A snapshot of one member, sent when something about the member changes."""

    member: MemberView


class Welcome(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="welcome"):
    """The answer to hello: who you are, the rooms and members you can see, and what waits for you. `house` is the id of
    the gateway's store; a `seq` of another store means something else. `share` is the last ordered share policy, if
    there is one. `more`: you have more open deliveries than listed here. `run` names this run of the gateway and
    `began` is its first `seq`: every `seq` that a client remembers from an earlier run is lower, unless the store was
    restored from a backup. A list named in `partial` holds only its first page: ask for the rest. `muted`
    are the rooms that you muted. `watched`: somebody watches your terminal. `calls` wait for your answer, if you are a
    tool."""

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
    store_id: str = msgspec.field(default="", name="house")
    share: str = ""
    more: bool = False
    run: str = ""
    began: int = 0
    partial: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    watched: bool = False
    calls: tuple[CallOfTool, ...] = ()


class Replayed(msgspec.Struct, frozen=True, tag_field="ev", tag="replayed"):
    """All missed events have been sent; the following events are live."""

    until: int


class Closing(msgspec.Struct, frozen=True, tag_field="ev", tag="closing"):
    """The gateway is about to close this connection. `error` says why."""

    error: ErrorBody


class Challenge(msgspec.Struct, frozen=True, tag_field="ev", tag="challenge"):
    """The first frame on the socket of a device or a link: what the device signs. `expires_in` is in seconds."""

    nonce: str
    house: str
    expires_in: float


class TerminalPicture(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="terminal"):
    """What an agent's terminal shows, for those who watch it. With `whole`, rows that are not listed are blank; without
    it, they are as before. Without a `cursor` it is hidden. It is stored nowhere."""

    member: str
    columns: int
    rows: int
    changed: tuple[ScreenRow, ...] = ()
    cursor: Cursor | None = None
    whole: bool = False


class TerminalState(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="terminal.state"):
    """No picture of a watched terminal comes for now (`waiting`), or none comes any more (`ended`); `text` says why."""

    member: str
    state: WatchState
    text: str = ""


class TerminalWatched(msgspec.Struct, frozen=True, tag_field="ev", tag="terminal.watched"):
    """Tells an agent's own sidecar whether anybody watches its terminal, from the first watcher to the last."""

    on: bool


class PartialText(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="ev", tag="partial"):
    """What a member has said so far of a message that is not finished; those get it who will read the message. `text`
    continues at the character `at`; at 0 it begins anew. `ended`: the message has been sent, or never will be. It is
    stored nowhere."""

    member: str
    room: str
    text: str = ""
    at: int = 0
    to: tuple[str, ...] = ()
    reply_to: int | None = None
    ended: bool = False


_Spoken = Message | Receipt | ReactionEvent | PinEvent | MuteEvent | ReadEvent
_Keys = KeyEvent | RoomKeyEvent
_Called = ToolEvent | CallEvent
_Agreed = ContextEvent | DecisionEvent | SessionEvent
Durable = _Spoken | _Keys | _Called | _Agreed | RoomEvent | MemberEvent | Control | AskEvent
_Terminal = TerminalPicture | TerminalState | TerminalWatched
Snapshot = PresenceChanged | Welcome | Replayed | Closing | Challenge | PartialText | _Terminal
Event = Durable | Snapshot
