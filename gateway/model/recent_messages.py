"""Who said the last messages, where and to whom: enough to decide who may read them. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from gateway.protocol.events import Message

MAX_KEPT_MESSAGES = 10_000


class MessageHeader(NamedTuple):
    """A message without its words."""

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
