"""The basic types of the protocol as enums and frozen values."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.protocol.errors import BadRequest, InvalidName, InvalidText, ReservedName, TooLarge

MAX_CONTENT_BYTES = 256 * 1024
MAX_SEALED_CHARS = MAX_CONTENT_BYTES  # of base64
MAX_KEY_VERSION = 2**31 - 1
MAX_CONTEXT_BYTES = 1024 * 1024
MAX_JSON_DEPTH = 64
MAX_ADDRESSES = 64
MAX_ADDRESS_CHARS = 200
MAX_CAPABILITIES = 100
MAX_PARTS = 1000
MAX_DETAIL_BYTES = 64 * 1024
MAX_OPTION_TEXT_CHARS = 1000  # a client of an earlier version cannot read a longer one
DEFAULT_ROOM = "general"
DEFAULT_DOCUMENT = "main"
GLOBAL_SCOPE = "global"
SYSTEM_NAME = "system"
TEAM_NAME = "team"
EVERYONE_NAME = "all"
EVERYONE_ALIASES = ("everyone", "broadcast")
FILE_CONTEXT_FIELDS = ("file", "lines", "revision")  # what a message quotes from a file; other fields are free
SEVERAL_LINES_FLAG = "several_lines"
RESERVED_NAMES = frozenset({SYSTEM_NAME, EVERYONE_NAME, *EVERYONE_ALIASES})

DeviceName = Annotated[str, Meta(max_length=64)]
Prose = Annotated[str, Meta(extra={SEVERAL_LINES_FLAG: True})]  # every other text of a request is one line

_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,62}[a-z0-9_])?")


class MemberKind(StrEnum):
    HUMAN = "human"
    AGENT = "agent"
    TOOL = "tool"
    SYSTEM = "system"


class Scope(StrEnum):
    OBSERVER = "observer"
    APPROVER = "approver"
    ADMIN = "admin"


class DeviceScope(StrEnum):
    """What a device may do: read; act as its member without scopes; answer questions of agents, too."""

    READER = "reader"
    MEMBER = "member"
    APPROVER = "approver"


class Presence(StrEnum):
    ONLINE = "online"
    AWAY = "away"
    OFFLINE = "offline"


class Activity(StrEnum):
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    ASKING = "asking"
    ERROR = "error"
    GONE = "gone"
    UNKNOWN = "unknown"


class Composer(StrEnum):
    EMPTY = "empty"
    DRAFT = "draft"
    HIDDEN = "hidden"
    UNKNOWN = "unknown"


class MessageKind(StrEnum):
    CHAT = "chat"
    TASK = "task"
    REPLY = "reply"
    CONTEXT = "context"
    SYSTEM = "system"
    ACK = "ack"


class Pick(StrEnum):
    ROUND_ROBIN = "round_robin"
    LEAST_BUSY = "least_busy"
    PRIORITY = "priority"


SHARE_POLICIES = ("all", "replies", "none")  # which of an agent's answers the room sees
STOP_KEY = "stop"  # the key of an order that interrupts an agent; the sidecar translates it to the agent's own key
REFUSED_BY_PREFIX = "refused by "  # begins the reason of a `failed` whose turn ended because a person refused a dialog
TAKEN_BY_ITSELF = "taken by the member itself"  # the reason of `accepted` without a sidecar
SETTLED_BY_ANSWER = "by its answer"  # the reason of `answered` without a sidecar


class Rung(StrEnum):
    """The state of a delivery: one rung of the ladder from `queued` to `answered`.
    gateway/model/deliveries/delivery_states.py decides which state may follow which."""

    QUEUED = "queued"
    HELD = "held"
    TYPED = "typed"
    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    SEEN = "seen"
    ANSWERED = "answered"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class AskState(StrEnum):
    """OPEN waits for an answer; ANSWERING has an answer on its way to the terminal. The other states are final:
    ANSWERED from the room, CLOSED otherwise (a person answered in the terminal, or the dialog disappeared), STALE when
    another dialog replaced it, WITHDRAWN when its agent has left or is disconnected."""

    OPEN = "open"
    ANSWERING = "answering"
    ANSWERED = "answered"
    CLOSED = "closed"
    STALE = "stale"
    WITHDRAWN = "withdrawn"

    @property
    def is_end(self) -> bool:
        return self not in (AskState.OPEN, AskState.ANSWERING)


class AskAbout(StrEnum):
    """The kind of an ask's detail: COMMAND is the command that would run, PATH names a file or a folder, DIFF is a
    unified diff with the file's name, TEXT is the text of the dialog or what is known of the tool call."""

    COMMAND = "command"
    PATH = "path"
    DIFF = "diff"
    TEXT = "text"


class Part(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """An attachment of a message: lines of a file, a link, a quotation."""

    type: str
    text: Prose = ""
    path: str | None = None
    lines: str | None = None
    revision: str | None = None
    url: str | None = None


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The exact signed bytes (base64), the signature, and the key to check it with."""

    payload: Prose
    signature: Prose
    key: Prose


class SealedContent(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A text that the gateway cannot read, in base64. `room_key` is the version of the room's key that it was sealed
    with; 0: it is sealed to each recipient. `room` is set where nothing beside it names the room whose key that is."""

    room_key: Annotated[int, Meta(ge=0, le=MAX_KEY_VERSION)]
    data: Annotated[str, Meta(min_length=1, max_length=MAX_SEALED_CHARS)]
    room: Annotated[str, Meta(max_length=64)] = ""


class Member(msgspec.Struct, frozen=True, omit_defaults=True):
    """A named participant. A member that leaves is hidden; its name, deliveries and history stay. `vendor` is the
    company or the server that reads what it reads, if it says so."""

    name: str
    kind: MemberKind
    display: str | None = None
    role: str | None = None
    project: str | None = None
    inbox: bool = False
    hidden: bool = False
    priority: int = 5
    capabilities: tuple[str, ...] = ()
    vendor: str = ""


class FloorView(msgspec.Struct, frozen=True, omit_defaults=True):
    """The mode of a room. `speaker` has had the turn since `since`; `turns` of the maximum `budget` have begun. In
    `freeform` only `mode` is set."""

    mode: str
    topic: str = ""
    phase: str = ""
    round: int = 0
    rounds: int = 0
    order: tuple[str, ...] = ()
    cast: dict[str, str] = {}
    speaker: str = ""
    since: str = ""
    warned: bool = False
    turns: int = 0
    budget: int = 0


class ModeInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """A mode that can be started: its description, its phases, the roles to assign, and its parameters."""

    name: str
    about: str = ""
    phases: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    topic: bool = True
    rounds: int = 1
    members: int = 1
    turns: int = 0


class Room(msgspec.Struct, frozen=True, omit_defaults=True):
    """`room_key` is the version of the current key of a `sealed` room; 0: it has none yet. `key_due`: somebody has left
    since, or has another key, so the next writer makes a new one. The messages up to the number `cut` were removed,
    because the room keeps only so much (`keep`: `90d`, or a number of messages)."""

    name: str
    topic: str = ""
    invite_only: bool = False
    created_by: str = SYSTEM_NAME
    members: tuple[str, ...] = ()
    floor: FloorView | None = None
    removed: bool = False
    sealed: bool = False
    room_key: int = 0
    key_due: bool = False
    keep: str = ""
    cut: int = 0


class Step(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One state that a delivery reached, when, and why; `at` is ISO 8601 in UTC."""

    rung: Rung
    at: str = ""
    reason: str = ""


class Delivery(msgspec.Struct, frozen=True):
    """The state of the delivery of one message to one member."""

    message: int
    member: str
    rung: Rung = Rung.QUEUED
    reason: str = ""
    at: str = ""


class PlainAnswer(StrEnum):
    """What an option says without any condition: yes, or no."""

    ALLOW = "allow"
    DENY = "deny"


class Option(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A choice: the key as the dialog shows it, and its whole text without the dialog's line breaks. `means`: choosing
    it is the same as to answer `allow` or `deny`, however the ask is answered."""

    key: Annotated[str, Meta(min_length=1, max_length=16)]
    text: Annotated[str, Meta(max_length=MAX_OPTION_TEXT_CHARS)]
    means: PlainAnswer | None = None


class Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """A dialog of an agent. `number` is the seq of the event that opened it. `allow` and `deny` say how each is
    answered: with an option's key, with `esc`, or through a `hook`; empty if that is not possible. `detail` is complete
    except for `left_out` characters at its end; `about` is its kind. `readable`: the whole dialog could be read;
    otherwise the text comes from the agent's own report or is only a part, and `options` holds only complete options.
    `words`: a refusal may include text for the model. `approvers` are the members of the agent's rooms who could answer
    when the ask was announced. `by`, `answer` and `said` are who answered, what, and with which text. Of a
    `sealed` ask, the gateway knows neither question, tool nor detail, and of each option only the key."""

    member: str
    number: int
    digest: str
    question: str
    opened: str
    state: AskState = AskState.OPEN
    options: tuple[Option, ...] = ()
    allow: str = ""
    deny: str = ""
    tool: str = ""
    detail: str = ""
    by: str = ""
    answer: str = ""
    reason: str = ""
    about: AskAbout = AskAbout.TEXT
    left_out: int = 0
    readable: bool = True
    words: bool = False
    approvers: tuple[str, ...] = ()
    said: str = ""
    sealed: SealedContent | None = None


class ContextAction(StrEnum):
    PUT = "put"
    MERGE = "merge"
    DELETE = "delete"


class ContextInfo(msgspec.Struct, frozen=True):
    """A shared document without its content. `scope` is `#ROOM`, `@MEMBER` or `global`."""

    scope: str
    name: str
    version: int
    size: int
    by: str
    at: str


def bare_name(address: str) -> str:
    """Return `ada` for `@Ada`. This does not check whether the name is valid or in use."""
    return address.lower().removeprefix("@")


def is_name(text: str) -> bool:
    """Whether this is a name in its canonical form."""
    return _NAME.fullmatch(text) is not None


def canonical_name(text: str) -> str:
    """Return the canonical name. An invalid name is an error that says which names are valid."""
    name = bare_name(text.strip())
    if not is_name(name):
        raise InvalidName(
            f"{text[:80]!r} is not a valid name. Use 1 to 64 letters a-z, digits, '_', '.' or '-'; "
            "begin and end with a letter, a digit or '_'."
        )
    return name


def canonical_member_name(text: str) -> str:
    name = canonical_name(text)
    if name in RESERVED_NAMES:
        raise ReservedName(f"The name {name!r} is reserved. Choose another name.")
    return name


def canonical_agent_name(text: str) -> str:
    """Return the canonical name of an agent in a team. `team` is not allowed: it is the name of the team's token."""
    name = canonical_member_name(text)
    if name == TEAM_NAME:
        raise ReservedName(f"{name!r} is the name of the team's own token. Choose another name for the agent.")
    return name


def canonical_room_name(text: str) -> str:
    return canonical_name(text.strip().removeprefix("#"))


def check_json_depth(value: object) -> None:
    """Limit the depth of stored JSON, so that the decoders of all clients can read it."""
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise BadRequest(f"The context is nested more than {MAX_JSON_DEPTH} levels deep. Send a flatter one.")


def check_message_text(text: str, limit: int = MAX_CONTENT_BYTES, what: str = "content") -> str:
    """Return text that can be stored, searched and shown. The size limit is in UTF-8 bytes."""
    if "\x00" in text:
        raise InvalidText(f"The {what} contains a NUL character. Remove it and send again.")
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        raise InvalidText(f"The {what} contains half a surrogate pair, which is not valid Unicode text.") from None
    if size > limit:
        raise TooLarge(f"The {what} has {size} bytes; the maximum is {limit}.")
    return text
