"""Knows who is in which room, so that names in the agent's text can be recognised."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from gateway.protocol.events import MemberAction, MemberEvent, RoomAction, RoomEvent, Welcome
from gateway.protocol.types.core_types import EVERYONE_NAME
from sidecar.messages.sealed_turns import never_sealed


class RoomMembers:
    """Of the rooms, it knows the members of those that the agent was in at the last welcome: only their changes are
    told to it. What it does not know, the gateway checks."""

    def __init__(self, project: Path, welcome: Welcome, is_sealed_room: Callable[[str], bool] = never_sealed) -> None:
        self._project, self._is_sealed_room = project, is_sealed_room
        self.are(welcome)

    def are(self, welcome: Welcome) -> None:
        """Replace all by those of a welcome."""
        self._me = welcome.you.name
        self._names = {one.name for one in welcome.members}
        self._open = {room.name for room in welcome.rooms if not room.invite_only}
        self._in_room = {room.name: set(room.members) for room in welcome.rooms if self._me in room.members}

    def changed(self, event: MemberEvent | RoomEvent) -> None:
        if isinstance(event, RoomEvent):
            self._moved(event)
            return
        stays = event.action is not MemberAction.LEFT
        (self._names.add if stays else self._names.discard)(event.member.name)

    def _moved(self, event: RoomEvent) -> None:
        """Somebody has joined or left a room."""
        if event.action is RoomAction.LEFT and event.member == self._me:
            self._in_room.pop(event.room, None)
        elif (inside := self._in_room.get(event.room)) is not None and event.member is not None:
            if event.action is RoomAction.JOINED:
                inside.add(event.member)
            elif event.action is RoomAction.LEFT:
                inside.discard(event.member)

    def names_in(self, room: str) -> list[str]:
        """The members that a message in this room may address. A member that no known room has may be there."""
        inside = self._in_room.get(room)
        if inside is None:
            return sorted(self._names)
        elsewhere = set().union(*self._in_room.values()) - inside
        return sorted(self._names - elsewhere)

    @property
    def place(self) -> int:
        """Its place among all known members by name, which no other member has."""
        return sum(one < self._me for one in self._names)

    def is_open(self, room: str) -> bool:
        """Whether everyone may read it. A room that is newer than the last welcome counts as invite-only; a sealed room
        always, whatever the gateway says of it."""
        return room in self._open and not self._is_sealed_room(room)

    def is_name(self, word: str) -> bool:
        """Whether `@word` means a member, and no file that the agent could read instead."""
        known = word.lower() == EVERYONE_NAME or word.lower() in self._names
        return known and not os.path.lexists(self._project / word)
