"""What an import takes of a file, looked at line by line before anything is written. Pure.

A file may come from anywhere. What it holds must be what a gateway could have written; whether it is true, the operator
who imports it has to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from gateway.model.documents import encoded
from gateway.protocol import codec
from gateway.protocol.errors import BadRequest, GroupChatError
from gateway.protocol.events import ContextEvent, Message
from gateway.protocol.requests import MAX_SEQ, CreateRoom, Send
from gateway.protocol.text.addressing import parse_address
from gateway.protocol.text.text_validation import check_request, flattened, one_line
from gateway.protocol.timestamps import checked
from gateway.protocol.types import (
    LINES_OF_CONTEXT,
    SYSTEM,
    MemberKind,
    MessageKind,
    Room,
    member_name_of,
    name_of,
    room_name_of,
)
from gateway.rooms.messages import check_message

FORMAT = 1
MOST_RECIPIENTS = 1000
MOST_HOPS = 1_000_000
_SENT = ("content", "id", "session", "trace", "priority", "ttl", "reply_to")  # what a client says of a message

Taken = Message | ContextEvent


class Head(msgspec.Struct, frozen=True):
    """The first line of an export."""

    groupchat: int
    room: Room
    kinds: dict[str, MemberKind]


def head_of(line: bytes, where: str) -> Head:
    try:
        head = codec.decode(Head, line)
    except GroupChatError as error:
        raise BadRequest(f"{where} is not an export of llm-groupchat ({error.message})") from None
    if head.groupchat != FORMAT:
        raise BadRequest(f"{where} has format {head.groupchat}; this program reads {FORMAT}.")
    with _at_line(1):
        room_name_of(head.room.name)
        check_request(msgspec.convert({"room": head.room.name, "topic": head.room.topic}, CreateRoom))
        for name, kind in head.kinds.items():
            _author(name)
            if kind is MemberKind.SYSTEM and name != SYSTEM:
                raise BadRequest(f"{name!r} cannot be of the kind 'system'.")
    return head


def taken(lines: Iterable[bytes]) -> Iterator[Taken]:
    """The messages and documents behind the head, each as it may be imported; or an error that names its line."""
    last = 0
    for number, line in enumerate(lines, 2):
        with _at_line(number):
            event = _read(line, last)
        if isinstance(event, Message):
            last = event.seq
        if event is not None:
            yield event


@contextmanager
def _at_line(number: int) -> Iterator[None]:
    try:
        yield
    except GroupChatError as error:
        raise BadRequest(f"Line {number} cannot be imported, so nothing is: {error.message}") from None
    except msgspec.ValidationError as error:
        raise BadRequest(f"Line {number} cannot be imported, so nothing is: {error}.") from None


def _read(line: bytes, last: int) -> Taken | None:
    event = codec.decode_durable(line)
    if isinstance(event, Message):
        return _message(event, last)
    if isinstance(event, ContextEvent):
        return _document(event) if event.document is not None else None
    return None


def _message(one: Message, last: int) -> Message:
    if not last < one.seq <= MAX_SEQ:
        raise BadRequest(f"The number {one.seq} does not follow {last}.")
    _author(one.from_)
    if len(one.recipients) > MOST_RECIPIENTS:
        raise BadRequest(f"{len(one.recipients)} recipients; at most {MOST_RECIPIENTS} are taken.")
    for name in one.recipients:
        _member(name)
    for address in one.to:
        parse_address(address)
    checked(one.timestamp, "time of a message")
    one_line(one.room, "room")
    one = msgspec.structs.replace(one, context=_in_lines(one.context))
    _check_as_sent(one)
    if one.from_ == SYSTEM:
        return msgspec.structs.replace(one, context=None)  # what it means to a gateway is not for a file to say
    kind = MessageKind.CHAT if one.kind is MessageKind.SYSTEM else one.kind
    return msgspec.structs.replace(one, kind=kind)


def _in_lines(context: dict[str, Any] | None) -> dict[str, Any] | None:
    """Older gateways took line ends there."""
    if context is None:
        return None
    return {
        key: flattened(one) if key in LINES_OF_CONTEXT and isinstance(one, str) else one for key, one in context.items()
    }


def _check_as_sent(one: Message) -> None:
    """With the limits that hold for whoever sends a message."""
    given: dict[str, Any] = {name: getattr(one, name) for name in _SENT}
    request = msgspec.convert(given, Send)
    request = msgspec.structs.replace(request, parts=one.parts, context=one.context, signed=one.signed)
    check_request(request)
    check_message(request)
    if not 0 <= one.hops <= MOST_HOPS:
        raise BadRequest(f"{one.hops} hops; from 0 to {MOST_HOPS} are taken.")


def _document(one: ContextEvent) -> ContextEvent:
    name_of(one.name)
    _author(one.by)
    encoded(one.document or {})
    return one


def _author(name: str) -> None:
    if name != SYSTEM:
        _member(name)


def _member(name: str) -> None:
    """As it stands in a store: the canonical name, and no other way to write it."""
    if member_name_of(name) != name:
        raise BadRequest(f"{name[:80]!r} is not written as a name is: {member_name_of(name)!r}.")
