"""The nouns of the protocol as enums and frozen values."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.protocol.errors import BadRequest, InvalidName, InvalidText, ReservedName, TooLarge

MAX_CONTENT_BYTES = 256 * 1024
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
FILE_CONTEXT_FIELDS = ("file", "lines", "revision")  # what comes with a message from a file; the rest is free
SEVERAL_LINES_FLAG = "several_lines"
RESERVED_NAMES = frozenset({SYSTEM_NAME, EVERYONE_NAME, *EVERYONE_ALIASES})

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


SHARE_POLICIES = ("all", "replies", "none")  # what the room sees of an agent's answers
STOP_KEY = "stop"  # the key of an order that ends what an agent works on, whichever its own is
REFUSED_BY_PREFIX = "refused by "  # how the reason of a `failed` begins whose turn a person's No has ended
TAKEN_BY_ITSELF = "taken by the member itself"  # the reason of `accepted` where no sidecar delivered
SETTLED_BY_ANSWER = "by its answer"  # the reason of `answered` where no sidecar reported it


class Rung(StrEnum):
    """The state of a delivery. gateway/model/delivery_states.py decides which may follow which."""

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
    """OPEN waits for an answer, ANSWERING has one that is under way to the terminal; the others are ends: ANSWERED
    from the room, CLOSED otherwise (a person at the terminal, or it went away), STALE when it became another one,
    WITHDRAWN when nobody is there to answer."""

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
    """What the detail of an ask is: COMMAND is run as it stands there, PATH names a file or a folder, DIFF is a unified
    diff with the file's name, TEXT is what the dialog shows or all that is known of the call."""

    COMMAND = "command"
    PATH = "path"
    DIFF = "diff"
    TEXT = "text"


class Part(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Something that comes with a message: lines of a file, a link, a quotation."""

    type: str
    text: Prose = ""
    path: str | None = None
    lines: str | None = None
    revision: str | None = None
    url: str | None = None


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The exact bytes somebody signed (base64), the signature and the key it can be checked with."""

    payload: Prose
    signature: Prose
    key: Prose


class Member(msgspec.Struct, frozen=True, omit_defaults=True):
    """A named participant. Leaving hides it; its name, deliveries and history stay."""

    name: str
    kind: MemberKind
    display: str | None = None
    role: str | None = None
    project: str | None = None
    inbox: bool = False
    hidden: bool = False
    priority: int = 5
    capabilities: tuple[str, ...] = ()


class FloorView(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which mode runs in a room. `speaker` has the turn, `since` then; with `turns` of `budget` begun. In `freeform`
    there is nothing else."""

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
    """A mode that can be begun: what it is, its phases, the roles that can be cast, what it takes."""

    name: str
    about: str = ""
    phases: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    topic: bool = True
    rounds: int = 1
    members: int = 1
    turns: int = 0


class Room(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    topic: str = ""
    invite_only: bool = False
    created_by: str = SYSTEM_NAME
    members: tuple[str, ...] = ()
    floor: FloorView | None = None
    removed: bool = False


class Step(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One rung reached, when, and why; `at` is ISO 8601 in UTC."""

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


class Option(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What can be chosen: the key as the dialog shows it, and its words: all of them, however the dialog wraps them."""

    key: Annotated[str, Meta(min_length=1, max_length=16)]
    text: Annotated[str, Meta(max_length=MAX_OPTION_TEXT_CHARS)]


class Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """A dialog of an agent. `number` is the event that opened it; `allow` and `deny` say what answers so without an
    option (an option's key, `esc`, or `hook`; nothing if nothing does). `detail` is whole, but for the `left_out`
    characters at its end; `about` says what it is. `readable`: all of the dialog could be read; else what is here comes
    from the agent's own report, or is a part, and `options` holds only what is known whole. `words`: a refusal may
    carry words to the model. `approvers` are those of the agent's rooms who might answer when it was told. `by`,
    `answer` and `said` are who answered, what, and with which words."""

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


class ContextAction(StrEnum):
    PUT = "put"
    MERGE = "merge"
    DELETE = "delete"


class ContextInfo(msgspec.Struct, frozen=True):
    """A shared document without what stands in it: `scope` is `#ROOM`, `@MEMBER` or `global`."""

    scope: str
    name: str
    version: int
    size: int
    by: str
    at: str


def bare_name(address: str) -> str:
    """`ada` of `@Ada`. Whether it can be a name, and whether anybody has it, is not checked."""
    return address.lower().removeprefix("@")


def canonical_name(text: str) -> str:
    """The canonical name, or an error that says what a name may look like."""
    name = bare_name(text.strip())
    if not _NAME.fullmatch(name):
        raise InvalidName(
            f"{text[:80]!r} cannot be a name: use 1 to 64 letters a-z, digits, '_', '.' or '-', "
            "beginning and ending with a letter, a digit or '_'."
        )
    return name


def canonical_member_name(text: str) -> str:
    name = canonical_name(text)
    if name in RESERVED_NAMES:
        raise ReservedName(f"{name!r} is reserved and cannot be a member's name.")
    return name


def canonical_agent_name(text: str) -> str:
    """A name for an agent of a team. `team` is what the team's token is called, in documents and in its file."""
    name = canonical_member_name(text)
    if name == TEAM_NAME:
        raise ReservedName(f"{name!r} is the name of the team's own token. Choose another name for the agent.")
    return name


def canonical_room_name(text: str) -> str:
    return canonical_name(text.strip().removeprefix("#"))


def check_json_depth(value: object) -> None:
    """Bound the depth of stored JSON, so that the decoders of all clients can read it."""
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
    raise BadRequest(f"The context is nested more than {MAX_JSON_DEPTH} levels deep.")


def check_message_text(text: str, limit: int = MAX_CONTENT_BYTES, what: str = "content") -> str:
    """Text that can be stored, searched and shown; size is counted in UTF-8 bytes."""
    if "\x00" in text:
        raise InvalidText(f"The {what} contains a NUL character.")
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        raise InvalidText(f"The {what} contains half a surrogate pair, which is not text.") from None
    if size > limit:
        raise TooLarge(f"The {what} has {size} bytes; at most {limit} are accepted.")
    return text
