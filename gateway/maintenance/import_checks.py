"""Checks an import file line by line before anything is written. Pure.

A file may come from anywhere. Each line must be one that a gateway could have written. Whether its content is true, the
operator who imports it must decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from gateway.model.records.shared_document_records import encode_document
from gateway.protocol import codec
from gateway.protocol.errors import BadRequest, GroupChatError
from gateway.protocol.events import ContextEvent, Message, RoomKeyEvent
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.request import MAX_SEQ
from gateway.protocol.requests.room_requests import CreateRoom, SetRoomKey
from gateway.protocol.text.addressing import parse_address
from gateway.protocol.text.text_validation import check_one_line, check_request, flatten_lines
from gateway.protocol.types.core_types import (
    FILE_CONTEXT_FIELDS,
    SYSTEM_NAME,
    MemberKind,
    MessageKind,
    Room,
    canonical_member_name,
    canonical_name,
    canonical_room_name,
)
from gateway.protocol.types.timestamps import check_timestamp
from gateway.rooms.messages import check_message
from gateway.sealed_rooms.sealed_form import check_base64

FORMAT_VERSION = 1
MAX_RECIPIENTS = 1000
MAX_HOPS = 1_000_000
_SENT_FIELDS = (
    "content",
    "id",
    "session",
    "trace",
    "priority",
    "ttl",
    "reply_to",
)  # the fields of a message that its client sets

ImportedEvent = Message | ContextEvent | RoomKeyEvent


class ExportHeader(msgspec.Struct, frozen=True):
    """The first line of an export. `house` is the id of its log, which signatures name."""

    groupchat: int
    room: Room
    kinds: dict[str, MemberKind]
    house: str = ""


def parse_header(line: bytes, where: str) -> ExportHeader:
    try:
        head = codec.decode(ExportHeader, line)
    except GroupChatError as error:
        raise BadRequest(f"{where} is not an export of llm-groupchat ({error.message})") from None
    if head.groupchat != FORMAT_VERSION:
        raise BadRequest(f"{where} has format {head.groupchat}; this program reads {FORMAT_VERSION}.")
    with _at_line(1):
        canonical_room_name(head.room.name)
        check_request(msgspec.convert({"room": head.room.name, "topic": head.room.topic}, CreateRoom))
        for name, kind in head.kinds.items():
            _check_author(name)
            if kind is MemberKind.SYSTEM and name != SYSTEM_NAME:
                raise BadRequest(f"{name!r} cannot be of the kind 'system'.")
    return head


def parse_events(lines: Iterable[bytes]) -> Iterator[ImportedEvent]:
    """The messages and documents after the header, in importable form. An error names its line."""
    last = 0
    for number, line in enumerate(lines, 2):
        with _at_line(number):
            event = _parse_line(line, last)
        if isinstance(event, Message):
            last = event.seq
        if event is not None:
            yield event


@contextmanager
def _at_line(number: int) -> Iterator[None]:
    try:
        yield
    except GroupChatError as error:
        raise BadRequest(f"Line {number} is invalid, so nothing was imported: {error.message}") from None
    except msgspec.ValidationError as error:
        raise BadRequest(f"Line {number} is invalid, so nothing was imported: {error}.") from None


def _parse_line(line: bytes, last: int) -> ImportedEvent | None:
    event = codec.decode_durable(line)
    if isinstance(event, Message):
        return _check_message_event(event, last)
    if isinstance(event, RoomKeyEvent):
        return _check_room_key_event(event) if event.notice else None
    if isinstance(event, ContextEvent):
        return _check_document_event(event) if event.document is not None else None
    return None


def _check_message_event(one: Message, last: int) -> Message:
    if not last < one.seq <= MAX_SEQ:
        raise BadRequest(f"The number {one.seq} must be higher than {last}.")
    _check_author(one.from_)
    _check_recipients((*one.recipients, *one.wakes))
    for address in one.to:
        parse_address(address)
    check_timestamp(one.timestamp, "time of a message")
    check_one_line(one.room, "room")
    one = msgspec.structs.replace(one, context=_flatten_context(one.context))
    _check_as_sent(one)
    if one.from_ == SYSTEM_NAME:
        return msgspec.structs.replace(one, context=None)  # a file must not set fields that the gateway interprets
    kind = MessageKind.CHAT if one.kind is MessageKind.SYSTEM else one.kind
    return msgspec.structs.replace(one, kind=kind)


def _flatten_context(context: dict[str, Any] | None) -> dict[str, Any] | None:
    """Older gateways accepted line ends there."""
    if context is None:
        return None
    return {
        key: flatten_lines(one) if key in FILE_CONTEXT_FIELDS and isinstance(one, str) else one
        for key, one in context.items()
    }


def _check_as_sent(one: Message) -> None:
    """Apply the limits that hold for a sent message."""
    given: dict[str, Any] = {name: getattr(one, name) for name in _SENT_FIELDS}
    request = msgspec.convert(given, Send)
    kept: dict[str, Any] = {name: getattr(one, name) for name in ("parts", "context", "signed", "sealed")}
    request = msgspec.structs.replace(request, **kept)
    check_request(request)
    check_message(request)
    if not 0 <= one.hops <= MAX_HOPS:
        raise BadRequest(f"{one.hops} hops; allowed are 0 to {MAX_HOPS}.")


def _check_room_key_event(one: RoomKeyEvent) -> RoomKeyEvent:
    _check_author(one.by)
    check_base64(one.notice, "notice of a room key")
    msgspec.convert({"room": one.room, "version": one.version, "notice": one.notice}, SetRoomKey)
    return one


def _check_document_event(one: ContextEvent) -> ContextEvent:
    canonical_name(one.name)
    _check_author(one.by)
    encode_document(one.document or {})
    return one


def _check_recipients(names: tuple[str, ...]) -> None:
    if len(names) > MAX_RECIPIENTS:
        raise BadRequest(f"{len(names)} recipients; the maximum is {MAX_RECIPIENTS}.")
    for name in names:
        _check_member_name(name)


def _check_author(name: str) -> None:
    if name != SYSTEM_NAME:
        _check_member_name(name)


def _check_member_name(name: str) -> None:
    """Accept only the canonical form of a name, as a store holds it."""
    if canonical_member_name(name) != name:
        raise BadRequest(f"{name[:80]!r} is not in canonical form. Write {canonical_member_name(name)!r}.")
