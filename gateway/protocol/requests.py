"""What a client may ask. `op` names the request, `n` is the client's number for the answer.

Unknown fields are refused: a misspelt option must not be silently ignored.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.protocol.types import (
    MAX_ADDRESS_CHARS,
    MAX_ADDRESSES,
    MAX_CAPABILITIES,
    MAX_DETAIL_BYTES,
    MAX_PARTS,
    Activity,
    AskAbout,
    AskState,
    Composer,
    MemberKind,
    MessageKind,
    Option,
    Part,
    Prose,
    Scope,
    Signed,
    Step,
)

MAX_SEQ = 2**63 - 1
MAX_DURATION_S = 100 * 365.25 * 86400

Limit = Annotated[int, Meta(ge=1, le=1000)]
Priority = Annotated[int, Meta(ge=1, le=10)]
Seq = Annotated[int, Meta(ge=0, le=MAX_SEQ)]
ShortText = Annotated[str, Meta(max_length=1000)]
Digest = Annotated[str, Meta(min_length=8, max_length=64)]
AskKey = Annotated[str, Meta(max_length=16)]
Address = Annotated[str, Meta(max_length=MAX_ADDRESS_CHARS)]  # what names a member or a room
Addresses = Annotated[tuple[Address, ...], Meta(max_length=MAX_ADDRESSES)]
AddressLine = Annotated[Prose, Meta(max_length=MAX_ADDRESSES * MAX_ADDRESS_CHARS)]
Id = Annotated[str, Meta(min_length=1, max_length=128)]


class Request(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="op",
    rename={"from_": "from"},
):
    n: int = 0


class Hello(Request, frozen=True, tag="hello"):
    """First on every socket. `version` is the newest the client speaks; the welcome names the one that holds.
    `since` replays what was missed after that seq; `inbox` asks for a ladder of
    deliveries, as a sidecar does; `echo` also sends back what you said yourself; without `rooms` the default room
    is joined. `known` is the highest number that you remember of this `house`: so a log that was put back from a backup
    does not give it out again."""

    version: int = 1
    since: Seq | None = None
    inbox: bool = False
    echo: bool = False
    rooms: Annotated[tuple[Address, ...], Meta(max_length=1000)] = ()
    role: str | None = None
    project: ShortText | None = None
    display: ShortText | None = None
    priority: Priority | None = None
    capabilities: Annotated[tuple[ShortText, ...], Meta(max_length=MAX_CAPABILITIES)] = ()
    house: Annotated[str, Meta(max_length=64)] = ""
    known: Seq = 0


class Send(Request, frozen=True, tag="send"):
    """Say something. A repeated `id` gets the `seq` of the first. Nobody in `to` means everyone in the room. An
    `interrupt` ends what the agent works on before it is typed; it is urgent, too."""

    content: Prose
    id: Id | None = None
    room: str | None = None
    to: Addresses | AddressLine = ()
    kind: MessageKind = MessageKind.CHAT
    parts: Annotated[tuple[Part, ...], Meta(max_length=MAX_PARTS)] = ()
    context: dict[str, Any] | None = None
    reply_to: Seq | None = None
    session: Id | None = None
    trace: Id | None = None
    urgent: bool = False
    interrupt: bool = False
    priority: Priority = 5
    ttl: Annotated[float, Meta(gt=0, le=MAX_DURATION_S)] | None = None
    ack_wanted: bool = False
    signed: Signed | None = None


class CreateRoom(Request, frozen=True, tag="room.create"):
    """Make a room and enter it."""

    room: str
    topic: ShortText = ""
    invite_only: bool = False


class SetTopic(Request, frozen=True, tag="room.topic"):
    """Say what a room is about."""

    room: str
    topic: ShortText


class Invite(Request, frozen=True, tag="room.invite"):
    """Let a member into a room that is by invitation."""

    room: str
    member: str


class Kick(Request, frozen=True, tag="room.kick"):
    """Put a member out of a room, or take back its invitation: for who made the room, and administrators. It comes in
    again only when it is invited anew."""

    room: str
    member: str


class RemoveRoom(Request, frozen=True, tag="room.remove"):
    """Take a room away for good: for who made it, and administrators. What was said stays readable to those who could
    read it; the name is not used again."""

    room: str


class Join(Request, frozen=True, tag="room.join"):
    """Enter a room."""

    room: str


class Leave(Request, frozen=True, tag="room.leave"):
    """Leave a room. What is said in it stays readable if the room is public; of one by invitation you read no more."""

    room: str


class Rooms(Request, frozen=True, tag="rooms"):
    """The rooms you may know of, by name; `after` is the last one of the page before. With `removed` also those that
    were removed and that you may still read."""

    after: Annotated[str, Meta(max_length=64)] = ""
    limit: Limit = 1000
    removed: bool = False


class Members(Request, frozen=True, tag="members"):
    """Who is here, in one room or in all that you may see."""

    room: str | None = None
    all: bool = False
    after: Annotated[str, Meta(max_length=64)] = ""
    limit: Limit = 1000


class History(Request, frozen=True, tag="history"):
    """Messages newest first, before a seq (or after one, oldest first)."""

    room: str | None = None
    before: Seq | None = None
    after: Seq | None = None
    limit: Limit = 50
    from_: str | None = None
    to: str | None = None


class Search(Request, frozen=True, tag="search"):
    """Messages that contain all the words, newest first. Words in double quotes are a phrase."""

    query: Annotated[Prose, Meta(min_length=1, max_length=500)]
    room: str | None = None
    from_: str | None = None
    before: Seq | None = None
    limit: Limit = 50


class Show(Request, frozen=True, tag="show"):
    """One message and where its deliveries stand."""

    message: Seq


class Receipts(Request, frozen=True, tag="receipts"):
    """The whole story of one message's deliveries."""

    message: Seq


class Report(Request, frozen=True, tag="report"):
    """Steps of a delivery to you, as your sidecar saw them. `expected` is the rung you believe holds now."""

    message: Seq
    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=32)]
    expected: str | None = None


class SetActivity(Request, frozen=True, tag="activity"):
    """What you are doing: a snapshot, not an event."""

    activity: Activity
    composer: Composer = Composer.UNKNOWN
    note: ShortText = ""


class Pause(Request, frozen=True, tag="pause"):
    """Hold what is queued for a member (all agents without a name) until resumed. Urgent messages still pass."""

    member: str | None = None


class Resume(Request, frozen=True, tag="resume"):
    """Let what was held by a pause flow again, in order."""

    member: str | None = None


class Continue(Request, frozen=True, tag="continue"):
    """Lift what a loop guard holds, in one room (all that you may see without a name), for one agent or all of them,
    and wake those that slept through messages meanwhile."""

    member: str | None = None
    room: str | None = None


class Keys(Request, frozen=True, tag="keys"):
    """Press named keys in a member's terminal, such as `^C` or `esc`."""

    member: str
    keys: Annotated[str, Meta(min_length=1, max_length=100)]


class Stop(Request, frozen=True, tag="stop"):
    """End what a member works on, at once and by its own key; without a name, what each busy agent works on. An idle
    one is left alone. What waits for it keeps waiting, and is delivered next."""

    member: str | None = None


class Share(Request, frozen=True, tag="share"):
    """What of a member's own output goes to the room."""

    member: str
    policy: str


class SetRole(Request, frozen=True, tag="role"):
    """What a member is here, such as coder; an empty one takes it away. It holds until the member names another."""

    member: str
    role: Annotated[str, Meta(max_length=64)]


class Cancel(Request, frozen=True, tag="cancel"):
    """Take back a message that has not been typed yet, for one member or for all."""

    message: Seq
    member: str | None = None


class Retry(Request, frozen=True, tag="retry"):
    """Deliver a failed or cancelled message once more."""

    message: Seq
    member: str


class Restart(Request, frozen=True, tag="restart"):
    """Start a member's agent anew."""

    member: str


class OpenAsk(Request, frozen=True, tag="ask.open"):
    """A dialog stands on your terminal and waits for an answer; `reason` says why it waits again. What stood there
    before is stale. Repeated for the same digest it is the same ask. `readable`: all of the dialog could be read.
    `words`: a refusal may carry words that reach the model."""

    digest: Digest
    question: Annotated[Prose, Meta(max_length=8000)]
    options: Annotated[tuple[Option, ...], Meta(max_length=20)] = ()
    allow: AskKey = ""
    deny: AskKey = ""
    tool: Annotated[str, Meta(max_length=200)] = ""
    detail: Annotated[Prose, Meta(max_length=MAX_DETAIL_BYTES)] = ""
    reason: ShortText = ""
    about: AskAbout = AskAbout.TEXT
    left_out: Seq = 0
    readable: bool = True
    words: bool = False


class CloseAsk(Request, frozen=True, tag="ask.close"):
    """A dialog of yours has gone: answered, closed, stale or withdrawn."""

    ask: Seq
    state: AskState = AskState.CLOSED
    reason: ShortText = ""


class AnswerAsk(Request, frozen=True, tag="ask.answer"):
    """Answer the dialog a member shows: one of its options by key, or `allow` or `deny`. With `digest`, only if it is
    still that dialog. `words` go with a `deny` to the model, where the ask takes them."""

    member: str
    answer: Annotated[str, Meta(min_length=1, max_length=16)]
    digest: Digest | None = None
    words: Annotated[Prose, Meta(max_length=4000)] = ""


class Asks(Request, frozen=True, tag="asks"):
    """The dialogs that wait for an answer, as far as you may see them, by member."""

    after: Annotated[str, Meta(max_length=64)] = ""
    limit: Limit = 1000


class EndedAsks(Request, frozen=True, tag="asks.ended"):
    """The dialogs of agents that have ended, with who answered what, newest first: those whose end stands in the log
    after `after` and before `before`, as far as you could see them then."""

    after: Seq = 0
    before: Seq | None = None
    limit: Limit = 100


class Poll(Request, frozen=True, tag="poll"):
    """What waits in your inbox, handed over: for members without a stream, and for an agent's own tools. With `wait`
    (seconds) it is answered as soon as something is there. `from` and `reply_to` pick: only what these said, only
    answers to that message of yours."""

    limit: Limit = 100
    wait: Annotated[float, Meta(ge=0, le=600)] = 0
    from_: Annotated[tuple[Address, ...], Meta(max_length=100)] = ()
    reply_to: Seq | None = None


class Deliveries(Request, frozen=True, tag="deliveries"):
    """Your deliveries that are still open, after a message: the welcome holds only the first. With `begun` only those
    that wait no longer: typed, and not known to be read."""

    after: Seq = 0
    limit: Limit = 1000
    begun: bool = False


class Waiting(Request, frozen=True, tag="waiting"):
    """The messages that wait for you, in the order in which they are to be read: urgent ones first, then by priority,
    then as they were said. Nothing is handed over by this. `after` is the last message of the page before."""

    after: Seq = 0
    limit: Limit = 100


class Events(Request, frozen=True, tag="events"):
    """Events after a seq: what a stream would have pushed, for clients that can only ask."""

    since: Seq = 0
    limit: Limit = 500
    wait: Annotated[float, Meta(ge=0, le=60)] = 0


class Register(Request, frozen=True, tag="register"):
    """Make a member with a token of its own. With a team token anybody may, as an agent or a tool."""

    name: str
    kind: MemberKind = MemberKind.AGENT
    role: str | None = None
    project: ShortText | None = None


class RemoveMember(Request, frozen=True, tag="member.remove"):
    """Take a member away for good: its tokens end, it leaves all rooms, what it was owed is cancelled, and its name is
    not used again. What it said stays."""

    member: str


class WhoAmI(Request, frozen=True, tag="whoami"):
    """Whose token this is."""


class Bye(Request, frozen=True, tag="bye"):
    """Leave the house: hidden from others, the name and what waits are kept."""


class CreateToken(Request, frozen=True, tag="token.create"):
    """A member with a token, or a further token of one. A `read_only` one changes nothing, whatever its member may."""

    name: str
    kind: MemberKind = MemberKind.AGENT
    role: str | None = None
    scopes: Annotated[tuple[Scope, ...], Meta(max_length=16)] = ()
    expires_in: Annotated[float, Meta(gt=0, le=MAX_DURATION_S)] | None = None
    read_only: bool = False


class CreateHands(Request, frozen=True, tag="token.hands"):
    """A further token of yours for the tools of your agent: it says and reads what you may, and reports nothing of your
    terminal. It takes the place of the one before."""


class Tokens(Request, frozen=True, tag="tokens"):
    """Every token by name, without its secret. `after` is name, time and id of the last one, with blanks between."""

    after: Annotated[str, Meta(max_length=200)] = ""
    limit: Limit = 1000


class RevokeToken(Request, frozen=True, tag="token.revoke"):
    """End all tokens of a member, or one token by its id."""

    name: str


class RotateToken(Request, frozen=True, tag="token.rotate"):
    """A new token for a member; the old one stays valid for `grace` seconds."""

    name: str
    grace: Annotated[float, Meta(ge=0, le=MAX_DURATION_S)] = 3600


class Status(Request, frozen=True, tag="status"):
    """How the gateway is doing."""


class Ping(Request, frozen=True, tag="ping"):
    """Is the gateway there, and what time is it there?"""
