"""Requests about messages and their deliveries: send, find, take from the inbox, report, cancel."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.protocol.requests.request import (
    MAX_DURATION_S,
    Address,
    Addresses,
    AddressLine,
    Id,
    KeyVersion,
    Limit,
    Notice,
    Priority,
    Request,
    Seq,
)
from gateway.protocol.types.core_types import (
    MAX_PARTS,
    MessageKind,
    Part,
    Prose,
    SealedContent,
    Signed,
    Step,
)


class NewRoomKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The next key of a sealed room: its version, and the notice that hands it out (base64)."""

    version: KeyVersion
    notice: Notice


class Send(Request, frozen=True, tag="send"):
    """Send a message. A request with an `id` that you used before returns the `seq` of the first message. Without `to`
    the message is for everyone in the room. Without `room` it goes to the room of `reply_to`, if you are there, or else
    to `general`. `interrupt` stops the agent's current work before the message is typed;
    such a message is also urgent. Everyone reads a message to all with `wakes`, but it is delivered to those members
    alone. `replaces` takes back an own message that no member has begun to read, and sends this one instead. A `sealed`
    message has an empty `content`; with `new_key` the room gets that key first, in the same transaction."""

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
    wakes: Addresses = ()
    replaces: Seq | None = None
    sealed: SealedContent | None = None
    new_key: NewRoomKey | None = None


class History(Request, frozen=True, tag="history"):
    """List messages: newest first before the seq `before`, or oldest first after the seq `after`."""

    room: str | None = None
    before: Seq | None = None
    after: Seq | None = None
    limit: Limit = 50
    from_: str | None = None
    to: str | None = None


class Search(Request, frozen=True, tag="search"):
    """Find messages that contain all the words, newest first. Words in double quotes are searched as a phrase."""

    query: Annotated[Prose, Meta(min_length=1, max_length=500)]
    room: str | None = None
    from_: str | None = None
    before: Seq | None = None
    limit: Limit = 50


class Recall(Request, frozen=True, tag="recall"):
    """Get the earlier messages that answer a question, as passages packed into a budget of tokens: threads together,
    near-duplicates once, best first."""

    question: Annotated[Prose, Meta(min_length=1, max_length=500)]
    room: str | None = None
    budget: Annotated[int, Meta(ge=50, le=100_000)] = 2000


class Show(Request, frozen=True, tag="show"):
    """Get one message and the state of its deliveries."""

    message: Seq


class Receipts(Request, frozen=True, tag="receipts"):
    """Get every step of the deliveries of one message."""

    message: Seq


class Report(Request, frozen=True, tag="report"):
    """Report the steps of a delivery to you, as your sidecar saw them. `expected` is the state you assume the delivery
    to be in; if it is in another one, the report is refused."""

    message: Seq
    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=32)]
    expected: str | None = None


class Cancel(Request, frozen=True, tag="cancel"):
    """Cancel a message that has not been typed yet, for one member or for all."""

    message: Seq
    member: str | None = None


class Retry(Request, frozen=True, tag="retry"):
    """Deliver a failed or cancelled message again."""

    message: Seq
    member: str


class Poll(Request, frozen=True, tag="poll"):
    """Take the waiting messages from your inbox, for members without a stream and for an agent's tools. With `wait`
    (seconds) the answer comes as soon as a message arrives. `from` takes only messages of these members; `reply_to`
    takes only answers to that message of yours."""

    limit: Limit = 100
    wait: Annotated[float, Meta(ge=0, le=600)] = 0
    from_: Annotated[tuple[Address, ...], Meta(max_length=100)] = ()
    reply_to: Seq | None = None


class Deliveries(Request, frozen=True, tag="deliveries"):
    """List your open deliveries after a message; the welcome holds only the first ones. With `begun` only those that
    have been typed and that the model is not known to have read."""

    after: Seq = 0
    limit: Limit = 1000
    begun: bool = False


class Waiting(Request, frozen=True, tag="waiting"):
    """List the messages that wait for you, in the order in which to read them: urgent ones first, then by priority,
    then by seq. The messages stay in the inbox. `after` is the last message of the previous page."""

    after: Seq = 0
    limit: Limit = 100
