"""What becomes of a key that was meant for a card: it answers, is dropped, or is text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from controller.view.approvals.card_focus import FOCUS_GUARD_S, SECOND_KEY_WITHIN_S, CardFocus, KeyMeaning

CARD = frozenset("123yno")
Scene = Callable[[CardFocus], None]


def chosen(focus: CardFocus) -> None:
    focus.choose(7, CARD)


def chosen_and_gone(focus: CardFocus) -> None:
    focus.choose(7, CARD)
    focus.card_is_gone(10.0)


def chosen_and_left(focus: CardFocus) -> None:
    focus.choose(7, CARD)
    focus.leave()


def gone_and_another_chosen(focus: CardFocus) -> None:
    chosen_and_gone(focus)
    focus.choose(8, frozenset("12"))


def none_to_choose(focus: CardFocus) -> None:
    focus.no_card_to_choose(10.0)


def answered_with_1(focus: CardFocus) -> None:
    focus.choose(7, CARD)
    focus.mark_answered("1", 10.0)


def nothing(focus: CardFocus) -> None:
    pass


A, D, T = KeyMeaning.ANSWER, KeyMeaning.DROPPED, KeyMeaning.TEXT


@pytest.mark.parametrize(
    ("scene", "at", "fates"),
    [
        (nothing, 10.0, {"1": T, "y": T, "/": T, "h": T}),
        (chosen, 10.0, {"1": A, "y": A, "n": A, "o": A, "5": D, "0": D, "w": T, "h": T, "/": T, "@": T}),
        (chosen, 9999.0, {"1": A, "5": D, "h": T}),
        (chosen_and_gone, 10.0, {"1": D, "2": D, "5": D, "y": D, "o": D, "w": T, "/": T, "@": T, "h": T}),
        (chosen_and_gone, 10.0 + FOCUS_GUARD_S - 0.01, {"1": D, "h": T}),
        (chosen_and_gone, 10.0 + FOCUS_GUARD_S, {"1": T, "y": T}),
        (chosen_and_left, 10.0, {"1": T, "y": T}),
        (gone_and_another_chosen, 10.1, {"1": A, "3": D, "y": D, "o": T}),
        (none_to_choose, 10.5, {"1": D, "n": D, "o": T, "h": T}),
        (none_to_choose, 10.0 + FOCUS_GUARD_S, {"1": T}),
        (answered_with_1, 10.0 + SECOND_KEY_WITHIN_S - 0.01, {"1": D, "2": T, "y": T, "h": T}),
        (answered_with_1, 10.0 + SECOND_KEY_WITHIN_S, {"1": T}),
    ],
)
def test_a_key_meant_for_a_card_never_becomes_text(scene: Scene, at: float, fates: dict[str, KeyMeaning]) -> None:
    focus = CardFocus()
    scene(focus)
    assert {key: focus.meaning_of_key(key, at) for key in fates} == fates
    assert focus.is_for_card(at) or set(fates.values()) == {T}


def test_the_guard_outlives_the_keys_that_it_drops() -> None:
    focus = CardFocus()
    chosen_and_gone(focus)
    assert [focus.meaning_of_key(key, 10.5) for key in "2/decisions"][:2] == [D, T]
    assert focus.meaning_of_key("2", 11.0) is D
