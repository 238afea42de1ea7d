"""The rules of approvals as histories: looks, orders and results in; announcements and presses out."""

from dataclasses import replace

import pytest

from gateway.protocol.types.core_types import AskState
from sidecar.approvals.approval_inputs_and_effects import (
    AnnounceDialog,
    AwaitDialog,
    DecideHook,
    DialogSighting,
    PressKey,
    PressResult,
    WithdrawDialog,
)
from sidecar.approvals.approval_rules import (
    AT_KEYBOARD_TEXT,
    CHANGED_TEXT,
    NOT_TAKEN_TEXT,
    UNREADABLE_TEXT,
    WORDS_LOST_TEXT,
    Approvals,
)
from sidecar.approvals.dialog_states import AnswerOrder
from sidecar.approvals.questions.dialog_parser import DialogOption, Question
from sidecar.approvals.questions.question_age import SETTLE_S, SETTLE_TOLD_BY_HOOK_S, SETTLE_UNREADABLE_S

CHOICES = (DialogOption("1", "Yes"), DialogOption("2", "No"))
ASKS = Question("a" * 16, "Run it?", CHOICES, "1", "2")
OTHER = Question("b" * 16, "Run that?", CHOICES, "1", "esc")
PICKER = Question("c" * 16, "Which?", CHOICES)
BLANK = Question("d" * 16, "")
WAITS = replace(ASKS, hook=True, told=True, words=True)
NOBODY = DialogSighting(None)


def order(answer: str = "allow", question: Question = ASKS) -> AnswerOrder:
    return AnswerOrder(7, question.digest, answer, "alice")


def standing(question: Question = ASKS) -> Approvals:
    """After the room has got to know a dialog."""
    approvals = Approvals()
    assert approvals.observe(DialogSighting(question), 0.0) == []
    assert approvals.observe(DialogSighting(question), 10.0) == [AnnounceDialog(1, question)]
    approvals.note_number(1, 7)
    return approvals


def test_a_dialog_is_announced_once_it_has_settled() -> None:
    approvals = Approvals()
    assert approvals.observe(DialogSighting(OTHER), 0.0) == []
    assert approvals.observe(DialogSighting(ASKS), 0.2) == []
    assert approvals.due(0.2) == pytest.approx(SETTLE_S + 0.001)
    assert approvals.observe(DialogSighting(ASKS), 0.2 + SETTLE_S - 0.01) == []
    assert approvals.observe(DialogSighting(ASKS), 0.2 + SETTLE_S) == [AnnounceDialog(1, ASKS)]
    assert approvals.observe(DialogSighting(ASKS), 9.0) == []
    assert approvals.due(9.0) is None


def test_one_that_cannot_be_read_is_given_time_to_be_drawn() -> None:
    approvals = Approvals()
    approvals.observe(DialogSighting(BLANK), 0.0)
    assert approvals.observe(DialogSighting(BLANK), SETTLE_UNREADABLE_S - 0.01) == []
    assert approvals.observe(DialogSighting(BLANK), SETTLE_UNREADABLE_S) == [AnnounceDialog(1, BLANK)]


def test_half_a_repaint_does_not_end_it() -> None:
    approvals = standing()
    assert approvals.observe(NOBODY, 11.0) == []
    assert approvals.observe(DialogSighting(ASKS), 11.1) == []
    assert approvals.observe(DialogSighting(ASKS), 19.0) == []


@pytest.mark.parametrize(("since_key", "reason"), [(0.5, "answered at the terminal"), (60.0, "the dialog went away")])
def test_it_ends_without_the_room(since_key: float, reason: str) -> None:
    approvals = standing()
    approvals.observe(NOBODY, 11.0)
    assert approvals.observe(DialogSighting(None, since_key), 12.0) == [WithdrawDialog(1, AskState.CLOSED, reason)]
    assert approvals.observe(NOBODY, 13.0) == []


def test_another_one_makes_it_stale() -> None:
    approvals = standing()
    approvals.observe(DialogSighting(OTHER), 11.0)
    assert approvals.observe(DialogSighting(OTHER), 12.0) == [
        WithdrawDialog(1, AskState.STALE, "another question came"),
        AnnounceDialog(2, OTHER),
    ]


@pytest.mark.parametrize(("answer", "key"), [("allow", b"1"), ("deny", b"2"), ("1", b"1"), ("2", b"2")])
def test_an_answer_is_the_key_on_the_screen(answer: str, key: bytes) -> None:
    approvals = standing()
    press = PressKey(order(answer), key)
    assert approvals.take_order(order(answer), DialogSighting(ASKS)) == [press]
    approvals.mark_given(10.5, "so")
    assert approvals.handle_result(press, PressResult.GONE, NOBODY) == []
    approvals.observe(NOBODY, 11.0)
    ended = WithdrawDialog(1, AskState.ANSWERED, "so")
    assert approvals.observe(NOBODY, 12.0) == [ended]


def test_escape_is_pressed_only_for_a_no_and_where_the_dialog_offers_it() -> None:
    assert standing(OTHER).take_order(order("deny", OTHER), DialogSighting(OTHER)) == [
        PressKey(order("deny", OTHER), b"\x1b")
    ]
    assert standing(PICKER).take_order(order("deny", PICKER), DialogSighting(PICKER)) == [
        AnnounceDialog(1, PICKER, UNREADABLE_TEXT)
    ]
    assert standing(OTHER).take_order(order("esc", OTHER), DialogSighting(OTHER)) == [
        AnnounceDialog(1, OTHER, UNREADABLE_TEXT)
    ]


@pytest.mark.parametrize("answer", ["allow", "deny", "3", "\r", "12", "", "y"])
def test_nothing_is_pressed_that_is_not_on_the_screen(answer: str) -> None:
    approvals = standing(PICKER)
    assert approvals.take_order(order(answer, PICKER), DialogSighting(PICKER)) == [
        AnnounceDialog(1, PICKER, UNREADABLE_TEXT)
    ]


def test_a_dialog_that_changed_takes_no_answer() -> None:
    approvals, asked = standing(), order()
    assert approvals.take_order(asked, DialogSighting(OTHER)) == [AwaitDialog(asked)]
    assert approvals.handle_result(AwaitDialog(asked), PressResult.CHANGED, DialogSighting(OTHER)) == [
        WithdrawDialog(1, AskState.STALE, CHANGED_TEXT)
    ]
    approvals.observe(DialogSighting(OTHER), 11.0)
    assert approvals.observe(DialogSighting(OTHER), 12.0) == [AnnounceDialog(2, OTHER)]


def test_a_dialog_that_changed_just_before_the_key_takes_none() -> None:
    approvals = standing()
    (press,) = approvals.take_order(order(), DialogSighting(ASKS))
    assert isinstance(press, PressKey)
    wait = AwaitDialog(order())
    assert approvals.handle_result(press, PressResult.CHANGED, DialogSighting(OTHER)) == [wait]
    assert approvals.handle_result(wait, PressResult.CHANGED, DialogSighting(OTHER)) == [
        WithdrawDialog(1, AskState.STALE, CHANGED_TEXT)
    ]


@pytest.mark.parametrize("late", [order("allow", OTHER), order("1", OTHER)])
def test_an_answer_to_another_dialog_is_none(late: AnswerOrder) -> None:
    assert standing().take_order(late, DialogSighting(ASKS)) == []
    assert Approvals().take_order(late, DialogSighting(OTHER)) == [], "what was never told cannot be answered"


def test_while_a_person_types_nothing_is_pressed() -> None:
    approvals = standing()
    assert approvals.take_order(order(), DialogSighting(ASKS, since_key=0.4)) == [
        AnnounceDialog(1, ASKS, AT_KEYBOARD_TEXT)
    ]
    assert approvals.take_order(order(), DialogSighting(ASKS, since_key=4.0)) == [PressKey(order(), b"1")]


def test_a_key_that_was_not_accepted_is_reported() -> None:
    approvals = standing()
    (press,) = approvals.take_order(order(), DialogSighting(ASKS))
    approvals.mark_given(10.5, "so")
    assert isinstance(press, PressKey)
    assert approvals.handle_result(press, PressResult.STANDS, DialogSighting(ASKS)) == [
        AnnounceDialog(1, ASKS, NOT_TAKEN_TEXT)
    ]
    approvals.observe(NOBODY, 11.0)
    (close,) = approvals.observe(NOBODY, 12.0)
    assert isinstance(close, WithdrawDialog) and close.state is AskState.ANSWERED, "it was only slow"


def test_a_person_who_pressed_after_the_room_did_has_answered() -> None:
    approvals = standing()
    approvals.take_order(order(), DialogSighting(ASKS))
    approvals.mark_given(10.5, "so")
    approvals.observe(DialogSighting(None, 0.1), 11.0)
    (close,) = approvals.observe(DialogSighting(None, 1.1), 12.0)
    assert isinstance(close, WithdrawDialog) and close.state is AskState.CLOSED


@pytest.mark.parametrize(("answer", "allow"), [("allow", True), ("deny", False)])
def test_a_hook_that_waits_decides_and_else_the_key_does(answer: str, allow: bool) -> None:
    approvals = standing()
    decide = DecideHook(order(answer), allow)
    assert approvals.take_order(order(answer), DialogSighting(WAITS)) == [decide]
    assert approvals.handle_result(decide, PressResult.STANDS, DialogSighting(ASKS)) == [
        PressKey(order(answer), ASKS.key(answer))
    ]


def test_an_option_by_its_key_is_not_decided_by_a_hook() -> None:
    assert standing().take_order(order("1"), DialogSighting(WAITS)) == [PressKey(order("1"), b"1")]


def test_an_open_dialog_is_announced_again_when_the_room_may_have_forgotten_it() -> None:
    assert Approvals().announce_again() == []
    assert standing().announce_again() == [AnnounceDialog(1, ASKS)]


# A question of a hook, of which more or less can be read

ALONE = Question("h" * 16, "Run this?", complete=False, hook=True, told=True, words=True)
DRAWN = replace(ALONE, choices=CHOICES, allow="1", deny="2", complete=True)


def test_a_question_of_a_hook_is_announced_sooner_than_a_dialog_being_drawn() -> None:
    approvals = Approvals()
    approvals.observe(DialogSighting(ALONE), 0.0)
    assert approvals.observe(DialogSighting(ALONE), SETTLE_TOLD_BY_HOOK_S / 2) == [], (
        "mostly its dialog is there in a moment"
    )
    assert approvals.observe(DialogSighting(ALONE), SETTLE_TOLD_BY_HOOK_S) == [AnnounceDialog(1, ALONE)]
    assert SETTLE_TOLD_BY_HOOK_S < 0.5


def test_a_hook_question_is_announced_at_once_and_again_when_the_dialog_can_be_read() -> None:
    approvals = Approvals()
    approvals.observe(DialogSighting(ALONE), 0.0)
    assert approvals.observe(DialogSighting(DRAWN), SETTLE_S) == [AnnounceDialog(1, DRAWN)]
    approvals.observe(DialogSighting(ALONE), 1.0)
    assert approvals.due(1.0) == pytest.approx(SETTLE_TOLD_BY_HOOK_S + 0.001)
    assert approvals.observe(DialogSighting(ALONE), 1.01 + SETTLE_TOLD_BY_HOOK_S) == [AnnounceDialog(1, ALONE)], (
        "the pane became small"
    )
    approvals.observe(DialogSighting(DRAWN), 2.0)
    assert approvals.observe(DialogSighting(DRAWN), 2.0 + SETTLE_S) == [AnnounceDialog(1, DRAWN)]
    assert approvals.due(9.0) is None


def test_a_question_is_not_announced_again_while_an_answer_is_under_way() -> None:
    approvals = Approvals()
    approvals.observe(DialogSighting(DRAWN), 0.0)
    approvals.observe(DialogSighting(DRAWN), 1.0)
    approvals.note_number(1, 7)
    approvals.take_order(order("allow", DRAWN), DialogSighting(DRAWN))
    approvals.observe(DialogSighting(ALONE), 2.0)
    assert approvals.observe(DialogSighting(ALONE), 9.0) == []


def test_an_option_whose_words_are_others_by_now_is_not_pressed() -> None:
    approvals = Approvals()
    approvals.observe(DialogSighting(DRAWN), 0.0)
    approvals.observe(DialogSighting(DRAWN), 1.0)
    approvals.note_number(1, 7)
    other = replace(DRAWN, choices=(DialogOption("1", "Yes"), DialogOption("2", "Yes, always")))
    asked = order("2", DRAWN)
    assert approvals.take_order(asked, DialogSighting(other)) == [AwaitDialog(asked)]
    assert approvals.handle_result(AwaitDialog(asked), PressResult.CHANGED, DialogSighting(other)) == [
        AnnounceDialog(1, other, UNREADABLE_TEXT)
    ]


def test_after_a_key_that_could_not_be_read_it_is_told_again_when_it_can() -> None:
    keys = replace(DRAWN, hook=False, words=False)
    approvals = Approvals()
    approvals.observe(DialogSighting(keys), 0.0)
    approvals.observe(DialogSighting(keys), 1.0)
    approvals.note_number(1, 7)
    half = replace(ALONE, hook=False, words=False)
    no = order("deny", keys)
    assert approvals.take_order(no, DialogSighting(half)) == [AwaitDialog(no)]
    assert approvals.handle_result(AwaitDialog(no), PressResult.CHANGED, DialogSighting(half)) == [
        AnnounceDialog(1, half, UNREADABLE_TEXT)
    ]
    assert approvals.observe(DialogSighting(keys), 2.0) == [AnnounceDialog(1, keys)]


def test_words_go_with_the_decision_of_a_hook_and_with_nothing_else() -> None:
    approvals = Approvals()
    approvals.observe(DialogSighting(DRAWN), 0.0)
    approvals.observe(DialogSighting(DRAWN), 1.0)
    approvals.note_number(1, 7)
    no = replace(order("deny", DRAWN), words="not here")
    assert approvals.take_order(no, DialogSighting(DRAWN)) == [DecideHook(no, False)]
    late = replace(DRAWN, hook=False)
    assert approvals.handle_result(DecideHook(no, False), PressResult.STANDS, DialogSighting(late)) == [
        AnnounceDialog(1, late, WORDS_LOST_TEXT)
    ]


def test_a_dialog_at_another_width_is_the_same_if_nothing_but_its_blanks_has_changed() -> None:
    approvals = Approvals()
    asks = replace(ASKS, loose="x")
    approvals.observe(DialogSighting(asks, columns=80), 0.0)
    approvals.observe(DialogSighting(asks, columns=80), 1.0)
    approvals.note_number(1, 7)
    cut = replace(asks, digest="e" * 16)
    assert (
        approvals.observe(DialogSighting(cut, columns=40), 2.0)
        == approvals.observe(DialogSighting(cut, columns=40), 9.0)
        == []
    )
    assert approvals.take_order(order("1"), DialogSighting(cut, columns=40)) == [PressKey(order("1"), b"1")]
    other = Approvals()
    other.observe(DialogSighting(asks, columns=80), 0.0)
    other.observe(DialogSighting(asks, columns=80), 1.0)
    other.observe(DialogSighting(cut, columns=80), 2.0)
    assert len(other.observe(DialogSighting(cut, columns=80), 9.0)) == 2
