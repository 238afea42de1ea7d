"""The headers of the newest messages: author, room, recipients. They decide who may read a message. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from gateway.protocol.events import Message

MAX_KEPT_MESSAGES = 10_000


class MessageHeader(NamedTuple):
    """A message without its content."""

    room: str
    from_: str
    recipients: tuple[str, ...] = ()
    deliveries: tuple[str, ...] = ()
    timestamp: str = ""

    @classmethod
    def of(cls, message: Message) -> MessageHeader:
        return cls(message.room, message.from_, message.recipients, message.deliveries, message.timestamp)


def readers_of_direct(sender: str, names: Sequence[str]) -> tuple[str, ...]:
    return (sender, *(name for name in names if name != sender))


class RecentMessages(OrderedDict[int, MessageHeader]):
    """The newest messages by number."""

    def note(self, message: Message) -> None:
        self[message.seq] = MessageHeader.of(message)
        if len(self) > MAX_KEPT_MESSAGES:
            self.popitem(last=False)
