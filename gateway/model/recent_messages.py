"""The headers of the newest messages: author, room, recipients. They decide who may read a message. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from gateway.protocol.events import Message

MAX_KEPT_MESSAGES = 10_000


class MessageHeader(NamedTuple):
    """A message without its content."""

    room: str
    from_: str
    recipients: tuple[str, ...] = ()
    deliveries: tuple[str, ...] = ()

    @classmethod
    def of(cls, message: Message) -> MessageHeader:
        return cls(message.room, message.from_, message.recipients, message.deliveries)


class RecentMessages(OrderedDict[int, MessageHeader]):
    """The newest messages by number."""

    def note(self, message: Message) -> None:
        self[message.seq] = MessageHeader.of(message)
        if len(self) > MAX_KEPT_MESSAGES:
            self.popitem(last=False)
