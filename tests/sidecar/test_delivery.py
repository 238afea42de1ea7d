"""The gate and the ladder as tables: facts in, decisions out."""

import pytest

from gateway.protocol.nouns import Activity, Composer, Rung
from sidecar.agents import REGISTRY
from sidecar.delivery import (
    Facts,
    Go,
    Held,
    Overdue,
    Rise,
    Shows,
    Standing,
    gate,
    may_enter,
    overdue,
    rise,
    shows,
)
from sidecar.rules import Dialog
from sidecar.signals import Source, Turn, TurnFact
from tests.sidecar.pictures import moment

CLAUDE, GENERIC = REGISTRY["claude"], REGISTRY["generic"]
OURS = "[alice -> claude #7] hello"
DRAFT = moment(composer=Composer.DRAFT, text="half a thought")
SHOWN = moment(composer=Composer.DRAFT, text="[alice -> claude\n#7] hello")
ASKING = moment(Activity.ASKING, Composer.HIDDEN, dialog=Dialog("Proceed?", ("Yes",), "x"))


@pytest.mark.parametrize(
    ("facts", "held"),
    [
        pytest.param(Facts(moment()), None, id="idle and empty"),
        pytest.param(Facts(moment(Activity.ERROR)), None, id="an error with an empty composer"),
        pytest.param(Facts(moment(Activity.BUSY)), Held.BUSY, id="busy"),
        pytest.param(Facts(moment(Activity.BUSY), urgent=True), None, id="urgent passes busy"),
        pytest.param(Facts(ASKING), Held.ASKING, id="asking"),
        pytest.param(Facts(ASKING, urgent=True), Held.ASKING, id="urgent never passes a dialog"),
        pytest.param(Facts(moment(Activity.UNKNOWN)), Held.UNKNOWN, id="unknown"),
        pytest.param(Facts(moment(Activity.STARTING)), Held.STARTING, id="starting"),
        pytest.param(Facts(moment(), since_ready=0.2), Held.STARTING, id="only just started"),
        pytest.param(Facts(moment(Activity.GONE)), Held.OFFLINE, id="gone"),
        pytest.param(Facts(moment(), paused=True), Held.PAUSED, id="paused"),
        pytest.param(Facts(moment(), paused=True, urgent=True), None, id="urgent passes a pause"),
        pytest.param(Facts(moment(), turn_open=True), Held.TURN, id="another message is being answered"),
        pytest.param(Facts(DRAFT), Held.DRAFT, id="a draft"),
        pytest.param(Facts(SHOWN), None, id="our own text is there already"),
        pytest.param(Facts(moment(), since_key=0.5), Held.DRAFT, id="a person is typing"),
        pytest.param(Facts(moment(composer=Composer.HIDDEN)), Held.UNKNOWN, id="no composer in sight"),
        pytest.param(Facts(moment(), in_foreground=False), Held.SHELL, id="another program has the terminal"),
    ],
)
def test_the_gate(facts: Facts, held: Held | None) -> None:
    assert gate(facts, OURS, CLAUDE) == held


@pytest.mark.parametrize(
    ("facts", "go"),
    [
        pytest.param(Facts(SHOWN), Go.ENTER, id="exactly our text"),
        pytest.param(Facts(moment(Activity.BUSY, Composer.DRAFT, OURS)), Go.ENTER, id="urgent, while busy"),
        pytest.param(Facts(moment()), Go.WAIT, id="nothing there yet"),
        pytest.param(Facts(DRAFT), Go.WAIT, id="something else is there"),
        pytest.param(Facts(ASKING), Go.STOP, id="a dialog opened"),
        pytest.param(Facts(moment(Activity.GONE)), Go.STOP, id="the agent died"),
    ],
)
def test_enter_only_on_a_verified_composer(facts: Facts, go: Go) -> None:
    assert may_enter(facts, OURS, CLAUDE)[0] is go


def test_a_program_that_echoes_nothing_gets_enter_after_another_look() -> None:
    assert may_enter(Facts(moment()), OURS, GENERIC)[0] is Go.ENTER
    assert may_enter(Facts(ASKING), OURS, GENERIC)[0] is Go.STOP


LONG = "[alice -> claude #7] " + "\n".join(f"line {n}" for n in range(13))


@pytest.mark.parametrize(
    ("shown", "ours", "what"),
    [
        ("[Pasted text #1 +12 lines]", LONG, Shows.OURS),
        ("[Pasted text #1 +3 lines]", LONG, Shows.OTHER),
        ("[Pasted text #1 +12 lines]", OURS, Shows.OTHER),
        ("mine [Pasted text #1 +12 lines]", LONG, Shows.OTHER),
        ("[Pasted text #2]", "x" * 2000, Shows.OURS),
    ],
)
def test_a_placeholder_counts_only_with_our_size(shown: str, ours: str, what: Shows) -> None:
    assert shows(moment(composer=Composer.DRAFT, text=shown), ours, CLAUDE) is what


@pytest.mark.parametrize(
    ("agent", "shown", "ours", "what"),
    [
        ("codex", "[Pasted Content 1200 chars]", "x" * 1200, Shows.OURS),
        ("codex", "[Pasted Content 900 chars]", "x" * 1200, Shows.OTHER),
        ("gemini", "[Pasted Text: 13 lines]", "\n".join("abcdefghijklm"), Shows.OURS),
        ("gemini", "[Pasted Text: 20 lines]", "\n".join("abcdefghijklm"), Shows.OTHER),
        ("gemini", "[Pasted Text: 1200 chars]", "x" * 1200, Shows.OURS),
    ],
)
def test_each_vendors_placeholder_is_read_by_what_it_counts(agent: str, shown: str, ours: str, what: Shows) -> None:
    assert shows(moment(composer=Composer.DRAFT, text=shown), ours, REGISTRY[agent]) is what


PROMPT = TurnFact(Turn.PROMPT, OURS, "t1")


@pytest.mark.parametrize(
    ("rung", "fact", "result"),
    [
        (Rung.SUBMITTED, PROMPT, Rise(Rung.ACCEPTED, "hook", turn="t1")),
        (Rung.SUBMITTED, TurnFact(Turn.PROMPT, "see #7 [alice -> claude #7]", "t1"), None),
        (Rung.SUBMITTED, TurnFact(Turn.ANSWER, "late", "t0"), None),
        (Rung.ACCEPTED, PROMPT, None),
        (Rung.ACCEPTED, TurnFact(Turn.MODEL, source=Source.TRANSCRIPT), Rise(Rung.SEEN, "transcript", turn="t1")),
        (Rung.SEEN, TurnFact(Turn.ANSWER, "yes", "t1"), Rise(Rung.ANSWERED, "hook", "yes", "t1")),
        (Rung.SEEN, TurnFact(Turn.ANSWER, "not ours", "t2"), None),
        (Rung.SEEN, TurnFact(Turn.INTERRUPTED), Rise(Rung.FAILED, "interrupted before an answer", turn="t1")),
        (
            Rung.SEEN,
            TurnFact(Turn.FAILED, "API Error: 500"),
            Rise(Rung.FAILED, "the turn failed: API Error: 500", turn="t1"),
        ),
    ],
)
def test_what_proves_what(rung: Rung, fact: TurnFact, result: Rise | None) -> None:
    turn = "" if rung is Rung.SUBMITTED else "t1"
    assert rise(7, rung, turn, fact) == result


@pytest.mark.parametrize(
    ("facts", "stands", "due"),
    [
        (Facts(SHOWN), Standing(Rung.SUBMITTED, 2, 1), Overdue.ENTER),
        (Facts(SHOWN), Standing(Rung.SUBMITTED, 2, 3), Overdue.LOST),
        (Facts(SHOWN), Standing(Rung.SUBMITTED, 0.5, 1), None),
        (Facts(moment()), Standing(Rung.SUBMITTED, 9, 1), None),
        (Facts(moment()), Standing(Rung.SUBMITTED, 21, 1), Overdue.UNPROVEN),
        (Facts(ASKING), Standing(Rung.SUBMITTED, 9, 1), None),
        (Facts(moment()), Standing(Rung.SEEN, 2, 1, calm=2), Overdue.SILENT),
        (Facts(moment()), Standing(Rung.SEEN, 9, 1, calm=0.2), None),
        (Facts(moment(Activity.BUSY)), Standing(Rung.SEEN, 99, 1, calm=99), None),
    ],
)
def test_only_what_did_not_happen_is_repeated(facts: Facts, stands: Standing, due: Overdue | None) -> None:
    assert overdue(facts, stands, OURS, CLAUDE) is due
