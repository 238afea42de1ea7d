"""Knows who is in the room, so that names in the agent's text can be recognised."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from gateway.protocol.events import MemberAction, MemberEvent, MemberView
from gateway.protocol.types import EVERYONE_NAME


class RoomMembers:
    def __init__(self, project: Path, members: Iterable[MemberView]) -> None:
        self._project = project
        self.are(members)

    def are(self, members: Iterable[MemberView]) -> None:
        """Replace the members by those of a welcome."""
        self._names = {one.name for one in members}

    def changed(self, event: MemberEvent) -> None:
        stays = event.action is not MemberAction.LEFT
        (self._names.add if stays else self._names.discard)(event.member.name)

    def names(self) -> list[str]:
        return sorted(self._names)

    def is_name(self, word: str) -> bool:
        """Whether `@word` means a member, and no file that the agent could read instead."""
        known = word.lower() == EVERYONE_NAME or word.lower() in self._names
        return known and not os.path.lexists(self._project / word)
