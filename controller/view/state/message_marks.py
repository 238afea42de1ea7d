"""What members put on the messages of a chat: reactions and pins, and which message was replaced. Pure.

Live events keep it current. Reactions and pins are asked for after a page is shown; events that arrive meanwhile are
applied to the answer again, so that their order does not matter.
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

    def take(self, event: object) -> int | None:
        """Apply an event; return the number of the message that looks different now."""
        match event:
            case ReactionEvent():
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

    def restore(
        self, numbers: Iterable[int], answers: Iterable[MessageReactions], meanwhile: Iterable[object] = ()
    ) -> list[int]:
        """The answer for these messages, and what came while it was asked for; return those that look different now."""
        given = {one.message: {it.sign: it.members for it in one.reactions} for one in answers}
        before = {number: self.reactions.pop(number, {}) for number in numbers}
        self.reactions.update((number, given[number]) for number in before if number in given)
        for event in meanwhile:
            if isinstance(event, ReactionEvent) and event.message in before:
                self._react(event)
        changed = [number for number, signs in before.items() if self.reactions.get(number, {}) != signs]
        self._forget()
        return changed

    def restore_pins(self, pins: Iterable[PinView], meanwhile: Iterable[object] = ()) -> list[int]:
        """The pins of a room, and what came while they were asked for; return its pinned messages."""
        found = {one.message.seq: one.by for one in pins}
        self.pinned.update(found)
        for event in meanwhile:
            if isinstance(event, PinEvent):
                self._pin(event)
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
