"""Brings what a member has said so far of an unfinished message to those who will read it. It is in memory only, and
only while it is sent."""

from __future__ import annotations

from collections.abc import Callable

from gateway.protocol import codec
from gateway.protocol.events import PartialText
from gateway.push.event_broadcaster import Broadcaster

PassOn = Callable[[bytes], None]


class PartialTexts:
    def __init__(self, broadcaster: Broadcaster) -> None:
        self._broadcaster = broadcaster
        self.others: list[PassOn] = []  # called with what the members of other gateways of the same log should see

    def show(self, partial: PartialText) -> None:
        frame = codec.encode(partial)
        self.show_here(partial, frame)
        for pass_on in self.others:
            pass_on(frame)

    def show_here(self, partial: PartialText, frame: bytes) -> None:
        """`ends` as for a message: a direct one is seen by its two ends and by observers."""
        ends = (partial.member, *partial.to) if partial.to else None
        self._broadcaster.tell_readers(frame, partial.room, ends, but=partial.member)
