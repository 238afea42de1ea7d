"""Reads from the hub what belongs under each key of the mirror, and makes the commands that write it there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any

from gateway.dialects.skynet.mirror import mirror_keys
from gateway.dialects.skynet.mirror.mirror_keys import Command, Fields
from gateway.dialects.skynet.wire.message_ids import MessageIds
from gateway.model.records.shared_document_records import STORE_KIND, key_of
from gateway.operations.messages.message_queries import decode_message
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.protocol.results import ContextDocument
from gateway.protocol.types.core_types import DEFAULT_DOCUMENT, GLOBAL_SCOPE, Presence
from gateway.protocol.types.session_types import Session
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.runtime.hub import Hub
from gateway.store import MessageQuery, StoredEvent, Viewer

EVERYTHING = Viewer("", observer=True)
MAX_SESSION_MESSAGES = 1000
PAGE_MESSAGES = 500
SNAPSHOT_INTERVAL_S = 1800.0
MAX_SNAPSHOT_DOCUMENT_BYTES = 8 * 1024 * 1024


class MirrorSource:
    """Something in the mirror has a kind, and the name of its member, scope, session or room."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._state, self._ids = hub, hub.state, MessageIds()
        self._read: dict[str, int] = {}  # the last message in the history of each member when that was read
        self._commands: dict[str, Callable[[str], Awaitable[Sequence[Command]]]] = {
            "channel": self._channel,
            "context": self._context,
            "session": self._session,
            "history": self._history,
            "presence": self._presence,
        }

    async def commands_for(self, kind: str, name: str) -> Sequence[Command]:
        """The commands that write what is under this key now, or delete it."""
        return await self._commands[kind](name)

    def everything(self) -> list[tuple[str, str]]:
        found = {
            "channel": self.rooms(),
            "context": self.contexts(),
            "session": list(self._state.sessions),
            "history": self.members(),
            "presence": self.online_members(),
        }
        return [(kind, name) for kind, names in found.items() for name in names]

    # what there is

    def members(self) -> list[str]:
        return [name for name, one in self._state.members.items() if not one.removed]

    def contexts(self) -> list[str]:
        """The scopes that have a document in the mirror: the main one of a member, and that of everyone."""
        kept = (one.info for one in self._state.contexts.values() if not one.gone and one.info.name == DEFAULT_DOCUMENT)
        return [one.scope for one in kept if is_mirrored_scope(one.scope)]

    def rooms(self) -> list[str]:
        return [name for name, one in self._state.rooms.items() if not one.removed]

    # commands

    async def _context(self, scope: str) -> Sequence[Command]:
        found = await self._document(scope, DEFAULT_DOCUMENT)
        fields = None if found is None else mirror_keys.context_hash(found)
        return mirror_keys.replace_hash(mirror_keys.key_of_context(self._state, scope), fields)

    async def _session(self, name: str) -> Sequence[Command]:
        session = self._state.sessions.get(name)
        key = mirror_keys.key_of_session(name)
        return mirror_keys.replace_hash(key, None if session is None else await self._session_fields(session))

    async def _channel(self, room: str) -> Sequence[Command]:
        known = self._state.rooms.get(room)
        fields = None if known is None or known.removed else mirror_keys.channel_hash(self._state, room)
        return mirror_keys.replace_hash(mirror_keys.key_of_channel(room), fields)

    async def _history(self, member: str) -> Sequence[Command]:
        """The newest messages that a member sent, or that name it. What its rooms are told is not among them, not even
        the end of one, which the store gives to those who were in it."""
        record = self._state.members.get(member)
        found: list[StoredEvent] = []
        if record is not None and not record.removed:
            limit = mirror_keys.MAX_HISTORY_MESSAGES
            found += await self._hub.store.messages(MessageQuery(EVERYTHING, sender=member, limit=limit))
            found += await self._hub.store.messages(MessageQuery(EVERYTHING, recipient=member, limit=limit))
            found = sorted({one.seq: one for one in found}.values(), key=lambda one: one.seq)[-limit:]
        said = (decode_message(one) for one in found)
        entries = [self.entry(one) for one in said if member in (one.from_, *one.recipients)]
        key = mirror_keys.key_of_history(self._state, member)
        self._read[member] = found[-1].seq if found else 0
        return mirror_keys.replace_list(key, entries)

    def entry(self, message: Message) -> bytes:
        return mirror_keys.history_entry(self._state, self._ids, message)

    def additions(self, said: Iterable[tuple[str, int, bytes]]) -> Sequence[Command]:
        """Members, numbers and entries for their histories, unless these were read with them meanwhile."""
        by_member: defaultdict[str, list[bytes]] = defaultdict(list)
        for name, seq, entry in said:
            if seq > self._read.get(name, 0):
                by_member[name].append(entry)
        keys = {name: mirror_keys.key_of_history(self._state, name) for name in by_member}
        return [one for name, found in by_member.items() for one in mirror_keys.append_to_list(keys[name], found)]

    async def _presence(self, member: str) -> Sequence[Command]:
        """Of a member that is there now or was a moment ago. Whoever stays away has no key after a minute."""
        record = self._state.members.get(member)
        now = self._hub.now
        seen = Presence.OFFLINE if record is None else self._state.presence(record.member, now)
        key = mirror_keys.key_of_presence(self._state, member)
        return [mirror_keys.set_presence(key, mirror_keys.presence_word(seen))]

    def online_members(self) -> list[str]:
        now, members = self._hub.now, self._state.members
        return [name for name, one in members.items() if self._state.presence(one.member, now) is Presence.ONLINE]

    def is_snapshot_due(self, known: Iterable[str]) -> bool:
        """Times as text are in order."""
        return max(mirror_keys.snapshots_in(known), default="") < mirror_keys.key_of_snapshot(
            self._hub.now - SNAPSHOT_INTERVAL_S
        )

    async def snapshot(self, known: Collection[str]) -> Sequence[Command]:
        """All of it as one text. Documents that would make it too large are counted and left out."""
        now, state = self._hub.now, self._state
        documents, left_out = await self._documents_for_snapshot()
        body = {
            "timestamp": iso_from_seconds(now),
            "last_seq": self._hub.committed_seq,
            "agents": [mirror_keys.agent_in_snapshot(state, one, now) for one in self.members()],
            "channels": [mirror_keys.channel_hash(state, one) for one in self.rooms()],
            "sessions": [await self._session_fields(one) for one in list(state.sessions.values())],
            "contexts": documents,
            "contexts_left_out": left_out,
        }
        return mirror_keys.add_snapshot(mirror_keys.key_of_snapshot(now), codec.encode(body), known)

    async def _documents_for_snapshot(self) -> tuple[dict[str, Any], int]:
        documents: dict[str, Any] = {}
        room, left_out = MAX_SNAPSHOT_DOCUMENT_BYTES, 0
        for scope in self.contexts():
            found = await self._document(scope, DEFAULT_DOCUMENT)
            if found is None:
                continue
            if found.size > room:
                left_out += 1
                continue
            room -= found.size
            documents[mirror_keys.key_of_context(self._state, scope).partition(":")[2]] = found.document
        return documents, left_out

    # reading

    async def _document(self, scope: str, name: str) -> ContextDocument | None:
        record = self._state.contexts.get(key_of(scope, name))
        if record is None or record.gone:
            return None
        raw = await self._hub.store.aside(STORE_KIND, key_of(scope, name))
        return None if raw is None else codec.decode(ContextDocument, raw)

    async def _session_fields(self, session: Session) -> Fields:
        found = await self._document(f"#{session.room}", session.name)
        said = await self._said_in(session)
        return mirror_keys.session_hash(self._state, session, said, {} if found is None else found.document)

    async def _said_in(self, session: Session) -> Sequence[Message]:
        """The newest messages of a session, oldest first."""
        found: list[Message] = []
        before = (session.seq if session.closed else self._hub.committed_seq) + 1
        while len(found) < MAX_SESSION_MESSAGES:
            query = MessageQuery(EVERYTHING, session.room, before=before, after=session.number, limit=PAGE_MESSAGES)
            page = await self._hub.store.messages(query)
            if not page:
                break
            before = min(one.seq for one in page)
            said = sorted((decode_message(one) for one in page), key=lambda one: -one.seq)
            found += [one for one in said if one.session == session.name]
        return found[:MAX_SESSION_MESSAGES][::-1]


def is_mirrored_scope(scope: str) -> bool:
    return scope == GLOBAL_SCOPE or scope.startswith("@")
