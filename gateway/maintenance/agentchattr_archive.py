"""Reads an archive of agentchattr (Settings, Project History, Export) as rooms that an import takes.

Channels become rooms, and messages keep their author, time and replies. A job becomes a thread of its channel. Rules
and summaries become shared documents. Images are not in the archive; a message names them.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.client.known_agents import KNOWN_AGENTS
from gateway.maintenance.import_checks import FORMAT_VERSION, ExportHeader
from gateway.protocol.errors import BadRequest
from gateway.protocol.types.core_types import DEFAULT_ROOM, RESERVED_NAMES, SYSTEM_NAME, MemberKind, Room
from gateway.protocol.types.timestamps import iso_from_seconds

ARCHIVE_VERSION = 1
PRODUCT = "agentchattr"
MAX_ARCHIVE_BYTES = 256 * 1024 * 1024  # unpacked
MANIFEST, MESSAGES, JOBS, RULES, SUMMARIES = (
    "manifest.json",
    "messages.jsonl",
    "jobs.json",
    "rules.json",
    "summaries.json",
)
_PARTS = (MANIFEST, MESSAGES, JOBS, RULES, SUMMARIES)
EVENT_TYPES = ("join", "leave", "system", "session_start", "session_end", "session_phase", "agent_renamed")
MAX_NAME_CHARS = 60
Seconds = Annotated[float, Meta(ge=0, le=253_402_300_799)]  # up to the year 9999
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_.-]+")
_NUMBER_AT_END = re.compile(r"[-_.]?(?<![0-9])[0-9]{1,9}$")


class _Manifest(msgspec.Struct):
    schema_version: int
    product: str = PRODUCT


class _Said(msgspec.Struct):
    """A message, in a channel or in a job."""

    sender: str = "unknown"
    text: str = ""
    uid: str = ""
    type: str = "chat"
    timestamp: Seconds = 0.0
    channel: str = ""
    reply_to_uid: str | None = None
    attachments: list[Any] = []


class _Job(msgspec.Struct):
    title: str = ""
    uid: str = ""
    channel: str = ""
    status: str = ""
    created_by: str = "unknown"
    assignee: str | None = None
    body: str | None = None
    created_at: Seconds = 0.0
    messages: list[_Said] = []


class _Summary(msgspec.Struct):
    channel: str = ""
    text: str = ""
    author: str = "unknown"
    updated_at: Seconds = 0.0


@dataclass(frozen=True)
class _Archive:
    messages: list[_Said]
    jobs: list[_Job]
    rules: list[dict[str, Any]]
    summaries: list[_Summary]


@dataclass(frozen=True)
class ArchivedRoom:
    """One room as an export has it: its header, and the lines below."""

    head: ExportHeader
    lines: list[bytes]


def is_archive(file: Path) -> bool:
    return zipfile.is_zipfile(file)


def read_archive(file: Path, into: str | None = None) -> list[ArchivedRoom]:
    """The rooms of an archive; with `into`, all of it as one room."""
    archive = _read_zip(file)
    said = sorted(_all_messages(archive), key=lambda one: one.timestamp)
    kinds = {name_of(one.sender): _kind_of(name_of(one.sender)) for one in said}
    rooms: dict[str, list[_Said]] = defaultdict(list)
    for one in said:
        rooms[into or room_of(one.channel)].append(one)
    for summary in archive.summaries:
        rooms[into or room_of(summary.channel)]
    if archive.rules:
        rooms[into or DEFAULT_ROOM]
    return [
        ArchivedRoom(
            ExportHeader(FORMAT_VERSION, Room(name), kinds),
            [*_lines(name, found), *_documents(archive, name, into)],
        )
        for name, found in sorted(rooms.items())
    ]


def _read_zip(file: Path) -> _Archive:
    try:
        with zipfile.ZipFile(file) as packed:
            if sum(one.file_size for one in packed.infolist()) > MAX_ARCHIVE_BYTES:
                raise BadRequest(f"{file} holds more than {MAX_ARCHIVE_BYTES >> 20} MB, which no archive does.")
            return _parse(file, {name: packed.read(name) for name in packed.namelist() if name in _PARTS})
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        raise BadRequest(f"{file} cannot be unpacked ({error}).") from None


def _parse(file: Path, parts: dict[str, bytes]) -> _Archive:
    manifest = _decoded(MANIFEST, parts.get(MANIFEST, b""), _Manifest)
    if manifest.product != PRODUCT:
        raise BadRequest(f"{file} is an archive of {manifest.product[:40]!r}, not of {PRODUCT}.")
    if manifest.schema_version > ARCHIVE_VERSION:
        raise BadRequest(f"{file} has format {manifest.schema_version}; this program reads {ARCHIVE_VERSION}.")
    lines = parts.get(MESSAGES, b"").splitlines()
    return _Archive(
        [_decoded(f"{MESSAGES}, line {number}", line, _Said) for number, line in enumerate(lines, 1) if line.strip()],
        _decoded(JOBS, parts.get(JOBS, b"[]"), list[_Job]),
        _decoded(RULES, parts.get(RULES, b"[]"), list[dict[str, Any]]),
        _decoded(SUMMARIES, parts.get(SUMMARIES, b"[]"), list[_Summary]),
    )


def _decoded(where: str, raw: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadRequest(f"{where} is invalid, so nothing was imported: {error}.") from None


def _all_messages(archive: _Archive) -> Iterator[_Said]:
    yield from archive.messages
    for job in archive.jobs:
        head = " ".join(part for part in (f"Job: {job.title}", f"({job.status})" if job.status else "") if part)
        text = "\n".join(part for part in (head, job.body or "") if part)
        yield _Said(job.created_by, text, job.uid, "chat", job.created_at, job.channel)
        for one in job.messages:
            yield msgspec.structs.replace(one, channel=job.channel, reply_to_uid=job.uid)


def _lines(room: str, found: Iterable[_Said]) -> Iterator[bytes]:
    """As an export has them. A reply to what comes later, or to another room, becomes a message of its own."""
    numbers: dict[str, int] = {}
    for number, one in enumerate(found, 1):
        text = _text_of(one)
        if not text.strip():
            continue
        sender = SYSTEM_NAME if one.type in EVENT_TYPES else name_of(one.sender)
        line = {
            "ev": "message",
            "seq": number,
            "id": _id_of(one),
            "room": room,
            "from": sender,
            "to": ["@all"],
            "kind": "system" if sender == SYSTEM_NAME else "chat",
            "content": text,
            "timestamp": iso_from_seconds(one.timestamp),
        }
        if one.reply_to_uid in numbers:
            line["reply_to"] = numbers[one.reply_to_uid or ""]
        numbers.setdefault(one.uid, number)
        yield msgspec.json.encode(line)


def _id_of(one: _Said) -> str:
    """The same in each archive of the same project."""
    known_by = (one.uid or "", "" if one.uid else f"{one.sender}|{one.text}|{one.timestamp}|{one.channel}")
    return f"{PRODUCT}-{hashlib.sha256(msgspec.json.encode(known_by)).hexdigest()[:32]}"


def _text_of(one: _Said) -> str:
    images = [str(image.get("name") or image.get("url")) for image in one.attachments if isinstance(image, dict)]
    return "\n".join([one.text, *(f"[image {name}, not in the archive]" for name in images)]).strip("\n")


def _documents(archive: _Archive, room: str, into: str | None) -> Iterator[bytes]:
    if archive.rules and room == (into or DEFAULT_ROOM):
        yield _document(room, "agentchattr-rules", SYSTEM_NAME, 0.0, {"rules": archive.rules})
    for summary in archive.summaries:
        if into or room_of(summary.channel) == room:
            name = "agentchattr-summary" if not into else f"agentchattr-summary-{room_of(summary.channel)}"
            yield _document(room, name, name_of(summary.author), summary.updated_at, {"text": summary.text})


def _document(room: str, name: str, by: str, at: float, document: dict[str, Any]) -> bytes:
    size = len(msgspec.json.encode(document))
    shape = {"ev": "context", "seq": 0, "scope": f"#{room}", "name": name, "version": 1, "action": "put", "by": by}
    return msgspec.json.encode({**shape, "timestamp": iso_from_seconds(at), "size": size, "document": document})


def name_of(sender: str) -> str:
    """The sender as a name here: agentchattr allows capitals, blanks and emoji."""
    name = _NOT_IN_NAMES.sub("-", sender.lower()).strip("-.")[:MAX_NAME_CHARS].rstrip("-.") or "unknown"
    return f"{name}-{PRODUCT}" if name in RESERVED_NAMES and name != SYSTEM_NAME else name


def room_of(channel: str) -> str:
    return _NOT_IN_NAMES.sub("-", channel.lower()).strip("-.")[:MAX_NAME_CHARS].rstrip("-.") or DEFAULT_ROOM


def _kind_of(name: str) -> MemberKind:
    """Agents are known by their base name: `claude`, `codex-2`. Everybody else is taken for a person."""
    if name == SYSTEM_NAME:
        return MemberKind.SYSTEM
    return MemberKind.AGENT if _NUMBER_AT_END.sub("", name) in KNOWN_AGENTS else MemberKind.HUMAN
