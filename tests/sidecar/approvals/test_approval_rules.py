"""A dialog in the room as histories: looks, orders and what came of them in; what is told and pressed out."""

from dataclasses import replace

import pytest

from gateway.protocol.types import AskState
from sidecar.approvals.approval_rules import (
    AT_KEYBOARD,
    CHANGED,
    NOT_TAKEN,
    SETTLE,
    SETTLE_TOLD,
    SETTLE_UNREADABLE,
    UNREADABLE,
    WORDS_LOST,
    Approvals,
    Close,
    Decide,
    Open,
    Order,
    Press,
    Pressed,
    Sight,
)
from sidecar.approvals.dialogs import Choice, Question

CHOICES = (Choice("1", "Yes"), Choice("2", "No"))
ASKS = Question("a" * 16, "Run it?", CHOICES, "1", "2")
OTHER = Question("b" * 16, "Run that?", CHOICES, "1", "esc")
PICKER = Question("c" * 16, "Which?", CHOICES)
BLANK = Question("d" * 16, "")
WAITS = replace(ASKS, hook=True, told=True, words=True)
NOBODY = Sight(None)


def order(answer: str = "allow", question: Question = ASKS) -> Order:
    return Order(7, question.digest, answer, "alice")


def standing(question: Question = ASKS) -> Approvals:
    """After a dialog has been told."""
    approvals = Approvals()
    assert approvals.looked(Sight(question), 0.0) == []
    assert approvals.looked(Sight(question), 10.0) == [Open(question)]
    return approvals


def test_a_dialog_is_told_once_it_stands_still() -> None:
    approvals = Approvals()
    assert approvals.looked(Sight(OTHER), 0.0) == []
    assert approvals.looked(Sight(ASKS), 0.2) == []
    assert approvals.due(0.2) == pytest.approx(SETTLE + 0.001)
    assert approvals.looked(Sight(ASKS), 0.2 + SETTLE - 0.01) == []
    assert approvals.looked(Sight(ASKS), 0.2 + SETTLE) == [Open(ASKS)]
    assert approvals.looked(Sight(ASKS), 9.0) == []
    assert approvals.due(9.0) is None


def test_one_that_cannot_be_read_is_given_time_to_be_drawn() -> None:
    approvals = Approvals()
    approvals.looked(Sight(BLANK), 0.0)
    assert approvals.looked(Sight(BLANK), SETTLE_UNREADABLE - 0.01) == []
    assert approvals.looked(Sight(BLANK), SETTLE_UNREADABLE) == [Open(BLANK)]


def test_half_a_repaint_does_not_end_it() -> None:
    approvals = standing()
    assert approvals.looked(NOBODY, 11.0) == []
    assert approvals.looked(Sight(ASKS), 11.1) == []
    assert approvals.looked(Sight(ASKS), 19.0) == []


@pytest.mark.parametrize(("since_key", "reason"), [(0.5, "answered at the terminal"), (60.0, "the dialog went away")])
def test_it_ends_without_the_room(since_key: float, reason: str) -> None:
    approvals = standing()
    approvals.looked(NOBODY, 11.0)
    assert approvals.looked(Sight(None, since_key), 12.0) == [Close(ASKS.digest, AskState.CLOSED, reason)]
    assert approvals.looked(NOBODY, 13.0) == []


def test_another_one_makes_it_stale() -> None:
    approvals = standing()
    approvals.looked(Sight(OTHER), 11.0)
    assert approvals.looked(Sight(OTHER), 12.0) == [
        Close(ASKS.digest, AskState.STALE, "another question came"),
        Open(OTHER),
    ]


@pytest.mark.parametrize(("answer", "key"), [("allow", b"1"), ("deny", b"2"), ("1", b"1"), ("2", b"2")])
def test_an_answer_is_the_key_that_stands_there(answer: str, key: bytes) -> None:
    approvals = standing()
    press = Press(order(answer), key)
    assert approvals.ordered(order(answer), Sight(ASKS)) == [press]
    approvals.acted(10.5, "so")
    assert approvals.came_of(press, Pressed.GONE, NOBODY) == []
    approvals.looked(NOBODY, 11.0)
    ended = Close(ASKS.digest, AskState.ANSWERED, "so")
    assert approvals.looked(NOBODY, 12.0) == [ended]


def test_escape_is_pressed_only_for_a_no_and_where_the_dialog_offers_it() -> None:
    assert standing(OTHER).ordered(order("deny", OTHER), Sight(OTHER)) == [Press(order("deny", OTHER), b"\x1b")]
    assert standing(PICKER).ordered(order("deny", PICKER), Sight(PICKER)) == [Open(PICKER, UNREADABLE)]
    assert standing(OTHER).ordered(order("esc", OTHER), Sight(OTHER)) == [Open(OTHER, UNREADABLE)]


@pytest.mark.parametrize("answer", ["allow", "deny", "3", "\r", "12", "", "y"])
def test_nothing_is_pressed_that_is_not_on_the_screen(answer: str) -> None:
    approvals = standing(PICKER)
    assert approvals.ordered(order(answer, PICKER), Sight(PICKER)) == [Open(PICKER, UNREADABLE)]


def test_a_dialog_that_changed_takes_no_answer() -> None:
    approvals = standing()
    assert approvals.ordered(order(), Sight(OTHER)) == [Close(ASKS.digest, AskState.STALE, CHANGED)]
    approvals.looked(Sight(OTHER), 11.0)
    assert approvals.looked(Sight(OTHER), 12.0) == [Open(OTHER)]


def test_a_dialog_that_changed_just_before_the_key_takes_none() -> None:
    approvals = standing()
    (press,) = approvals.ordered(order(), Sight(ASKS))
    assert isinstance(press, Press)
    assert approvals.came_of(press, Pressed.CHANGED, Sight(OTHER)) == [Close(ASKS.digest, AskState.STALE, CHANGED)]


@pytest.mark.parametrize("late", [order("allow", OTHER), order("1", OTHER)])
def test_an_answer_to_another_dialog_is_none(late: Order) -> None:
    assert standing().ordered(late, Sight(ASKS)) == []
    assert Approvals().ordered(late, Sight(OTHER)) == [], "what was never told cannot be answered"


def test_while_a_person_types_nothing_is_pressed() -> None:
    approvals = standing()
    assert approvals.ordered(order(), Sight(ASKS, since_key=0.4)) == [Open(ASKS, AT_KEYBOARD)]
    assert approvals.ordered(order(), Sight(ASKS, since_key=4.0)) == [Press(order(), b"1")]


def test_a_key_that_was_not_taken_is_told() -> None:
    approvals = standing()
    (press,) = approvals.ordered(order(), Sight(ASKS))
    approvals.acted(10.5, "so")
    assert isinstance(press, Press)
    assert approvals.came_of(press, Pressed.STANDS, Sight(ASKS)) == [Open(ASKS, NOT_TAKEN)]
    approvals.looked(NOBODY, 11.0)
    (close,) = approvals.looked(NOBODY, 12.0)
    assert isinstance(close, Close) and close.state is AskState.ANSWERED, "it was only slow"


def test_a_person_who_pressed_after_the_room_did_has_answered() -> None:
    approvals = standing()
    approvals.ordered(order(), Sight(ASKS))
    approvals.acted(10.5, "so")
    approvals.looked(Sight(None, 0.1), 11.0)
    (close,) = approvals.looked(Sight(None, 1.1), 12.0)
    assert isinstance(close, Close) and close.state is AskState.CLOSED


@pytest.mark.parametrize(("answer", "allow"), [("allow", True), ("deny", False)])
def test_a_hook_that_waits_decides_and_else_the_key_does(answer: str, allow: bool) -> None:
    approvals = standing()
    decide = Decide(order(answer), allow)
    assert approvals.ordered(order(answer), Sight(WAITS)) == [decide]
    approvals.acted(10.5, "so")
    assert approvals.came_of(decide, Pressed.STANDS, Sight(ASKS)) == [Press(order(answer), ASKS.key(answer))]


def test_an_option_by_its_key_is_no_matter_of_a_hook() -> None:
    assert standing().ordered(order("1"), Sight(WAITS)) == [Press(order("1"), b"1")]


def test_what_stands_is_told_again_when_the_room_may_have_forgotten() -> None:
    assert Approvals().again() == []
    assert standing().again() == [Open(ASKS)]


# A question of a hook, of which more or less can be read

ALONE = Question("h" * 16, "Run this?", complete=False, hook=True, told=True, words=True)
DRAWN = replace(ALONE, choices=CHOICES, allow="1", deny="2", complete=True)


def test_what_a_hook_told_is_not_waited_for_as_a_dialog_is_that_is_being_drawn() -> None:
    approvals = Approvals()
    approvals.looked(Sight(ALONE), 0.0)
    assert approvals.looked(Sight(ALONE), SETTLE_TOLD / 2) == [], "mostly its dialog is there in a moment"
    assert approvals.looked(Sight(ALONE), SETTLE_TOLD) == [Open(ALONE)]
    assert SETTLE_TOLD < 0.5


def test_it_is_told_at_once_however_the_dialog_is_still_drawn_and_again_when_it_can_be_read() -> None:
    approvals = Approvals()
    approvals.looked(Sight(ALONE), 0.0)
    assert approvals.looked(Sight(DRAWN), SETTLE) == [Open(DRAWN)]
    approvals.looked(Sight(ALONE), 1.0)
    assert approvals.due(1.0) == pytest.approx(SETTLE_TOLD + 0.001)
    assert approvals.looked(Sight(ALONE), 1.01 + SETTLE_TOLD) == [Open(ALONE)], "the pane became small"
    approvals.looked(Sight(DRAWN), 2.0)
    assert approvals.looked(Sight(DRAWN), 2.0 + SETTLE) == [Open(DRAWN)]
    assert approvals.due(9.0) is None


def test_while_an_answer_is_under_way_it_is_not_told_anew() -> None:
    approvals = Approvals()
    approvals.looked(Sight(DRAWN), 0.0)
    approvals.looked(Sight(DRAWN), 1.0)
    approvals.ordered(order("allow", DRAWN), Sight(DRAWN))
    approvals.looked(Sight(ALONE), 2.0)
    assert approvals.looked(Sight(ALONE), 9.0) == []


def test_an_option_whose_words_are_others_by_now_is_not_pressed() -> None:
    approvals = Approvals()
    approvals.looked(Sight(DRAWN), 0.0)
    approvals.looked(Sight(DRAWN), 1.0)
    other = replace(DRAWN, choices=(Choice("1", "Yes"), Choice("2", "Yes, always")))
    assert approvals.ordered(order("2", DRAWN), Sight(other)) == [Open(other, UNREADABLE)]


def test_after_a_key_that_could_not_be_read_it_is_told_again_when_it_can() -> None:
    keys = replace(DRAWN, hook=False, words=False)
    approvals = Approvals()
    approvals.looked(Sight(keys), 0.0)
    approvals.looked(Sight(keys), 1.0)
    half = replace(ALONE, hook=False, words=False)
    assert approvals.ordered(order("deny", keys), Sight(half)) == [Open(half, UNREADABLE)]
    assert approvals.looked(Sight(keys), 2.0) == [Open(keys)]


def test_words_go_with_the_decision_of_a_hook_and_with_nothing_else() -> None:
    approvals = Approvals()
    approvals.looked(Sight(DRAWN), 0.0)
    approvals.looked(Sight(DRAWN), 1.0)
    no = replace(order("deny", DRAWN), words="not here")
    assert approvals.ordered(no, Sight(DRAWN)) == [Decide(no, False)]
    late = replace(DRAWN, hook=False)
    assert approvals.came_of(Decide(no, False), Pressed.STANDS, Sight(late)) == [Open(late, WORDS_LOST)]


def test_a_dialog_at_another_width_is_the_same_if_nothing_but_its_blanks_has_changed() -> None:
    approvals = Approvals()
    asks = replace(ASKS, loose="x")
    approvals.looked(Sight(asks, columns=80), 0.0)
    approvals.looked(Sight(asks, columns=80), 1.0)
    cut = replace(asks, digest="e" * 16)
    assert approvals.looked(Sight(cut, columns=40), 2.0) == approvals.looked(Sight(cut, columns=40), 9.0) == []
    assert approvals.ordered(order("1"), Sight(cut, columns=40)) == [Press(order("1"), b"1")]
    other = Approvals()
    other.looked(Sight(asks, columns=80), 0.0)
    other.looked(Sight(asks, columns=80), 1.0)
    other.looked(Sight(cut, columns=80), 2.0)
    assert len(other.looked(Sight(cut, columns=80), 9.0)) == 2
