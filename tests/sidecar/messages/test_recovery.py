"""What becomes of a message after a crash: typed again only if it is proven that the model never got it."""

import pytest

from gateway.protocol.types import Rung
from sidecar.messages.duplicate_guard import Done
from sidecar.messages.recovery import Fate, Outcome, fate, outcomes
from sidecar.screen.evidence import Source, Turn, TurnFact

LOG = Source.TRANSCRIPT


def said(kind: Turn, text: str = "") -> TurnFact:
    return TurnFact(kind, text, source=LOG)


ONE, TWO = "[alice -> claude #1] a", "[alice -> claude #2] b"


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ([], {}),
        ([said(Turn.PROMPT, ONE)], {1: Outcome((1,))}),
        ([said(Turn.PROMPT, ONE), said(Turn.MODEL, "so")], {1: Outcome((1,))}),
        ([said(Turn.PROMPT, ONE), said(Turn.MODEL, "so"), said(Turn.ENDED)], {1: Outcome((1,), "so")}),
        ([said(Turn.PROMPT, ONE), said(Turn.ANSWER, "yes")], {1: Outcome((1,), "yes")}),
        (
            [said(Turn.PROMPT, f"{ONE}\n\n{TWO}"), said(Turn.ANSWER, "yes")],
            {1: Outcome((1, 2), "yes"), 2: Outcome((1, 2), "yes")},
        ),
        (
            [said(Turn.PROMPT, ONE), said(Turn.ANSWER, "yes"), said(Turn.PROMPT, TWO), said(Turn.INTERRUPTED)],
            {1: Outcome((1,), "yes"), 2: Outcome((2,), why="interrupted before an answer")},
        ),
        (
            [said(Turn.PROMPT, ONE), said(Turn.FAILED, "API Error: 500")],
            {1: Outcome((1,), why="the turn failed: API Error: 500")},
        ),
    ],
)
def test_what_a_transcript_tells(facts: list[TurnFact], found: dict[int, Outcome]) -> None:
    assert outcomes(facts) == found


NOTHING = Outcome((1,))


@pytest.mark.parametrize(
    ("rung", "done", "outcome", "known", "result"),
    [
        pytest.param(Rung.QUEUED, None, None, False, Fate.AGAIN, id="never typed"),
        pytest.param(Rung.TYPED, Done.TYPING, None, False, Fate.AGAIN, id="typed, no Enter"),
        pytest.param(Rung.SUBMITTED, Done.SUBMITTING, None, True, Fate.AGAIN, id="Enter, but not in the transcript"),
        pytest.param(Rung.SUBMITTED, Done.SUBMITTING, None, False, Fate.LOST, id="Enter, and nobody knows"),
        pytest.param(Rung.HELD, Done.SUBMITTING, None, False, Fate.LOST, id="the room heard less than the journal"),
        pytest.param(Rung.SUBMITTED, Done.ACCEPTED, None, True, Fate.LOST, id="accepted, transcript not yet written"),
        pytest.param(Rung.ACCEPTED, None, None, True, Fate.LOST, id="accepted, and the journal is gone"),
        pytest.param(Rung.SUBMITTED, Done.CONSUMED, NOTHING, True, Fate.LOST, id="consumed, no answer"),
        pytest.param(Rung.SUBMITTED, Done.SUBMITTING, NOTHING, True, Fate.LOST, id="in the transcript, no answer"),
        pytest.param(Rung.TYPED, Done.TYPING, NOTHING, True, Fate.LOST, id="a person pressed Enter"),
        pytest.param(Rung.SEEN, Done.CONSUMED, Outcome((1,), "yes"), True, Fate.ANSWERED, id="answered meanwhile"),
        pytest.param(Rung.QUEUED, Done.RELEASED, None, True, Fate.AGAIN, id="a person ordered it again"),
        pytest.param(Rung.QUEUED, Done.RELEASED, NOTHING, True, Fate.AGAIN, id="again, after it was lost once"),
        pytest.param(Rung.QUEUED, Done.OVER, NOTHING, True, Fate.AGAIN, id="ordered again while nobody was here"),
        pytest.param(Rung.SUBMITTED, Done.OVER, None, True, Fate.OVER, id="nothing more will be known of it"),
        pytest.param(
            Rung.HELD, Done.OVER, Outcome((1,), "yes"), True, Fate.AGAIN, id="the end of another of its number"
        ),
        pytest.param(
            Rung.QUEUED, None, Outcome((1,), "yes"), True, Fate.AGAIN, id="an answer to another of its number"
        ),
        pytest.param(Rung.SUBMITTED, None, Outcome((1,), "yes"), True, Fate.ANSWERED, id="answered, no journal"),
    ],
)
def test_the_fate_of_an_open_message(
    rung: Rung, done: Done | None, outcome: Outcome | None, known: bool, result: Fate
) -> None:
    assert fate(rung, done, outcome, known=known) is result
