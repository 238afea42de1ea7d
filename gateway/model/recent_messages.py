"""Who said the last messages, where and to whom: enough to decide who may read them. Pure."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from gateway.protocol.events import Message

KEPT_MESSAGES = 10_000


class Head(NamedTuple):
    """A message without its words."""

    room: str
    from_: str
    recipients: tuple[str, ...] = ()
    deliveries: tuple[str, ...] = ()

    @classmethod
    def of(cls, message: Message) -> Head:
        return cls(message.room, message.from_, message.recipients, message.deliveries)


class Recent(OrderedDict[int, Head]):
    """The newest messages by number."""

    def note(self, message: Message) -> None:
        self[message.seq] = Head.of(message)
        if len(self) > KEPT_MESSAGES:
            self.popitem(last=False)
