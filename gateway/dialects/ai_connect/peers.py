"""Tracks which AI-Connect peers are connected, and tells all of them who comes and goes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from gateway.dialects.ai_connect import frames, name_mapping
from gateway.dialects.ai_connect.name_mapping import AI_CONNECT
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import MemberView
from gateway.protocol.types.core_types import Presence
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.rooms import guests
from gateway.runtime.hub import Hub

log = structlog.get_logger("gateway.ai_connect")

GROUPCHAT_PROJECT = "groupchat"  # shown in place of a project, for members that are no clients of this dialect


@dataclass(frozen=True)
class HeartbeatSettings:
    """Seconds: how long a peer may be silent, and the interval of pings."""

    patience: float = 60.0
    ping_every: float = 60.0


class PeerClient(Protocol):
    """A registered connection, as the other clients see it."""

    name: str
    ip: str
    since: str
    watches: bool

    def keeps_token(self) -> bool: ...
    def say(self, frame: bytes) -> None: ...
    def end(self, farewell: bytes = ...) -> None: ...


class PeerRegistry:
    """At most one client per peer, and any number of viewers."""

    def __init__(self, hub: Hub, beats: HeartbeatSettings) -> None:
        self.beats = beats
        self._hub = hub
        self._clients: set[PeerClient] = set()
        self._of: dict[str, PeerClient] = {}
        self._here: dict[str, tuple[str, str]] = {}  # its name when it came, and the time since when it is present
        self._leaving: dict[str, asyncio.TimerHandle] = {}
        self._arriving: Counter[str] = Counter()
        self._pinging: asyncio.TimerHandle | None = None

    # start

    def start(self) -> None:
        """Give guests of an earlier run the same time to reconnect as after a lost connection."""
        self._hub.presence.watchers.append(self.seen)
        for guest in guests.guests_of(self._hub.state, AI_CONNECT):
            if not guest.hidden:
                self._remove_after_grace(guest.name, self.beats.patience)

    def stop(self) -> None:
        self._hub.presence.watchers.remove(self.seen)
        for handle in (*self._leaving.values(), self._pinging):
            if handle is not None:
                handle.cancel()

    # presence

    @contextmanager
    def arriving(self, name: str) -> Iterator[None]:
        """While a guest registers, it is not hidden. If it fails to, it has the whole time to reconnect again."""
        self._arriving[name] += 1
        try:
            yield
        finally:
            self._arriving[name] -= 1
            if not self._arriving[name]:
                del self._arriving[name]
            self._remove_after_grace(name, self.beats.patience)  # `enter` takes this back

    def enter(self, client: PeerClient) -> None:
        """Register a client. A newer connection of a peer replaces the older."""
        self._clients.add(client)
        self._stays(client.name)
        if self._pinging is None:
            self._pinging = asyncio.get_running_loop().call_later(self.beats.ping_every, self._ping)
        if client.watches:
            return
        older, self._of[client.name] = self._of.get(client.name), client
        if older is not None and older is not client:
            older.end(frames.REPLACED_CLOSE_FRAME)
        self._look(client.name)

    def leave(self, client: PeerClient, *, silent: bool) -> None:
        """Unregister a client. A guest whose connection is lost counts as present for a while, so that it can
        reconnect; a silent one has used up that time already."""
        self._clients.discard(client)
        if self._of.get(client.name) is client:
            del self._of[client.name]
        elif not client.watches:
            return
        if client.name not in (one.name for one in self._clients):
            self._remove_after_grace(client.name, 0 if silent else self.beats.patience)

    def _remove_after_grace(self, name: str, seconds: float) -> None:
        self._stays(name)
        self._leaving[name] = asyncio.get_running_loop().call_later(seconds, self._let_go, name)

    def _stays(self, name: str) -> None:
        if (handle := self._leaving.pop(name, None)) is not None:
            handle.cancel()

    def _let_go(self, name: str) -> None:
        self._leaving.pop(name, None)
        if not self._hub.state.live[name].connections and name not in self._arriving:
            spawn(self._hide(name), "ai-connect guest leaves")

    async def _hide(self, name: str) -> None:
        try:
            await self._hub.carry_out(guests.hide_guest(self._hub.state, AI_CONNECT, name, self._hub.rule_context()))
        except GroupChatError as error:
            log.warning("! a guest could not be removed", member=name, error=error.message)

    def _ping(self) -> None:
        """Ping all clients with one timer, which stops when there are none. Peers that only poll leave without notice,
        so their absence is checked here."""
        self._pinging = None
        if self._clients:
            self._pinging = asyncio.get_running_loop().call_later(self.beats.ping_every, self._ping)
        for client in tuple(self._clients):
            client.say(frames.PING_FRAME)
        self._refresh()

    # announcements

    def seen(self, view: MemberView) -> None:
        client = self._of.get(view.name)
        if client is not None and not client.keeps_token():
            client.end()
        self._look(view.name)

    def _look(self, name: str) -> None:
        """Announce a member if it came or went."""
        if self._is_here(name) == (name in self._here):
            return
        if name in self._here:
            self._tell(frames.peer_left_frame(self._here.pop(name)[0]), name)
            return
        client, project = self._of.get(name), self._hub.state.members[name].member.project
        shown, ip = name_mapping.full_name_of(self._hub.state, name), client.ip if client else GROUPCHAT_PROJECT
        self._here[name] = (shown, iso_from_seconds(self._hub.now))
        self._tell(frames.peer_joined_frame(shown, ip, project), name)

    def _is_here(self, name: str) -> bool:
        state = self._hub.state
        record = state.members.get(name)
        if record is None or name_mapping.is_viewer(record):
            return False
        return state.presence(record.member, self._hub.now) is Presence.ONLINE

    def _refresh(self) -> None:
        for name in self._here.keys() ^ self.here():
            self._look(name)

    def _tell(self, frame: bytes, about: str) -> None:
        for client in tuple(self._clients):
            if client.name != about:
                client.say(frame)

    def here(self) -> set[str]:
        """The members that can be reached now, over any interface."""
        return {name for name in self._hub.state.members if self._is_here(name)}

    def list_peers(self) -> list[dict[str, Any]]:
        """The list of peers. Changes are announced before a client sees them in a list."""
        self._refresh()
        return [self._entry(name, self._of.get(name)) for name in sorted(self.here())]

    def _entry(self, name: str, client: PeerClient | None) -> dict[str, Any]:
        _, since = self._here.get(name, ("", iso_from_seconds(self._hub.now)))
        return {
            "name": name_mapping.full_name_of(self._hub.state, name),
            "ip": client.ip if client else GROUPCHAT_PROJECT,
            "connected_at": client.since if client else since,
        }
