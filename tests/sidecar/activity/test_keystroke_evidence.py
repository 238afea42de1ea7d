"""Evidence from keys, before the agent shows it."""

import pytest

from gateway.protocol.types.core_types import Activity as A
from sidecar.activity.activity_verdict import ActivityClaim
from sidecar.activity.keystroke_evidence import (
    ANSWER_COUNTS_S,
    SUBMIT_COUNTS_S,
    KeyEvidence,
    is_choice_key,
    is_submit_key,
)
from sidecar.evidence.turn_evidence import EvidenceSource as S
from sidecar.screen.rules import Dialog

QUESTION, NEXT = Dialog("Proceed?", ("Yes", "No"), "Proceed?"), Dialog("Really?", ("Yes", "No"), "Really?")


def claims(*says: tuple[S, A, float]) -> dict[S, ActivityClaim]:
    return {source: ActivityClaim(source, one, "a rule", since, since) for source, one, since in says}


def heard(strokes: KeyEvidence, others: dict[S, ActivityClaim], dialog: Dialog | None, now: float) -> dict[S, A]:
    return {source: one.says for source, one in strokes.with_claims(others, dialog, now)[0].items()}


def test_a_question_counts_as_answered_until_it_changes_or_a_moment_has_gone() -> None:
    asking = claims((S.SCREEN, A.ASKING, 1.0), (S.TITLE, A.ASKING, 1.1))
    for dialog, now, then in (
        (QUESTION, 2.1, {S.KEYS: A.BUSY}),
        (NEXT, 2.1, {S.SCREEN: A.ASKING, S.TITLE: A.ASKING, S.KEYS: A.BUSY}),
        (QUESTION, 2.0 + ANSWER_COUNTS_S, {S.SCREEN: A.ASKING, S.TITLE: A.ASKING}),
    ):
        strokes = KeyEvidence()
        strokes.mark_answered(QUESTION, 2.0, starting=False)
        assert heard(strokes, asking, dialog, now) == then


def test_a_question_asked_after_the_answer_counts() -> None:
    strokes = KeyEvidence()
    strokes.mark_answered(QUESTION, 2.0, starting=False)
    assert heard(strokes, claims((S.VENDOR, A.ASKING, 2.05)), None, 2.1) == {S.VENDOR: A.ASKING}


def test_an_answer_during_the_start_is_not_work() -> None:
    strokes = KeyEvidence()
    strokes.mark_answered(QUESTION, 2.0, starting=True)
    assert heard(strokes, claims((S.SCREEN, A.ASKING, 1.0)), QUESTION, 2.1) == {}


def test_time_alone_ends_an_answer() -> None:
    strokes = KeyEvidence()
    strokes.mark_answered(QUESTION, 2.0, starting=True)
    assert strokes.with_claims({}, QUESTION, 2.1)[1] == 2.0 + ANSWER_COUNTS_S
    assert strokes.with_claims({}, QUESTION, 2.5)[1] is None


@pytest.mark.parametrize(
    ("other", "counts"),
    [
        pytest.param((S.SCREEN, A.IDLE, 2.05), True, id="the screen may be calm for other reasons"),
        pytest.param((S.TITLE, A.BUSY, 1.0), True, id="work from before"),
        pytest.param((S.SCREEN, A.ERROR, 1.0), True, id="the last turn's error still stands there"),
        pytest.param((S.TITLE, A.BUSY, 2.05), False, id="work began"),
        pytest.param((S.SCREEN, A.ASKING, 2.05), False, id="it asks"),
        pytest.param((S.VENDOR, A.IDLE, 2.05), False, id="who tells of turns says that it is over"),
    ],
)
def test_a_submit_counts_until_others_know_better(other: tuple[S, A, float], counts: bool) -> None:
    strokes = KeyEvidence()
    strokes.mark_submitted("Enter", "hello", 2.0)
    assert (S.KEYS in heard(strokes, claims(other), None, 2.1)) is counts


def test_a_submit_does_not_count_for_long() -> None:
    strokes = KeyEvidence()
    strokes.mark_submitted("Enter", "hello", 2.0)
    assert heard(strokes, {}, None, 2.0 + SUBMIT_COUNTS_S) == {}


def test_a_submit_counts_longer_while_the_agent_has_not_taken_it_but_not_for_ever() -> None:
    strokes = KeyEvidence()
    strokes.mark_submitted("Enter", "hello", 2.0)
    for now, counts in ((2.2, True), (3.1, True), (3.2, False), (3.4, False)):
        strokes.standing("hello", 2.1, now)
        assert (S.KEYS in heard(strokes, {}, None, now)) is counts


def test_a_submit_counts_still_longer_while_the_agent_has_printed_nothing_since() -> None:
    strokes = KeyEvidence()
    strokes.mark_submitted("Enter", "hello", 2.0)
    for now in (2.4, 2.8, 3.2, 3.6, 4.0):
        strokes.standing("hello", 1.9, now)
        assert S.KEYS in heard(strokes, {}, None, now)
    strokes.standing("hello", 4.1, 4.2)
    assert S.KEYS in heard(strokes, {}, None, 4.3)
    assert S.KEYS not in heard(strokes, {}, None, 5.0)


@pytest.mark.parametrize(
    ("pressed", "does"),
    [(b"\r", True), (b"abc\r", True), (b"\x1b[13u", True), (b"\t", True), (b"x", False), (b"\x1b", False)],
)
def test_which_keys_submit(pressed: bytes, does: bool) -> None:
    assert is_submit_key(pressed, b"\t") is does


@pytest.mark.parametrize(
    ("pressed", "does"), [(b"\r", True), (b"1", True), (b"y", True), (b"\x1b", False), (b"11", False)]
)
def test_which_keys_choose(pressed: bytes, does: bool) -> None:
    assert is_choice_key(pressed) is does
