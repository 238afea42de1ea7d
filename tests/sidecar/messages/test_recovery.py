"""Recovery after a crash: a message is typed again only if it is proven that the model never got it."""

import pytest

from gateway.protocol.types.core_types import Rung
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.messages.duplicate_guard import MessageProgress
from sidecar.messages.recovery import Recovery, TurnOutcome, decide_recovery, turn_outcomes

LOG = EvidenceSource.TRANSCRIPT


def said(kind: TurnFactKind, text: str = "") -> TurnFact:
    return TurnFact(kind, text, source=LOG)


ONE, TWO = "[alice -> claude #1] a", "[alice -> claude #2] b"


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ([], {}),
        ([said(TurnFactKind.PROMPT, ONE)], {1: TurnOutcome((1,))}),
        ([said(TurnFactKind.PROMPT, ONE), said(TurnFactKind.MODEL, "so")], {1: TurnOutcome((1,))}),
        (
            [said(TurnFactKind.PROMPT, ONE), said(TurnFactKind.MODEL, "so"), said(TurnFactKind.ENDED)],
            {1: TurnOutcome((1,), "so")},
        ),
        ([said(TurnFactKind.PROMPT, ONE), said(TurnFactKind.ANSWER, "yes")], {1: TurnOutcome((1,), "yes")}),
        (
            [said(TurnFactKind.PROMPT, f"{ONE}\n\n{TWO}"), said(TurnFactKind.ANSWER, "yes")],
            {1: TurnOutcome((1, 2), "yes"), 2: TurnOutcome((1, 2), "yes")},
        ),
        (
            [
                said(TurnFactKind.PROMPT, ONE),
                said(TurnFactKind.ANSWER, "yes"),
                said(TurnFactKind.PROMPT, TWO),
                said(TurnFactKind.INTERRUPTED),
            ],
            {1: TurnOutcome((1,), "yes"), 2: TurnOutcome((2,), why="interrupted before an answer")},
        ),
        (
            [said(TurnFactKind.PROMPT, ONE), said(TurnFactKind.REFUSED, "429"), said(TurnFactKind.ANSWER, "yes")],
            {1: TurnOutcome((1,), "yes")},
        ),
        (
            [said(TurnFactKind.PROMPT, ONE), said(TurnFactKind.FAILED, "API Error: 500")],
            {1: TurnOutcome((1,), why="the turn failed: API Error: 500")},
        ),
    ],
)
def test_turn_outcomes_from_a_transcript(facts: list[TurnFact], found: dict[int, TurnOutcome]) -> None:
    assert turn_outcomes(facts) == found


NOTHING = TurnOutcome((1,))


@pytest.mark.parametrize(
    ("rung", "done", "outcome", "known", "result"),
    [
        pytest.param(Rung.QUEUED, None, None, False, Recovery.AGAIN, id="never typed"),
        pytest.param(Rung.TYPED, MessageProgress.TYPING, None, False, Recovery.AGAIN, id="typed, no Enter"),
        pytest.param(
            Rung.SUBMITTED,
            MessageProgress.SUBMITTING,
            None,
            True,
            Recovery.AGAIN,
            id="Enter, but not in the transcript",
        ),
        pytest.param(
            Rung.SUBMITTED, MessageProgress.SUBMITTING, None, False, Recovery.LOST, id="Enter, and nobody knows"
        ),
        pytest.param(
            Rung.HELD, MessageProgress.SUBMITTING, None, False, Recovery.LOST, id="the room heard less than the journal"
        ),
        pytest.param(
            Rung.SUBMITTED,
            MessageProgress.ACCEPTED,
            None,
            True,
            Recovery.LOST,
            id="accepted, transcript not yet written",
        ),
        pytest.param(Rung.ACCEPTED, None, None, True, Recovery.LOST, id="accepted, and the journal is gone"),
        pytest.param(Rung.SUBMITTED, MessageProgress.CONSUMED, NOTHING, True, Recovery.LOST, id="consumed, no answer"),
        pytest.param(
            Rung.SUBMITTED, MessageProgress.SUBMITTING, NOTHING, True, Recovery.LOST, id="in the transcript, no answer"
        ),
        pytest.param(Rung.TYPED, MessageProgress.TYPING, NOTHING, True, Recovery.LOST, id="a person pressed Enter"),
        pytest.param(
            Rung.SEEN,
            MessageProgress.CONSUMED,
            TurnOutcome((1,), "yes"),
            True,
            Recovery.ANSWERED,
            id="answered meanwhile",
        ),
        pytest.param(Rung.QUEUED, MessageProgress.RELEASED, None, True, Recovery.AGAIN, id="a person ordered it again"),
        pytest.param(
            Rung.QUEUED, MessageProgress.RELEASED, NOTHING, True, Recovery.AGAIN, id="again, after it was lost once"
        ),
        pytest.param(
            Rung.QUEUED, MessageProgress.OVER, NOTHING, True, Recovery.AGAIN, id="ordered again while nobody was here"
        ),
        pytest.param(
            Rung.SUBMITTED, MessageProgress.OVER, None, True, Recovery.OVER, id="nothing more will be known of it"
        ),
        pytest.param(
            Rung.HELD,
            MessageProgress.OVER,
            TurnOutcome((1,), "yes"),
            True,
            Recovery.AGAIN,
            id="the end of another of its number",
        ),
        pytest.param(
            Rung.QUEUED, None, TurnOutcome((1,), "yes"), True, Recovery.AGAIN, id="an answer to another of its number"
        ),
        pytest.param(
            Rung.SUBMITTED, None, TurnOutcome((1,), "yes"), True, Recovery.ANSWERED, id="answered, no journal"
        ),
    ],
)
def test_the_fate_of_an_open_message(
    rung: Rung, done: MessageProgress | None, outcome: TurnOutcome | None, known: bool, result: Recovery
) -> None:
    assert decide_recovery(rung, done, outcome, known=known) is result
