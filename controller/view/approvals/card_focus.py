"""Tracks which card is chosen, and what a key means that was typed for one. Pure: time is an argument.

A card can go at any moment: it is answered in its terminal or by another person, or another dialog replaces it. A key
already on its way must neither answer the next card nor start a message. So for a moment after a chosen card has gone,
keys that answer cards are dropped, and the chat says so.
"""

from __future__ import annotations

from enum import Enum

FOCUS_GUARD_S = 2.0
SECOND_KEY_WITHIN_S = 1.0
ANSWER_KEYS = frozenset("0123456789yn")


class KeyMeaning(Enum):
    """What a typed key means: an answer to the chosen card, a key that is dropped and reported, or text."""

    ANSWER = "answer"
    DROPPED = "dropped"
    TEXT = "text"


class CardFocus:
    def __init__(self) -> None:
        self.number: int | None = None
        self._keys: frozenset[str] = frozenset()
        self._guarded: frozenset[str] = frozenset()
        self._until = float("-inf")

    def choose(self, number: int, keys: frozenset[str]) -> None:
        """`keys` are those that the card takes."""
        self.number, self._keys, self._until = number, keys, float("-inf")

    def leave(self) -> None:
        self.number, self._until = None, float("-inf")

    def card_is_gone(self, now: float) -> None:
        """The chosen card cannot be answered any more."""
        self._guard(self._keys | ANSWER_KEYS, now + FOCUS_GUARD_S)

    def no_card_to_choose(self, now: float) -> None:
        """A card was to be chosen, and there is none."""
        self._guard(ANSWER_KEYS, now + FOCUS_GUARD_S)

    def mark_answered(self, key: str, now: float) -> None:
        """Mark the card as answered by this key, which may be pressed twice."""
        self._guard(frozenset({key}), now + SECOND_KEY_WITHIN_S)

    def _guard(self, keys: frozenset[str], until: float) -> None:
        self.number, self._guarded, self._until = None, keys, until

    def is_for_card(self, now: float) -> bool:
        """Whether a typed key may be something else than text."""
        return self.number is not None or now < self._until

    def meaning_of_key(self, key: str, now: float) -> KeyMeaning:
        if self.number is not None:
            if key in self._keys:
                return KeyMeaning.ANSWER
            return KeyMeaning.DROPPED if key in ANSWER_KEYS else KeyMeaning.TEXT
        return KeyMeaning.DROPPED if now < self._until and key in self._guarded else KeyMeaning.TEXT
