"""Keeps the mirror in Redis up to date: what changes is written after its commit, a few times a second.

A mirror that fails never delays a message. It says so once, and when Redis answers again, all of it is written anew
from the state, as at the start. It reads nothing back but the names of its own keys.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import structlog

from gateway.dialects.skynet.mirror import mirror_keys
from gateway.dialects.skynet.mirror.mirror_keys import Command, Word
from gateway.dialects.skynet.mirror.mirror_source import MirrorSource, is_mirrored_scope
from gateway.process_basics.event_waits import wait_at_most
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import (
    ContextEvent,
    Durable,
    MemberEvent,
    MemberView,
    Message,
    RoomEvent,
    SessionEvent,
)
from gateway.runtime.hub import Hub

log = structlog.get_logger("gateway.skynet.mirror")

WRITE_INTERVAL_S = 0.25
PRESENCE_INTERVAL_S = 20.0  # a key lives for three of them
RETRY_DELAY_S = 2.0
MAX_WAITING_ENTRIES = 5000  # more are not kept: then all is written anew


class MirrorTarget(Protocol):
    """The Redis of the mirror, over a connection of its own."""

    async def command(self, *words: Word) -> Any: ...

    async def write_together(self, commands: Sequence[Command]) -> None:
        """All or none: nobody reads half of them."""

    async def close(self) -> None: ...


@contextlib.asynccontextmanager
async def mirrored(hub: Hub, target: MirrorTarget) -> AsyncIterator[None]:
    """Keep the mirror while the block runs."""
    mirror = RedisMirror(hub, target)
    hub.publisher.watchers.append(mirror.note_event)
    hub.presence.watchers.append(mirror.note_presence)
    hub.role.begins.append(mirror.begin)
    task = spawn(mirror.run(), "mirror in Redis")
    try:
        yield
    finally:
        hub.publisher.watchers.remove(mirror.note_event)
        hub.presence.watchers.remove(mirror.note_presence)
        hub.role.begins.remove(mirror.begin)
        mirror.end()
        await asyncio.wait([task])
        await target.close()


class MirrorEnds(Exception):
    """Nothing more is written."""


class RedisMirror:
    """No command is cancelled, because the library may take the cancellation for its own: `run` ends between two."""

    def __init__(self, hub: Hub, target: MirrorTarget) -> None:
        self._hub, self._target, self._source = hub, target, MirrorSource(hub)
        self._changed, self._ending = asyncio.Event(), asyncio.Event()
        self._dirty: set[tuple[str, str]] = set()
        self._said: list[tuple[str, int, bytes]] = []  # member, number, entry of its history
        self._own: set[str] = set()  # our keys; others of the same kind are not ours to delete
        self._is_whole, self._is_failing = False, False
        self._next_presence = 0.0

    # changes

    def note_event(self, event: Durable) -> None:
        """Called with each committed event."""
        match event:
            case Message():
                self._note_message(event)
            case ContextEvent(scope=scope, name=name):
                self._note_document(scope, name)
            case SessionEvent(session=session):
                self._dirty.add(("session", session.name))
            case RoomEvent(room=room):
                self._dirty.add(("channel", room))
            case MemberEvent(member=member):
                self._note_member(member.name)
            case _:
                return
        self._changed.set()

    def note_presence(self, view: MemberView) -> None:
        self._dirty.add(("presence", view.name))
        self._changed.set()

    def _note_message(self, message: Message) -> None:
        entry = self._source.entry(message)
        for name in {message.from_, *message.recipients}:
            if name in self._hub.state.members:
                self._said.append((name, message.seq, entry))
        if message.session is not None:
            self._dirty.add(("session", message.session))
        if len(self._said) > MAX_WAITING_ENTRIES:
            self._said.clear()
            self._is_whole = False

    def _note_document(self, scope: str, name: str) -> None:
        if is_mirrored_scope(scope):
            self._dirty.add(("context", scope))
        elif name in self._hub.state.sessions:  # the metadata of a session
            self._dirty.add(("session", name))

    def _note_member(self, name: str) -> None:
        record = self._hub.state.members.get(name)
        if record is None or record.removed:
            self._dirty.add(("history", name))
        self._dirty.add(("context", f"@{name}"))
        self._dirty.update(("channel", room) for room in self._source.rooms())

    # writing

    async def begin(self) -> None:
        """This gateway decides from now on."""
        self._next_presence = 0.0
        self._changed.set()

    def end(self) -> None:
        self._ending.set()
        self._changed.set()

    async def run(self) -> None:
        """Until `end`."""
        while not self._ending.is_set():
            try:
                await self._write()
            except MirrorEnds:
                return
            except GroupChatError as error:
                self._is_whole = False
                if not self._is_failing:
                    log.warning("! the mirror is not written; messages go on", error=str(error.__cause__ or error))
                    self._is_failing = True
                await wait_at_most(self._ending, RETRY_DELAY_S)
            else:
                await self._rest()

    async def _rest(self) -> None:
        if self._is_failing:
            log.info("= the mirror is written again")
            self._is_failing = False
        await wait_at_most(self._ending, WRITE_INTERVAL_S)
        await wait_at_most(self._changed, max(0.0, self._next_presence - asyncio.get_running_loop().time()))

    async def _write(self) -> None:
        self._changed.clear()
        if self._hub.follows:  # the gateway that decides writes it; whoever takes over writes it anew
            self._dirty.clear()
            self._said.clear()
            self._is_whole = False
            self._next_presence = asyncio.get_running_loop().time() + PRESENCE_INTERVAL_S
            return
        if not self._is_whole:
            self._is_whole = True
            await self._write_anew()
        await self._write_changes()
        await self._write_signs_of_life()

    async def _write_anew(self) -> None:
        """Everything that there is now. Keys of ours that are not in it are deleted."""
        self._dirty.clear()
        self._said.clear()
        self._own = own = {key.decode() for key in await self._target.command("SMEMBERS", mirror_keys.REGISTRY_KEY)}
        kept = mirror_keys.snapshots_in(own)
        for kind, name in self._source.everything():
            kept |= await self._commit(await self._commands_for(kind, name))
        await self._commit(mirror_keys.forget(own - kept))

    async def _write_changes(self) -> None:
        dirty, self._dirty = self._dirty, set()
        said, self._said = self._said, []
        commands = [*self._source.additions(said)]
        for kind, name in sorted(dirty):
            commands += await self._commands_for(kind, name)
        await self._commit(commands)

    async def _commands_for(self, kind: str, name: str) -> Sequence[Command]:
        """A key that there should not be is deleted only if it is ours."""
        commands = await self._source.commands_for(kind, name)
        return commands if mirror_keys.removed_by(commands) <= self._own else []

    async def _write_signs_of_life(self) -> None:
        """Presence before it expires, and a snapshot if the last one is old enough."""
        now = asyncio.get_running_loop().time()
        if now < self._next_presence:
            return
        self._next_presence = now + PRESENCE_INTERVAL_S
        for name in self._source.online_members():
            await self._commit(await self._source.commands_for("presence", name))
        if self._source.is_snapshot_due(self._own):
            await self._commit(await self._source.snapshot(self._own))

    async def _commit(self, commands: Sequence[Command]) -> set[str]:
        """Write what was read from the state, and return its keys. Some of that may not be in the log yet; if it never
        gets there, it is not written."""
        if not commands:
            return set()
        if self._ending.is_set():
            raise MirrorEnds
        await self._hub.answers.wait_until_settled()
        await self._target.write_together(commands)
        added = mirror_keys.added_by(commands)
        self._own = (self._own | added) - mirror_keys.removed_by(commands)
        return added
