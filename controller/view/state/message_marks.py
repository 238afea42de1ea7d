"""What members put on the messages of a chat: reactions and pins, and which message was replaced. Pure.

Live events keep it current. The reactions of a loaded page are asked for after the page is shown; events that arrive
meanwhile are applied to the answer again, so that their order does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.protocol.events import Message, PinEvent, ReactionEvent
from gateway.protocol.results import MessageReactions, PinView

MAX_MARKED_MESSAGES = 6000

Reactions = dict[str, tuple[str, ...]]


@dataclass
class MessageMarks:
    """By the number of the message: the members behind each sign, who pinned it, and what replaced it."""

    reactions: dict[int, Reactions] = field(default_factory=dict)
    pinned: dict[int, str] = field(default_factory=dict)
    replaced: dict[int, int] = field(default_factory=dict)
    _late: dict[int, list[ReactionEvent]] = field(default_factory=dict)

    def take(self, event: object) -> int | None:
        """Apply an event; return the number of the message that looks different now."""
        match event:
            case ReactionEvent():
                if event.message in self._late:
                    self._late[event.message].append(event)
                self._react(event)
                return event.message
            case PinEvent():
                self._pin(event)
                return event.message
            case Message(replaces=int(number)):
                self.replaced[number] = event.seq
                return number
        return None

    def note_messages(self, messages: Iterable[Message]) -> list[int]:
        """A page was loaded: note what its messages replaced; return those numbers."""
        found = {one.replaces: one.seq for one in messages if one.replaces is not None}
        self.replaced.update(found)
        return list(found)

    def begin_asking(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._late.setdefault(number, [])

    def restore(self, numbers: Iterable[int], answers: Iterable[MessageReactions]) -> list[int]:
        """The answer for these messages; return those that look different now."""
        given = {one.message: {it.sign: it.members for it in one.reactions} for one in answers}
        changed = []
        for number in numbers:
            before = self.reactions.pop(number, {})
            if number in given:
                self.reactions[number] = given[number]
            for event in self._late.pop(number, []):
                self._react(event)
            if self.reactions.get(number, {}) != before:
                changed.append(number)
        self._forget()
        return changed

    def stop_asking(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._late.pop(number, None)

    def restore_pins(self, pins: Iterable[PinView]) -> list[int]:
        """The pins of a room; return its pinned messages."""
        found = {one.message.seq: one.by for one in pins}
        self.pinned.update(found)
        return list(found)

    def own_signs(self, number: int, me: str) -> tuple[str, ...]:
        return tuple(sign for sign, members in self.reactions.get(number, {}).items() if me in members)

    def _react(self, event: ReactionEvent) -> None:
        signs = self.reactions.setdefault(event.message, {})
        members = tuple(one for one in signs.get(event.sign, ()) if one != event.by)
        signs[event.sign] = members if event.removed else (*members, event.by)
        if not signs[event.sign]:
            del signs[event.sign]
        if not signs:
            del self.reactions[event.message]

    def _pin(self, event: PinEvent) -> None:
        if event.removed:
            self.pinned.pop(event.message, None)
        else:
            self.pinned[event.message] = event.by

    def _forget(self) -> None:
        """Keep the newest. A page that is loaded again asks again."""
        for old in sorted(self.reactions)[: max(0, len(self.reactions) - MAX_MARKED_MESSAGES)]:
            del self.reactions[old]
