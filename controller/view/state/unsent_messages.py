"""Tracks messages from Enter until the gateway has stored or refused them. Pure: a table of events in, the messages to
show out.

Each message has an id that the chat chose. So it does not matter in which order the gateway's answer and the message
itself arrive, whether one of them comes twice, or whether the client reconnected in between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from gateway.protocol.text.addressing import AddressedText, Everyone
from gateway.protocol.types.core_types import bare_name


class SendStage(Enum):
    """SENDING: being sent, or waiting for the gateway. ACCEPTED: on the gateway's disk, not shown yet. REFUSED: not
    sent, for a reason; kept until the person sends or drops it."""

    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True)
class OutgoingMessage:
    """`place` orders it among the others; `line` is what the person typed; `number` is the message's once the gateway
    has it."""

    id: str
    place: int
    room: str
    said: AddressedText
    line: str
    timestamp: str
    stage: SendStage = SendStage.SENDING
    reason: str = ""
    number: int = 0
    wakes: tuple[str, ...] = ()

    @property
    def direct(self) -> bool:
        return bool(self.names) and not self.wakes

    @property
    def names(self) -> tuple[str, ...]:
        """Those whom it is said to, directly or in front of everyone; empty if it is for everyone."""
        if self.wakes:
            return self.wakes
        if any(isinstance(one, Everyone) for one in self.said.to):
            return ()
        return tuple(bare_name(str(one)) for one in self.said.to)


@dataclass(frozen=True)
class Outbox:
    waiting: tuple[OutgoingMessage, ...] = ()
    places: int = 0

    def add_message(  # noqa: PLR0913, PLR0917 - everything that is known of one message
        self,
        message_id: str,
        room: str,
        said: AddressedText,
        line: str,
        timestamp: str,
        wakes: tuple[str, ...] = (),
    ) -> Outbox:
        """Add a message after all others. Sending a refused one again replaces it."""
        new = OutgoingMessage(message_id, self.places, room, said, line, timestamp, wakes=wakes)
        return Outbox((*self.take_back(line).waiting, new), self.places + 1)

    def mark_shown(self, message_id: str) -> Outbox:
        """The stream shows the message."""
        if not any(one.id == message_id for one in self.waiting):
            return self
        return replace(self, waiting=tuple(one for one in self.waiting if one.id != message_id))

    def mark_accepted(self, message_id: str, number: int) -> Outbox:
        """The gateway has stored it under this number."""
        return self._changed(message_id, SendStage.ACCEPTED, number=number)

    def drop_passed(self, number: int) -> Outbox:
        """Drop accepted messages up to this number: all events up to it have arrived, so they will not
        be shown here."""
        kept = tuple(one for one in self.waiting if one.stage is not SendStage.ACCEPTED or one.number > number)
        return self if len(kept) == len(self.waiting) else replace(self, waiting=kept)

    def mark_refused(self, message_id: str, reason: str) -> Outbox:
        return self._changed(message_id, SendStage.REFUSED, reason)

    def take_back(self, line: str) -> Outbox:
        """Remove a refused message whose text is back in the composer."""
        kept = tuple(one for one in self.waiting if one.stage is not SendStage.REFUSED or one.line != line)
        return replace(self, waiting=kept)

    def _changed(self, message_id: str, stage: SendStage, reason: str = "", number: int = 0) -> Outbox:
        """Change the stage; a late event never changes an accepted one."""
        return replace(
            self,
            waiting=tuple(
                replace(one, stage=stage, reason=reason, number=number)
                if one.id == message_id and one.stage is not SendStage.ACCEPTED
                else one
                for one in self.waiting
            ),
        )

    @property
    def unsent(self) -> tuple[OutgoingMessage, ...]:
        """Messages of which it is unknown whether the gateway accepts them."""
        return tuple(one for one in self.waiting if one.stage is SendStage.SENDING)

    def of_room(self, room: str) -> tuple[OutgoingMessage, ...]:
        return tuple(one for one in self.waiting if one.room == room)
