"""Which messages may be typed although the gateway could have changed them, and whether what the agent does now comes
from a sealed conversation: then nothing of it leaves this machine in plain text. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from gateway.encryption.member_client.checked_messages import check_of
from gateway.protocol.events import Message

NOT_SEALED_TEXT = "it was not sealed, so nothing proves that a member of this sealed room wrote it"
NO_KEY_TEXT = (
    "it is sealed, and this machine has no key of {name}: `groupchat key new {name} --unattended` makes one, "
    "then restart its sidecar"
)


class SealedPlace(NamedTuple):
    """The sealed conversation of a turn: a room, or, with a `sender`, a direct message in it."""

    room: str
    sender: str = ""

    def readers(self, is_sealed_room: Callable[[str], bool]) -> tuple[str, ...]:
        """Who may read what the agent does there: the members of a sealed room (none is named), else the sender."""
        return () if is_sealed_room(self.room) or not self.sender else (self.sender,)


TURN_FAILED_TEXT = "the turn failed"
NoteSealedTurn = Callable[["SealedPlace | None", bool], None]


def is_sealed(message: Message) -> bool:
    """Whether it came sealed, readable or not."""
    return check_of(message).was_sealed or getattr(message, "sealed", None) is not None


def never_sealed(_: str) -> bool:
    """No room is sealed."""
    return False


def without_vendor_text(reason: str) -> str:
    """The reason without what the vendor's program said of the turn, which may quote it."""
    return TURN_FAILED_TEXT if reason.startswith(f"{TURN_FAILED_TEXT}:") else reason


def why_not_typed(me: str, message: Message, is_sealed_room: Callable[[str], bool]) -> str:
    """Why the agent must not get this message; empty if it may."""
    check = check_of(message)
    if check.proof.is_refused:
        return message.content
    if is_sealed(message) and not check.was_sealed:
        return NO_KEY_TEXT.format(name=me)
    if is_sealed_room(message.room) and not check.was_sealed:
        return NOT_SEALED_TEXT
    return ""


def _note_nothing(_: SealedPlace | None, __: bool) -> None:
    """Nothing is kept for a later run."""


class SealedTurn:
    """`place`: where the agent's current turn comes from, or its last one while it rests; None: nothing of it was
    sealed. `has_been`: the agent has had a sealed message, which its screen may still show. `note` keeps both for a
    later run, which may come back to the same conversation."""

    def __init__(
        self, place: SealedPlace | None = None, has_been: bool = False, note: NoteSealedTurn = _note_nothing
    ) -> None:
        self.place, self.has_been, self._note = place, has_been, note
        self._has_any = False
        self._read: SealedPlace | None = None

    def note_typing(self, messages: Collection[Message]) -> None:
        """These are about to appear on the agent's screen."""
        self._read = self._read if self._has_any else None
        if place := _newest_place(messages):
            self._become(place)

    def note_read(self, messages: Collection[Message]) -> None:
        """The agent has got these by a tool, in the turn that runs."""
        if place := _newest_place(messages):
            self._read = place
            self._become(self.place or place)

    def note_in_hand(self, messages: Collection[Message]) -> None:
        """The agent has these messages now. When it has none, its last turn still counts."""
        self._has_any = bool(messages)
        if messages:
            self._become(_newest_place(messages) or self._read)

    def _become(self, place: SealedPlace | None) -> None:
        has_been = self.has_been or place is not None
        if (place, has_been) != (self.place, self.has_been):
            self.place, self.has_been = place, has_been
            self._note(place, has_been)


def _newest_place(messages: Collection[Message]) -> SealedPlace | None:
    """One sealed message makes the whole turn sealed."""
    found = [one for one in messages if is_sealed(one)]
    if not found:
        return None
    newest = max(found, key=lambda one: one.seq)
    return SealedPlace(newest.room, newest.from_ if newest.recipients else "")
