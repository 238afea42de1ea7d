"""What members have said so far of messages that are not finished, as it is shown below the newest message. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.client import ConnectionLost
from gateway.protocol.events import Message, PartialText, PresenceChanged, Welcome
from gateway.protocol.types.core_types import Presence

MAX_KEPT_CHARS = 4000  # the end of it is shown
GAP_MARK = "…"


@dataclass(frozen=True)
class UnfinishedText:
    """`end`: how many characters the member has said; `version` counts its changes. It has no time of its own."""

    member: str
    room: str
    to: tuple[str, ...] = ()
    text: str = ""
    end: int = 0
    version: int = 0
    timestamp: str = ""


class UnfinishedTexts:
    """One for each member: a member says one thing at a time."""

    def __init__(self) -> None:
        self._of: dict[str, UnfinishedText] = {}
        self._versions = 0

    def take(self, event: object) -> bool:
        """Returns whether something is to be shown differently."""
        match event:
            case PartialText():
                self._partial(event)
                return True
            case Message(from_=name):
                return self._of.pop(name, None) is not None
            case PresenceChanged(member=member) if member.presence is not Presence.ONLINE:
                return self._of.pop(member.name, None) is not None
            case Welcome() | ConnectionLost():
                known, self._of = self._of, {}
                return bool(known)
        return False

    def _partial(self, event: PartialText) -> None:
        if event.ended:
            self._of.pop(event.member, None)
            return
        self._versions += 1
        before = self._of.get(event.member)
        goes_on = before is not None and 0 < event.at == before.end
        known = before.text if before is not None and event.at else ""
        text = f"{known}{event.text}" if goes_on or not event.at else f"{known}{GAP_MARK}{event.text}"
        self._of[event.member] = UnfinishedText(
            event.member, event.room, event.to, text[-MAX_KEPT_CHARS:], event.at + len(event.text), self._versions
        )

    def of_room(self, room: str) -> Sequence[UnfinishedText]:
        """In a fixed order, so that none changes its place while it grows."""
        return sorted((one for one in self._of.values() if one.room == room), key=lambda one: one.member)
