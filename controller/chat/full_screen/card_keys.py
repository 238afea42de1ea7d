"""Questions and votes answered by keys: F2 chooses a card, and its keys answer it.

What a key means for a chosen card is decided in `controller/view/approvals/card_focus.py`.
"""

from __future__ import annotations

from controller.chat.full_screen.screen_interface import ScreenForParts
from controller.chat.full_screen.select_mode import SelectMode
from controller.view.approvals.card_focus import KeyMeaning
from controller.view.approvals.question_view import QuestionView
from controller.wording.decision_text import DecisionCard


class CardKeys:
    def __init__(self, screen: ScreenForParts, select: SelectMode) -> None:
        self._screen, self._select = screen, select
        self._shown: int | None = None  # the card that was shown last

    def choose_oldest(self) -> None:
        asks = self._screen.chat.state.open_cards()
        if not asks:
            self._screen.rows.focus.no_card_to_choose(self._screen.chat.clock())
            self._screen.say("No open questions.")
            return
        numbers = [one.number for one in asks]
        place = numbers.index(self._screen.rows.selected) + 1 if self._screen.rows.selected in numbers else 0
        self.choose(asks[place % len(numbers)])

    def choose(self, card: QuestionView | DecisionCard) -> None:
        self._select.leave()
        self._screen.overlay = None
        self._screen.rows.focus.choose(card.number, self.keys_of(card))
        self._begin_answer(card)
        self._shown = card.number
        self._show(card.number)

    def ways_to_answer(self, cards: list[QuestionView | DecisionCard]) -> str:
        """F2, unless none of them takes a key from this person."""
        return "F2" if any(isinstance(one, DecisionCard) or self.keys_of(one) for one in cards) else "in its terminal"

    def keys_of(self, card: QuestionView | DecisionCard) -> frozenset[str]:
        if isinstance(card, DecisionCard):
            return frozenset(one.key for one in card.choices)
        return card.keys(self._screen.chat.state.me, panes=self._screen.chat.state.panes)

    def _show(self, number: int) -> None:
        key = (number, 0)
        if key in self._screen.chat.state.stream.entries:
            self._screen.jump(key)
        else:
            self._screen.port.follow()

    def _begin_answer(self, card: QuestionView | DecisionCard) -> None:
        """Start an answer in words on the input line."""
        if isinstance(card, DecisionCard) and not card.choices:
            self._begin_line(f"/vote {card.decision.id} ")

    def _begin_line(self, text: str) -> None:
        if self._screen.buffer.text:
            self._screen.say(f"Send or clear your text first; then {text.strip()} ...")
        else:
            self._screen.buffer.insert_text(text)

    @property
    def takes_keys(self) -> bool:
        """Whether a typed key may be for a card."""
        return self._screen.rows.focus.is_for_card(self._screen.chat.clock())

    def press(self, key: str) -> bool:
        """Whether the key was for a card: it answers the chosen one, or is dropped because that card is gone."""
        self.check_focus()
        card = self._screen.chat.state.card(self._screen.rows.selected)
        fate = self._screen.rows.focus.meaning_of_key(key, self._screen.chat.clock())
        if fate is KeyMeaning.ANSWER and card is not None:
            self._answer(card, key)
        elif fate is KeyMeaning.DROPPED:
            self._screen.say(_dropped_key_text(card, key), "class:warning")
        else:
            self._screen.rows.focus.leave()
        return fate is not KeyMeaning.TEXT

    def _answer(self, card: QuestionView | DecisionCard, key: str) -> None:
        if isinstance(card, QuestionView) and card.opens_refusal_line(key):
            self._screen.rows.focus.leave()
            self._begin_line(f"/deny {card.member} because ")
        elif isinstance(card, QuestionView) and card.opens(key):
            self._screen.start(self._screen.show_answer(self._screen.chat.show_pane(card.member)))
        elif (answer := card.answer_for(key)) is not None:
            self._screen.rows.focus.mark_answered(key, self._screen.chat.clock())
            self._leave(card.number)
            self._screen.start(self._screen.show_answer(self._screen.chat.answer_card(card, answer)))

    def _leave(self, number: int) -> None:
        """Leave a card, and follow the newest message again."""
        self._screen.rows.unfolded.discard((number, 0))
        if self._screen.chat.state.stream.at_tail:
            self._screen.port.follow()

    def check_focus(self) -> None:
        """Report a chosen card that is no longer open, and drop keys meant for it for a moment."""
        number, anchor = self._screen.rows.selected, self._screen.port.anchor
        if anchor is not None and anchor == (self._shown, 0) and self._screen.chat.state.card(self._shown) is None:
            self._leave(anchor[0])
        card = self._screen.chat.state.card(number)
        if number is None or card is not None:
            if card is not None:
                self._screen.rows.focus.choose(card.number, self.keys_of(card))  # its details may have arrived since
            return
        self._screen.rows.focus.card_is_gone(self._screen.chat.clock())
        self._leave(number)
        ask = self._screen.chat.state.asks.get(number)
        self._screen.say(
            f"{ask.member}'s question is gone: {ask.outcome}." if ask else "That question is gone.", "class:warning"
        )


def _dropped_key_text(card: QuestionView | DecisionCard | None, key: str) -> str:
    if card is None:
        return f"{key!r} was dropped: its question is gone."
    return f"{card.member}'s question takes no {key!r}; Esc leaves it."
