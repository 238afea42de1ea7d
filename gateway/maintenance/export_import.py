"""Exports a room from a running gateway as JSON lines, and imports it into the state folder of a stopped one.

After the header come the room's events, then what its writers have published of their keys, then the current version of
each shared document as a `put`. What is sealed or signed goes out, and comes in, as it is.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from gateway.client import Client, Endpoint
from gateway.client.paged_requests import fetch_all_pages
from gateway.console.progress_bar import ProgressBar
from gateway.maintenance.agentchattr_archive import ArchivedRoom, is_archive, read_archive
from gateway.maintenance.import_checks import FORMAT_VERSION, ExportHeader, ImportedEvent, parse_events, parse_header
from gateway.model.deliveries.recent_messages import readers_of_direct
from gateway.model.records.shared_document_records import key_of
from gateway.model.records.stored_records import MemberRecord, RoomKeysRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.protocol import codec
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, RoomExists, UnknownRoom
from gateway.protocol.events import ContextEvent, KeyEvent, MemberAction, MemberEvent, Message, RoomKeyEvent
from gateway.protocol.requests.connection_requests import Events
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.room_requests import CreateRoom, Rooms
from gateway.protocol.requests.shared_document_requests import Contexts, GetContext
from gateway.protocol.results import Accepted, ContextDocument, ContextList, Done, EventPage, MemberList, RoomList
from gateway.protocol.text.printable_text import escape_json
from gateway.protocol.types.core_types import SYSTEM_NAME, ContextAction, Member, MemberKind, canonical_room_name
from gateway.rooms import room_rules
from gateway.rooms.members import TEAM_PERSON_NAME
from gateway.runtime.config import Config
from gateway.runtime.hub import Hub
from gateway.sealed_rooms import room_key_rules
from gateway.server.state_folder.open_hub import open_hub
from gateway.server.state_folder.startup_tokens import system_actor
from gateway.sessions import shared_documents
from gateway.sessions.shared_documents import DocumentRef

PAGE_EVENTS = 500
Identify = Callable[[ExportHeader, str, Message], str]
UNSEEN_BAR = ProgressBar("", "")
KEY_EVENT = str(KeyEvent.__struct_config__.tag)


class Imported(msgspec.Struct, frozen=True):
    room: str
    imported: int
    known: int


class _ExportedFields(msgspec.Struct, rename={"from_": "from"}):
    """What decides of an event whether it is exported."""

    ev: str
    room: str | None = None
    from_: str = ""
    member: Any = None
    signed: Any = None
    sealed: Any = None


async def export_to_file(endpoint: Endpoint, name: str, output: Path | None, bar: ProgressBar = UNSEEN_BAR) -> int:
    async with Client(endpoint) as client:
        rooms = await fetch_all_pages(client.request, Rooms(removed=True), RoomList)
        wanted = canonical_room_name(name)
        found = next((one for one in rooms.rooms if one.name == wanted), None)
        if found is None:
            raise UnknownRoom(f"There is no room {name!r} here. `groupchat rooms` lists them.")
        members = await fetch_all_pages(client.request, Members(all=True), MemberList)
        head = ExportHeader(
            FORMAT_VERSION, found, {one.name: one.kind for one in members.agents}, client.welcome.store_id
        )
        with _open_output(output) as file:
            _write_line(file, codec.encode(head))
            bar.expect(client.welcome.last_seq)
            count = await _write_events(client, wanted, file, bar)
            if not found.removed:
                await _write_contexts(client, wanted, file)
            return count


def _open_output(output: Path | None) -> BinaryIO:
    """Open the file with access only for the operator, because it may contain direct messages of others."""
    if output is None:
        return open(sys.stdout.fileno(), "wb", closefd=False)
    try:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        if stat.S_ISREG(os.fstat(handle).st_mode):
            os.fchmod(handle, 0o600)
    except OSError as error:
        raise BadRequest(f"{output} cannot be written: {error.strerror}.") from None
    return os.fdopen(handle, "wb")


def _write_line(file: BinaryIO, line: bytes) -> None:
    """Write a line as it is in the log; to a terminal, escape the characters that it would not show."""
    file.write((escape_json(line.decode()).encode() if file.isatty() else line) + b"\n")


async def _write_events(client: Client, room: str, file: BinaryIO, bar: ProgressBar) -> int:
    count, signers = 0, set()
    keys: list[tuple[str, bytes]] = []
    async for raw in _read_events(client, bar):
        event = codec.decode(_ExportedFields, raw)
        if event.room == room:
            _write_line(file, raw)
            count += 1
            signers |= {event.from_} if event.signed or event.sealed else set()
        elif event.ev == KEY_EVENT:
            keys.append((event.member, raw))
    for member, raw in keys:
        if member in signers:
            _write_line(file, raw)
    return count


async def _write_contexts(client: Client, room: str, file: BinaryIO) -> None:
    """Write the documents; none if the reader is not in the room, which for a public room still allows its messages."""
    try:
        listed = await fetch_all_pages(client.request, Contexts(scope=f"#{room}"), ContextList)
    except Forbidden:
        return
    for info in listed.contexts:
        found = await client.request(GetContext(scope=info.scope, name=info.name), ContextDocument)
        event = ContextEvent(
            seq=0,
            scope=found.scope,
            name=found.name,
            version=found.version,
            action=ContextAction.PUT,
            by=found.by,
            timestamp=found.at,
            size=found.size,
            document=found.document,
        )
        _write_line(file, codec.encode(event))


async def _read_events(client: Client, bar: ProgressBar) -> AsyncIterator[bytes]:
    since, more = 0, True
    while more:
        page = await client.request(Events(since=since, limit=PAGE_EVENTS), EventPage)
        for event in page.events:
            yield bytes(event)
        since, more = page.until, page.more
        bar.reach(since)


async def import_from_file(config: Config, file: Path, into: str | None, bar: ProgressBar = UNSEEN_BAR) -> Imported:
    """Check the whole file before writing any of it. An import that was interrupted is resumed by the same command."""
    if is_archive(file):
        return await _import_archive(config, file, into, bar)
    with _open_import(file) as (head, lines):
        for _ in parse_events(lines):
            pass
    async with open_hub(config) as hub:
        name = canonical_room_name(into or head.room.name)
        await _ensure_room(hub, head, name)
        with _open_import(file) as (_, lines):
            bar.expect(file.stat().st_size)
            return await _Importer(hub, head, name).read(_counted(parse_events(lines), lines, bar))


async def _import_archive(config: Config, file: Path, into: str | None, bar: ProgressBar) -> Imported:
    """An archive of agentchattr: a room for each channel. It, too, is checked whole, and imported once."""
    rooms = read_archive(file, None if into is None else canonical_room_name(into))
    for room in rooms:
        _check_archived(room)
    bar.expect(sum(len(room.lines) for room in rooms))
    done: list[Imported] = []
    async with open_hub(config) as hub:
        for room in rooms:
            name = room.head.room.name
            await _ensure_room(hub, room.head, name)
            events = parse_events(_advancing(room.lines, bar))
            done.append(await _Importer(hub, room.head, name, _archived_id).read(events))
    names = ", ".join(one.room for one in done)
    return Imported(names, sum(one.imported for one in done), sum(one.known for one in done))


def _check_archived(room: ArchivedRoom) -> None:
    try:
        for _ in parse_events(room.lines):
            pass
    except BadRequest as error:
        raise BadRequest(f"Of the channel {room.head.room.name}: {error.message}") from None


def _advancing(lines: Sequence[bytes], bar: ProgressBar) -> Iterator[bytes]:
    for line in lines:
        yield line
        bar.advance()


def _archived_id(head: ExportHeader, room: str, message: Message) -> str:
    """A later archive of the same project has the same ids, but other numbers."""
    return f"import:{hashlib.sha256(msgspec.json.encode((room, message.id))).hexdigest()[:32]}"


def _exported_id(head: ExportHeader, room: str, message: Message) -> str:
    """The same id for the same message and room, so that a file is imported only once into each room. Numbers and ids
    of two gateways may be equal, so these alone would confuse their messages."""
    known_by = (head.room.name, room, message.seq, message.id, message.from_, message.timestamp, message.content)
    return f"import:{hashlib.sha256(msgspec.json.encode(known_by)).hexdigest()[:32]}"


def _counted(events: Iterable[ImportedEvent], lines: BinaryIO, bar: ProgressBar) -> Iterator[ImportedEvent]:
    for event in events:
        yield event
        bar.reach(lines.tell())


@contextmanager
def _open_import(file: Path) -> Iterator[tuple[ExportHeader, BinaryIO]]:
    with file.open("rb") as lines:
        yield parse_header(lines.readline(), str(file)), lines


async def _ensure_room(hub: Hub, head: ExportHeader, name: str) -> None:
    before = hub.state.rooms.get(name)
    if before is not None and before.removed:
        raise RoomExists(f"A room {name!r} existed, and a name cannot be used again. Choose another one with --room.")
    if before is not None and before.sealed != head.room.sealed:
        is_or_not = "sealed" if before.sealed else "not sealed"
        raise Conflict(f"#{name} is {is_or_not} here, unlike the room of the export. Choose another one with --room.")
    if before is None:
        shape = head.room
        wish = CreateRoom(room=name, topic=shape.topic, invite_only=shape.invite_only, sealed=shape.sealed)
        outcome = room_rules.create_room(hub.state, system_actor(), wish, hub.rule_context())
        made, *_ = outcome.events  # the gateway itself does not join
        await hub.carry_out(RuleOutcome(outcome.result, (made,)))


class _Importer:
    """Messages keep sender, text and time, and get new numbers, which `reply_to` follows. A shared document keeps its
    author, and never replaces an existing one."""

    def __init__(self, hub: Hub, head: ExportHeader, room: str, identify: Identify = _exported_id) -> None:
        self._hub, self._identify = hub, identify
        self._head = head
        self._room = room
        self._numbers: dict[int, int] = {}
        self._imported = 0
        self._known = 0

    async def read(self, events: Iterable[ImportedEvent]) -> Imported:
        for event in events:
            if isinstance(event, Message):
                await self._take(event)
            elif isinstance(event, RoomKeyEvent):
                await self._take_room_key(event)
            elif event.document is not None:
                await self._take_context(event.by, event.name, event.document)
        return Imported(self._room, self._imported, self._known)

    async def _take(self, message: Message) -> None:
        for name in (message.from_, *message.recipients, *message.wakes):
            await self._provide_member(name)
        rule_context = self._hub.rule_context()
        seq = rule_context.seq()
        fact = self._with_new_number(message, seq)
        done = await self._hub.carry_out(RuleOutcome(Accepted(seq), (fact,)))
        assert isinstance(done, Accepted)
        self._numbers[message.seq] = done.seq
        self._imported += not done.duplicate
        self._known += done.duplicate

    async def _take_room_key(self, event: RoomKeyEvent) -> None:
        """Its notice, so that members open what they could open before. It is due: who is here may be others."""
        before = room_key_rules.keys_of(self._hub.state, self._room)
        if event.version != before.version + 1:
            return
        await self._provide_member(event.by)
        seq = self._hub.rule_context().seq()
        copy = msgspec.structs.replace(event, seq=seq, room=self._room)
        record = RoomKeysRecord(self._room, event.version, due=True, first=before.first or seq)
        fact = EventToCommit(copy, changes=(StateChange("room_keys", self._room, record),), about=record.first)
        await self._hub.carry_out(RuleOutcome(Done(seq), (fact,)))

    async def _take_context(self, by: str, name: str, document: dict[str, Any]) -> None:
        await self._provide_member(by)
        scope = f"#{self._room}"
        where = DocumentRef(scope, name, self._hub.state.contexts.get(key_of(scope, name)))
        if where.version == 0:
            await self._hub.carry_out(
                shared_documents.import_context(self._hub.state, by, where, document, self._hub.rule_context())
            )

    def _with_new_number(self, message: Message, seq: int) -> EventToCommit:
        copy = msgspec.structs.replace(
            message,
            seq=seq,
            room=self._room,
            reply_to=self._numbers.get(message.reply_to) if message.reply_to is not None else None,
            replaces=self._numbers.get(message.replaces) if message.replaces is not None else None,
            deliveries=(),
        )
        ends = readers_of_direct(message.from_, message.recipients) if message.recipients else None
        return EventToCommit(copy, ends=ends, client_id=self._identify(self._head, self._room, message))

    async def _provide_member(self, name: str) -> None:
        state: GatewayState = self._hub.state
        if name in state.members or name == SYSTEM_NAME:
            return
        kind = self._head.kinds.get(name, MemberKind.TOOL)
        rule_context: RuleContext = self._hub.rule_context()
        record = MemberRecord(Member(name, kind, hidden=True), by_team=name == TEAM_PERSON_NAME)
        event = MemberEvent(rule_context.seq(), MemberAction.REGISTERED, record.member, SYSTEM_NAME, rule_context.stamp)
        await self._hub.carry_out(
            RuleOutcome(Done(), (EventToCommit(event, changes=(StateChange("member", name, record),)),))
        )
