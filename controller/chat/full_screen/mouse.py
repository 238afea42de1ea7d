"""The mouse, where the person has asked for it: the wheel scrolls, a click does what a key does.

What a click is on is told by the painter (`layout.py`); what may be answered by clicks is decided in
`controller/view/stream/click_targets.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.document import Document
from prompt_toolkit.mouse_events import MouseButton, MouseEvent, MouseEventType

from controller.chat.full_screen.card_keys import CardKeys
from controller.chat.full_screen.screen_interface import ScreenForParts
from controller.view.approvals.question_view import QuestionView
from controller.view.stream.click_targets import (
    ClickTarget,
    EntryTarget,
    ItemTarget,
    MemberTarget,
    OptionClicks,
    RoomTarget,
)
from controller.wording.decision_text import DecisionCard
from gateway.protocol.types.core_types import MemberKind

WHEEL_ROWS = 3
WRITTEN_TEXT = "Send or clear your text first; it is for this room."


class MouseControl:
    """`target_at` tells what is painted at a column and a row."""

    def __init__(
        self, screen: ScreenForParts, cards: CardKeys, target_at: Callable[[int, int], ClickTarget | None]
    ) -> None:
        self._screen, self._cards, self._target_at = screen, cards, target_at
        self._pressed: ClickTarget | None = None
        self._options = OptionClicks()

    def handle(self, event: MouseEvent) -> None:
        kind = event.event_type
        if kind is MouseEventType.SCROLL_UP:
            self._screen.scroll(WHEEL_ROWS)
        elif kind is MouseEventType.SCROLL_DOWN:
            self._screen.scroll(-WHEEL_ROWS)
        elif kind is MouseEventType.MOUSE_DOWN and event.button is MouseButton.LEFT:
            self._pressed = self._target_at(event.position.x, event.position.y)
        elif kind is MouseEventType.MOUSE_UP:
            pressed, self._pressed = self._pressed, None
            if pressed is not None and pressed == self._target_at(event.position.x, event.position.y):
                self._click(pressed)

    def _click(self, target: ClickTarget) -> None:
        self._screen.hint = ""
        if not isinstance(target, EntryTarget):
            self._options.forget()
        match target:
            case RoomTarget():
                self._enter_room(target)
            case MemberTarget(name):
                self._address(name)
            case ItemTarget(item):
                self._screen.choose_item(item)
            case EntryTarget():
                self._click_entry(target)

    def _enter_room(self, room: RoomTarget) -> None:
        """As Alt and a digit do: what is written is for the room that is shown."""
        if self._screen.buffer.text:
            self._screen.say(WRITTEN_TEXT, "class:warning")
        elif room.name != self._screen.chat.state.room:
            self._submit(f"/room {room.number}" if room.number else f"/join {room.name}")

    def _address(self, name: str) -> None:
        """The first click addresses the line to the member, the next one asks why an agent is silent."""
        buffer, member = self._screen.buffer, self._screen.chat.state.members.get(name)
        if not buffer.text.lstrip().startswith(("@", "/", "!")):
            text = f"@{name} {buffer.text}"
            buffer.document = Document(text, len(text))
        elif buffer.text.strip() == f"@{name}" and member is not None and member.kind is MemberKind.AGENT:
            buffer.reset()
            self._submit(f"/why {name}")
        else:
            self._screen.say("Your text is addressed already; clear it first.", "class:warning")

    def _click_entry(self, target: EntryTarget) -> None:
        screen = self._screen
        card = screen.chat.state.card(target.key[0])
        if card is None or (card.number, 0) != target.key:
            self._options.forget()
            if target.folded:
                screen.toggle_fold(target.key)
        elif screen.rows.selected != card.number:
            self._options.forget()
            self._cards.choose(card)
        elif target.folded:
            screen.toggle_fold(target.key)
        elif target.option:
            self._click_option(card, target.option)

    def _click_option(self, card: QuestionView | DecisionCard, option: str) -> None:
        """Only after a second click on the same option; a key answers at once, because nobody presses one by chance."""
        screen = self._screen
        if option not in self._cards.keys_of(card):
            screen.say(f"{option!r} cannot be chosen here.", "class:warning")
        elif self._options.is_confirmed(card.number, option, screen.chat.clock()):
            self._cards.press(option)
        else:
            screen.say(f"Click {option!r} once more to answer {card.member}, or press its key. Esc leaves it.")

    def _submit(self, line: str) -> None:
        self._screen.start(self._screen.show_answer(self._screen.chat.submit(line)))
