"""The arguments of the tools. One definition gives the schema that a client sees and checks what it sends. Pure."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from gateway.protocol.errors import BadRequest
from gateway.protocol.types.core_types import DEFAULT_ROOM

A = TypeVar("A", bound="Arguments")

MAX_WAIT_S = 3600.0


class Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Unknown arguments are refused, so that a misspelt one is never silently ignored."""


def describe(text: str, **limits: Any) -> Meta:
    return Meta(description=text, **limits)


Seconds = Annotated[float, describe("Seconds to wait for it.", ge=0, le=MAX_WAIT_S)]
Recipients = Annotated[str | list[str], describe("A name, several, role:NAME, or * for everyone.")]
FileArgumentText = Annotated[str, describe("A file of your project to show with it.")]
LineRange = Annotated[str, describe('Which lines of it, such as "42-58".')]
FileText = Annotated[str, describe("The text of those lines, if this server cannot read the file.")]


class NoArguments(Arguments, frozen=True):
    pass


class PeerSend(Arguments, frozen=True):
    to: Recipients
    message: str
    file: FileArgumentText = ""
    lines: LineRange = ""
    text: FileText = ""
    wait: Annotated[float, describe("Seconds to wait for the answer; 0 does not wait.", ge=0, le=MAX_WAIT_S)] = 0
    reply_to: Annotated[int, describe("The number of the message that this answers.")] | None = None
    room: Annotated[str, describe("Default: that of reply_to, else general.")] = ""


class WorkingNote(Arguments, frozen=True):
    note: Annotated[str, describe("What you are doing.")] = ""
    room: Annotated[str, describe("Another room than general.")] = DEFAULT_ROOM


class PeerRead(Arguments, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class PeerWait(Arguments, frozen=True):
    from_: Annotated[str | list[str], describe("Only from these (default: anyone).")] = msgspec.field(
        name="from", default=""
    )
    reply_to: Annotated[int, describe("Only answers to this message of yours.")] | None = None
    timeout: Seconds = 30


class PeerHistory(Arguments, frozen=True):
    peer: Annotated[str, describe("With whom (default: everyone).")] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    before: Annotated[int, describe("Only older than this number.")] | None = None
    room: Annotated[str, describe("Default: general.")] = ""


class PeerContext(Arguments, frozen=True):
    file: FileArgumentText
    lines: LineRange = ""
    text: FileText = ""
    message: str = ""


class RoomJoin(Arguments, frozen=True):
    room: str


class RoomSearch(Arguments, frozen=True):
    query: Annotated[str, describe("Words that must all occur; quote a phrase.", min_length=1)]
    room: str = ""
    limit: Annotated[int, Meta(ge=1, le=50)] = 10


class RecallQuestion(Arguments, frozen=True):
    question: Annotated[str, Meta(min_length=1)]
    room: str = ""
    budget: Annotated[int, describe("In tokens.", ge=50, le=20_000)] = 2000


ScopeArgument = Annotated[str, describe("#ROOM, @MEMBER, me or global (default: this room).")]
Version = Annotated[int, Meta(ge=1)]


class ContextGet(Arguments, frozen=True):
    name: Annotated[str, describe("A document (default: list all).")] = ""
    scope: ScopeArgument = ""
    at: Annotated[str, describe("Only a part, such as plan.steps.0.")] = ""
    version: Version | None = None
    history: Annotated[int, describe("Show its last changes instead.", ge=0, le=50)] = 0


class ContextPut(Arguments, frozen=True):
    document: Annotated[dict[str, Any], describe("JSON. Objects merge by key, lists by union.")]
    name: Annotated[str, describe("main without.")] = ""
    scope: ScopeArgument = ""
    replace: Annotated[bool, describe("Replace the document instead of merging.")] = False
    version: Annotated[int, describe("Refuse if the document no longer has this version.", ge=0)] | None = None


class RoleSet(Arguments, frozen=True):
    role: Annotated[str, describe("Your role, such as reviewer; empty removes it.", max_length=64)]


class AskHuman(Arguments, frozen=True):
    question: str
    options: Annotated[list[str], describe("Options to choose from (default: free text).", max_length=32)] = []
    timeout: Seconds = 50


class Proposal(Arguments, frozen=True):
    question: str
    to: Annotated[str | list[str], describe("One: a private proposal. Several: they vote (default: all).")] = ""
    options: Annotated[list[str], describe("Default: yes, no.", max_length=32)] = []
    rule: Annotated[str, describe("majority, unanimous, first, or quorum 2/3.")] = ""
    wait: Seconds = 0


class Vote(Arguments, frozen=True):
    decision: Annotated[str, describe("Such as d-12 (default: list the open ones).")] = ""
    choice: Annotated[str, describe("An option; or accept, reject, complete, dispute.")] = ""
    reason: str = ""


def schema_of(kind: type[Arguments]) -> dict[str, Any]:
    """The JSON schema as clients accept it: without references and titles."""
    (found,), components = msgspec.json.schema_components([kind], ref_template="{name}")
    whole = dict(components[found["$ref"]])
    whole.pop("title", None)
    whole.pop("description", None)
    return whole


def decode_arguments(kind: type[A], given: dict[str, Any] | None) -> A:
    """Check and convert the arguments. Numbers as text are accepted, since models write them now and then. What the
    gateway would refuse is refused here."""
    try:
        msgspec.json.encode(given)
        return msgspec.convert(given or {}, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{error}.") from None
    except UnicodeError:
        raise BadRequest("An argument contains half a surrogate pair, which is not valid text.") from None
    except RecursionError:
        raise BadRequest("An argument is nested too deeply.") from None


def parse_names(given: str | list[str]) -> tuple[str, ...]:
    """Split addresses such as `@claude`, `role:coder` or `*` at blanks and commas."""
    words = given.replace(",", " ").split() if isinstance(given, str) else given
    found = tuple(one if one.startswith("@") else f"@{one}" for one in words)
    return () if any(one in ("@*", "@all") for one in found) else found
