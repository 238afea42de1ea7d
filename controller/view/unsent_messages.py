"""What was written in this chat and is not in the room yet: each message from Enter until the room has it, or refuses
it. Pure: a table of events in, the messages to show out.

A message is known by the id that the chat chose. So it does not matter in which order the gateway's answer and the
message itself arrive, whether one of them comes twice, or whether the connection was made again in between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from gateway.protocol.text.addressing import AddressedText, Everyone


class SendStage(Enum):
    """SENDING: on its way, or waiting for the gateway. ACCEPTED: on the gateway's disk, and about to be shown.
    REFUSED: not sent, for a reason; it is kept until the person sends or drops it."""

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

    @property
    def names(self) -> tuple[str, ...]:
        """Whom it is for; nobody in particular where it is for everyone."""
        if any(isinstance(one, Everyone) for one in self.said.to):
            return ()
        return tuple(str(one).removeprefix("@") for one in self.said.to)


@dataclass(frozen=True)
class Outbox:
    waiting: tuple[OutgoingMessage, ...] = ()
    places: int = 0

    def add_message(self, message_id: str, room: str, said: AddressedText, line: str, timestamp: str) -> Outbox:
        """A new one, behind all others. Sending again what was refused takes the refused one's place."""
        new = OutgoingMessage(message_id, self.places, room, said, line, timestamp)
        return Outbox((*self.take_back(line).waiting, new), self.places + 1)

    def mark_shown(self, message_id: str) -> Outbox:
        """The room shows it."""
        if not any(one.id == message_id for one in self.waiting):
            return self
        return replace(self, waiting=tuple(one for one in self.waiting if one.id != message_id))

    def mark_accepted(self, message_id: str, number: int) -> Outbox:
        """The gateway has it, as this number."""
        return self._changed(message_id, SendStage.ACCEPTED, number=number)

    def drop_passed(self, number: int) -> Outbox:
        """All events up to this one have come. What the gateway has, and does not show here, is not to come."""
        kept = tuple(one for one in self.waiting if one.stage is not SendStage.ACCEPTED or one.number > number)
        return self if len(kept) == len(self.waiting) else replace(self, waiting=kept)

    def mark_refused(self, message_id: str, reason: str) -> Outbox:
        return self._changed(message_id, SendStage.REFUSED, reason)

    def take_back(self, line: str) -> Outbox:
        """What was refused stands in the composer again."""
        kept = tuple(one for one in self.waiting if one.stage is not SendStage.REFUSED or one.line != line)
        return replace(self, waiting=kept)

    def _changed(self, message_id: str, stage: SendStage, reason: str = "", number: int = 0) -> Outbox:
        """What is accepted stays accepted, whatever comes late."""
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
        """Nobody knows yet whether the gateway takes these."""
        return tuple(one for one in self.waiting if one.stage is SendStage.SENDING)

    def of_room(self, room: str) -> tuple[OutgoingMessage, ...]:
        return tuple(one for one in self.waiting if one.room == room)
