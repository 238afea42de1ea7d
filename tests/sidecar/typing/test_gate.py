"""The gate and the ladder as tables: facts in, decisions out."""

from dataclasses import replace

import pytest

from gateway.protocol.delivery_reasons import Held
from gateway.protocol.events import Message
from gateway.protocol.types import Activity, Composer, MessageKind, Rung
from sidecar.activity.activity import Verdict
from sidecar.agents import REGISTRY
from sidecar.messages.inbox import Cut, Entry
from sidecar.screen.evidence import Source, Turn, TurnFact
from sidecar.screen.rules import Dialog
from sidecar.typing.gate import (
    CUT_TOLD_WITHIN_S,
    Facts,
    Go,
    Overdue,
    Shows,
    Standing,
    gate,
    is_at_work,
    may_enter,
    may_paste,
    overdue,
    rises,
    shows,
)
from tests.sidecar.pictures import moment

CLAUDE, GENERIC = REGISTRY["claude"], REGISTRY["generic"]
OURS = "[alice -> claude #7] hello"
DRAFT = moment(composer=Composer.DRAFT, text="half a thought")
COMMAND = moment(composer=Composer.DRAFT, text="/mod")
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
        pytest.param(Facts(DRAFT), None, id="a draft that can be kept"),
        pytest.param(Facts(COMMAND), Held.DRAFT, id="a draft that opens a list"),
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
        pytest.param(Facts(SHOWN), Go.NOW, id="exactly our text"),
        pytest.param(Facts(moment(Activity.BUSY, Composer.DRAFT, OURS)), Go.NOW, id="urgent, while busy"),
        pytest.param(Facts(moment()), Go.WAIT, id="nothing there yet"),
        pytest.param(Facts(DRAFT), Go.WAIT, id="something else is there"),
        pytest.param(Facts(ASKING), Go.STOP, id="a dialog opened"),
        pytest.param(Facts(moment(Activity.GONE)), Go.STOP, id="the agent died"),
    ],
)
def test_enter_only_on_a_verified_composer(facts: Facts, go: Go) -> None:
    assert may_enter(facts, OURS, CLAUDE).go is go


def test_a_program_that_echoes_nothing_gets_enter_after_another_look() -> None:
    assert may_enter(Facts(moment()), OURS, GENERIC).go is Go.NOW
    assert may_enter(Facts(ASKING), OURS, GENERIC).go is Go.STOP


LONG = "[alice -> claude #7] " + "\n".join(f"line {n}" for n in range(13))


@pytest.mark.parametrize(
    ("shown", "ours", "what"),
    [
        ("[Pasted text #1 +12 lines]", LONG, Shows.OURS),
        ("[Pasted text #1 +12\n  lines]", LONG, Shows.OURS),
        ("[Pasted\ntext #1\n+12\nlines]", LONG, Shows.OURS),
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
        ("gemini", "[Pasted Text: 13\n   lines]", "\n".join("abcdefghijklm"), Shows.OURS),
        ("codex", "[Pasted Content 1200\n  chars]", "x" * 1200, Shows.OURS),
        ("gemini", "[Pasted Text: 20 lines]", "\n".join("abcdefghijklm"), Shows.OTHER),
        ("gemini", "[Pasted Text: 1200 chars]", "x" * 1200, Shows.OURS),
        ("gemini", "[Pasted Text: 1200 chars]", "𝒳" * 600, Shows.OURS),
    ],
)
def test_each_vendors_placeholder_is_read_by_what_it_counts(agent: str, shown: str, ours: str, what: Shows) -> None:
    assert shows(moment(composer=Composer.DRAFT, text=shown), ours, REGISTRY[agent]) is what


PROMPT = TurnFact(Turn.PROMPT, OURS, "t1")
SEEN = TurnFact(Turn.MODEL, "so", source=Source.TRANSCRIPT)


def entry(rung: Rung, turn: str = "t1", number: int = 7, accepted: float = 1.0, words: str = "") -> Entry:
    message = Message(number, "m", "general", "alice", (), MessageKind.CHAT, "hello", "")
    return Entry(message, rung, turn=turn, accepted=accepted, recorded=True, words=words, company=(number,))


@pytest.mark.parametrize(
    ("one", "fact", "steps"),
    [
        (entry(Rung.SUBMITTED), PROMPT, [("accepted", "hook")]),
        (entry(Rung.HELD), PROMPT, [("accepted", "hook")]),
        (entry(Rung.SUBMITTED), TurnFact(Turn.PROMPT, "see #7 [alice -> claude #7]", "t1"), []),
        (entry(Rung.SUBMITTED), TurnFact(Turn.ANSWER, "late", "t0"), []),
        (entry(Rung.ACCEPTED), PROMPT, []),
        (entry(Rung.ACCEPTED), SEEN, [("seen", "transcript")]),
        (entry(Rung.SEEN), TurnFact(Turn.ANSWER, "yes", "t1"), [("seen", "hook"), ("answered", "hook")]),
        (entry(Rung.SEEN), TurnFact(Turn.ANSWER, "not ours", "t2"), []),
        (entry(Rung.SEEN, turn=""), TurnFact(Turn.ANSWER, "steered", "t2"), [("seen", "hook"), ("answered", "hook")]),
        (entry(Rung.SEEN, words="so"), TurnFact(Turn.ENDED, "", "t1"), [("seen", "hook"), ("answered", "hook")]),
        (entry(Rung.SEEN), TurnFact(Turn.ENDED, "", "t1"), [("failed", "the turn ended without an answer")]),
        (entry(Rung.SEEN), TurnFact(Turn.INTERRUPTED), [("failed", "interrupted before an answer")]),
        (
            replace(entry(Rung.SEEN), cut=Cut(9.0, "by alice")),
            TurnFact(Turn.INTERRUPTED),
            [("failed", "interrupted by alice")],
        ),
        (
            replace(entry(Rung.SEEN), cut=Cut(9.0, refused_by="alice")),
            TurnFact(Turn.INTERRUPTED),
            [("failed", "refused by alice")],
        ),
        (
            entry(Rung.SEEN),
            TurnFact(Turn.FAILED, "API Error: 500"),
            [("failed", "the turn failed: API Error: 500")],
        ),
    ],
)
def test_what_proves_what(one: Entry, fact: TurnFact, steps: list[tuple[str, str]]) -> None:
    assert [(str(rise.rung), rise.reason) for rise in rises([one], fact)] == steps


def test_one_answer_belongs_to_all_that_went_in_before_its_turn_began() -> None:
    """Agents put several queued prompts into one turn, and name it after the last."""
    waiting = [entry(Rung.SEEN, "t1", 7, 1.0), entry(Rung.SEEN, "t2", 8, 2.0), entry(Rung.SEEN, "t3", 9, 3.0)]
    found = rises(waiting, TurnFact(Turn.ANSWER, "both", "t2"))
    assert [one.entry.number for one in found if one.rung is Rung.ANSWERED] == [7, 8]


def test_a_hook_that_tells_of_what_was_never_typed_lies() -> None:
    assert rises([replace(entry(Rung.HELD), company=())], PROMPT) == []


def test_a_transcript_tells_only_of_what_it_has_shown() -> None:
    unseen = replace(entry(Rung.ACCEPTED), recorded=False)
    assert rises([unseen], SEEN) == []


@pytest.mark.parametrize(
    ("facts", "emptied", "go"),
    [
        pytest.param(Facts(moment()), False, Go.NOW, id="empty"),
        pytest.param(Facts(DRAFT), False, Go.STOP, id="a draft that came between"),
        pytest.param(Facts(DRAFT), True, Go.WAIT, id="a draft that is just being put away"),
        pytest.param(Facts(ASKING), True, Go.STOP, id="a dialog opened after the draft was put away"),
        pytest.param(Facts(moment(Activity.BUSY)), False, Go.STOP, id="it began to work"),
    ],
)
def test_a_paste_goes_into_an_empty_composer(facts: Facts, emptied: bool, go: Go) -> None:
    assert may_paste(facts, OURS, CLAUDE, emptied=emptied).go is go


@pytest.mark.parametrize(
    ("facts", "stands", "due"),
    [
        (Facts(SHOWN), Standing(Rung.SUBMITTED, 2, 1), Overdue.ENTER),
        (Facts(SHOWN), Standing(Rung.SUBMITTED, 2, 3), Overdue.LOST),
        (Facts(SHOWN), Standing(Rung.SUBMITTED, 9, 1, painted=False), None),
        (Facts(SHOWN), Standing(Rung.SUBMITTED, 61, 1, painted=False), Overdue.LOST),
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


KEYS, HOOK, TITLE = Source.KEYS, Source.HOOK, Source.TITLE


@pytest.mark.parametrize(
    ("activity", "sources", "works"),
    [
        (Activity.BUSY, {TITLE}, True),
        (Activity.BUSY, {KEYS, TITLE}, True),
        (Activity.BUSY, {KEYS}, False),
        (Activity.BUSY, {HOOK, KEYS}, False),
        (Activity.ASKING, {HOOK}, True),
        (Activity.IDLE, {TITLE}, False),
    ],
)
def test_what_we_did_and_what_a_hook_announced_is_no_sign_of_work(
    activity: Activity, sources: set[Source], works: bool
) -> None:
    doubt = "rules: version 9 was never seen, so it is read with more patience"
    assert is_at_work(Verdict(activity, because=(doubt,), sources=frozenset(sources))) is works


LATE = TurnFact(Turn.INTERRUPTED, source=Source.TRANSCRIPT)
ITS_HOOK = TurnFact(Turn.INTERRUPTED, turn="t1")
CUT_OFF = replace(entry(Rung.SEEN, number=7, accepted=1.0), cut=Cut(5.0, "by alice"))
SINCE = entry(Rung.ACCEPTED, "t2", 8, 6.0)
OLDER = entry(Rung.SEEN, "t0", 6, 0.5)


@pytest.mark.parametrize(
    ("fact", "since_cut", "taken", "ended"),
    [
        pytest.param(LATE, 1.0, [CUT_OFF, SINCE], [7], id="a transcript tells late of what a key has ended"),
        pytest.param(LATE, 1.0, [SINCE], [], id="and of nothing that was taken in since"),
        pytest.param(LATE, CUT_TOLD_WITHIN_S, [SINCE], [8], id="long after the key it tells of another"),
        pytest.param(LATE, CUT_TOLD_WITHIN_S, [OLDER, SINCE], [6], id="the model has not touched it: the next turn"),
        pytest.param(ITS_HOOK, 1.0, [CUT_OFF, SINCE], [7], id="a hook that names the turn"),
        pytest.param(replace(LATE, turn="t2"), 1.0, [CUT_OFF, SINCE], [], id="late, and the turn is another"),
    ],
)
def test_whom_an_interruption_concerns(fact: TurnFact, since_cut: float, taken: list[Entry], ended: list[int]) -> None:
    assert [one.entry.number for one in rises(taken, fact, since_cut)] == ended
