"""Reads what `groupchat export` and `groupchat transcript --json` write, for checking it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from controller.requests.encryption.export_check import ExportedRoom
from gateway.encryption.member_client.checked_messages import MessageCheck
from gateway.protocol import codec
from gateway.protocol.errors import BadRequest, GroupChatError
from gateway.protocol.events import Message, RoomKeyEvent
from gateway.protocol.types.core_types import Room

T = TypeVar("T")

MAX_FILE_BYTES = 1024 * 1024 * 1024
MAX_LINE_BYTES = 4 * 1024 * 1024


class _ExportHead(msgspec.Struct, frozen=True):
    groupchat: int
    room: Room
    house: str = ""


class _TranscriptHead(msgspec.Struct, frozen=True):
    messages: tuple[msgspec.Raw, ...]
    house: str = ""


class _ShownCheck(msgspec.Struct, frozen=True):
    check: MessageCheck = MessageCheck()


def read_exported(path: Path) -> ExportedRoom:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadRequest(f"{path} is too large: more than {MAX_FILE_BYTES // 1024**3} GB.")
        with path.open("rb") as lines:
            first = lines.readline(MAX_FILE_BYTES)
            if (head := _decoded(_ExportHead, first)) is not None:
                return _read_export(head, lines, path)
            transcript = _decoded(_TranscriptHead, first + lines.read(MAX_FILE_BYTES))
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.") from None
    if transcript is None:
        raise BadRequest(f"{path} is neither an export nor a transcript in JSON of llm-groupchat.")
    return _read_transcript(transcript, path)


def _decoded(kind: type[T], data: bytes) -> T | None:
    try:
        return codec.decode(kind, data)
    except GroupChatError:
        return None


def _read_export(head: _ExportHead, lines: Iterable[bytes], path: Path) -> ExportedRoom:
    messages: list[Message] = []
    notices: list[str] = []
    for number, line in enumerate(lines, 2):
        try:
            if len(line) > MAX_LINE_BYTES:
                raise BadRequest("It is too long.")
            event = codec.decode_durable(line)
        except GroupChatError as error:
            raise BadRequest(f"Line {number} of {path} is damaged, so nothing was checked: {error.message}") from None
        if isinstance(event, Message):
            messages.append(event)
        elif isinstance(event, RoomKeyEvent) and event.notice:
            notices.append(event.notice)
    return ExportedRoom(head.room.name, head.house, head.room.sealed, tuple(messages), tuple(notices))


def _read_transcript(transcript: _TranscriptHead, path: Path) -> ExportedRoom:
    messages: list[Message] = []
    texts: dict[int, str] = {}
    for raw in transcript.messages:
        message, shown = _decoded(Message, bytes(raw)), _decoded(_ShownCheck, bytes(raw))
        if message is None or shown is None:
            raise BadRequest(f"A message in {path} is damaged, so nothing was checked.")
        if message.sealed is not None:
            if not shown.check.proof.is_refused:
                texts[message.seq] = message.content
            message = msgspec.structs.replace(message, content="", parts=())
        messages.append(message)
    room = messages[0].room if messages else ""
    is_sealed = any(one.sealed is not None and one.sealed.room_key for one in messages)
    return ExportedRoom(room, transcript.house, is_sealed, tuple(messages), texts=texts)
