"""The gate and the delivery states as tables: facts in, decisions out."""

from dataclasses import replace

import pytest

from gateway.protocol.events import Message
from gateway.protocol.types.core_types import Activity, Composer, MessageKind, Rung
from gateway.protocol.types.delivery_reasons import HoldReason
from sidecar.activity.activity_verdict import Verdict
from sidecar.agents import REGISTRY
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.messages.inbox import InboxEntry, Interruption
from sidecar.prompt_typing.proof_rules import (
    CUT_TOLD_WITHIN_S,
    OverdueAction,
    ProofState,
    is_at_work,
    overdue_action,
    steps_from_fact,
)
from sidecar.prompt_typing.typing_gate import (
    ComposerContent,
    GateInput,
    MoveDecision,
    composer_content,
    decide_enter,
    decide_paste,
    hold_reason_for,
)
from sidecar.screen.rules import Dialog
from tests.sidecar.pictures import moment

CLAUDE, GENERIC, OPENCODE = REGISTRY["claude"], REGISTRY["generic"], REGISTRY["opencode"]
OURS = "[alice -> claude #7] hello"
DRAFT = moment(composer=Composer.DRAFT, text="half a thought")
COMMAND = moment(composer=Composer.DRAFT, text="/mod")
SHOWN = moment(composer=Composer.DRAFT, text="[alice -> claude\n#7] hello")
BUSY = moment(Activity.BUSY)
KEEPS, BUSY_AND_KEEPS, DRAFT_AND_KEEPS = (
    replace(one, reading=replace(one.reading, keeps_prompts=True)) for one in (moment(), BUSY, DRAFT)
)
ASKING = moment(Activity.ASKING, Composer.HIDDEN, dialog=Dialog("Proceed?", ("Yes",), "x"))


@pytest.mark.parametrize(
    ("facts", "held"),
    [
        pytest.param(GateInput(moment()), None, id="idle and empty"),
        pytest.param(GateInput(moment(Activity.ERROR)), None, id="an error with an empty composer"),
        pytest.param(GateInput(moment(Activity.BUSY)), HoldReason.BUSY, id="busy"),
        pytest.param(GateInput(moment(Activity.BUSY), urgent=True), None, id="urgent passes busy"),
        pytest.param(GateInput(ASKING), HoldReason.ASKING, id="asking"),
        pytest.param(GateInput(ASKING, urgent=True), HoldReason.ASKING, id="urgent never passes a dialog"),
        pytest.param(GateInput(moment(Activity.UNKNOWN)), HoldReason.UNKNOWN, id="unknown"),
        pytest.param(GateInput(moment(Activity.STARTING)), HoldReason.STARTING, id="starting"),
        pytest.param(GateInput(moment(), since_ready=0.2), HoldReason.STARTING, id="only just started"),
        pytest.param(GateInput(moment(Activity.GONE)), HoldReason.OFFLINE, id="gone"),
        pytest.param(GateInput(moment(), paused=True), HoldReason.PAUSED, id="paused"),
        pytest.param(GateInput(moment(), paused=True, urgent=True), None, id="urgent passes a pause"),
        pytest.param(GateInput(moment(), turn_open=True), HoldReason.TURN, id="another message is being answered"),
        pytest.param(GateInput(DRAFT), None, id="a draft that can be kept"),
        pytest.param(GateInput(COMMAND), HoldReason.DRAFT, id="a draft that opens a list"),
        pytest.param(GateInput(SHOWN), None, id="our own text is there already"),
        pytest.param(GateInput(moment(), since_key=0.5), HoldReason.DRAFT, id="a person is typing"),
        pytest.param(GateInput(moment(composer=Composer.HIDDEN)), HoldReason.UNKNOWN, id="no composer in sight"),
        pytest.param(GateInput(moment(), in_foreground=False), HoldReason.SHELL, id="another program has the terminal"),
    ],
)
def test_the_gate(facts: GateInput, held: HoldReason | None) -> None:
    assert hold_reason_for(facts, OURS, CLAUDE) == held


@pytest.mark.parametrize(
    ("facts", "go"),
    [
        pytest.param(GateInput(SHOWN), MoveDecision.NOW, id="exactly our text"),
        pytest.param(GateInput(moment(Activity.BUSY, Composer.DRAFT, OURS)), MoveDecision.NOW, id="urgent, while busy"),
        pytest.param(GateInput(moment()), MoveDecision.WAIT, id="nothing there yet"),
        pytest.param(GateInput(DRAFT), MoveDecision.WAIT, id="something else is there"),
        pytest.param(GateInput(ASKING), MoveDecision.STOP, id="a dialog opened"),
        pytest.param(GateInput(moment(Activity.GONE)), MoveDecision.STOP, id="the agent died"),
    ],
)
def test_enter_only_on_a_verified_composer(facts: GateInput, go: MoveDecision) -> None:
    assert decide_enter(facts, OURS, CLAUDE).go is go


def test_a_program_that_echoes_nothing_gets_enter_after_another_look() -> None:
    assert decide_enter(GateInput(moment()), OURS, GENERIC).go is MoveDecision.NOW
    assert decide_enter(GateInput(ASKING), OURS, GENERIC).go is MoveDecision.STOP


LONG = "[alice -> claude #7] " + "\n".join(f"line {n}" for n in range(13))


@pytest.mark.parametrize(
    ("shown", "ours", "what"),
    [
        ("[Pasted text #1 +12 lines]", LONG, ComposerContent.OURS),
        ("[Pasted text #1 +12\n  lines]", LONG, ComposerContent.OURS),
        ("[Pasted\ntext #1\n+12\nlines]", LONG, ComposerContent.OURS),
        ("[Pasted text #1 +3 lines]", LONG, ComposerContent.OTHER),
        ("[Pasted text #1 +12 lines]", OURS, ComposerContent.OTHER),
        ("mine [Pasted text #1 +12 lines]", LONG, ComposerContent.OTHER),
        ("[Pasted text #2]", "x" * 2000, ComposerContent.OURS),
    ],
)
def test_a_placeholder_counts_only_with_our_size(shown: str, ours: str, what: ComposerContent) -> None:
    assert composer_content(moment(composer=Composer.DRAFT, text=shown), ours, CLAUDE) is what


@pytest.mark.parametrize(
    ("agent", "shown", "ours", "what"),
    [
        ("codex", "[Pasted Content 1200 chars]", "x" * 1200, ComposerContent.OURS),
        ("codex", "[Pasted Content 900 chars]", "x" * 1200, ComposerContent.OTHER),
        ("gemini", "[Pasted Text: 13 lines]", "\n".join("abcdefghijklm"), ComposerContent.OURS),
        ("gemini", "[Pasted Text: 13\n   lines]", "\n".join("abcdefghijklm"), ComposerContent.OURS),
        ("codex", "[Pasted Content 1200\n  chars]", "x" * 1200, ComposerContent.OURS),
        ("gemini", "[Pasted Text: 20 lines]", "\n".join("abcdefghijklm"), ComposerContent.OTHER),
        ("gemini", "[Pasted Text: 1200 chars]", "x" * 1200, ComposerContent.OURS),
        ("gemini", "[Pasted Text: 1200 chars]", "𝒳" * 600, ComposerContent.OURS),
    ],
)
def test_each_vendors_placeholder_is_read_by_what_it_counts(
    agent: str, shown: str, ours: str, what: ComposerContent
) -> None:
    assert composer_content(moment(composer=Composer.DRAFT, text=shown), ours, REGISTRY[agent]) is what


PROMPT = TurnFact(TurnFactKind.PROMPT, OURS, "t1")
SEEN = TurnFact(TurnFactKind.MODEL, "so", source=EvidenceSource.TRANSCRIPT)


def entry(rung: Rung, turn: str = "t1", number: int = 7, accepted: float = 1.0, words: str = "") -> InboxEntry:
    message = Message(number, "m", "general", "alice", (), MessageKind.CHAT, "hello", "")
    return InboxEntry(message, rung, turn=turn, accepted=accepted, recorded=True, words=words, company=(number,))


@pytest.mark.parametrize(
    ("one", "fact", "steps"),
    [
        (entry(Rung.SUBMITTED), PROMPT, [("accepted", "hook")]),
        (entry(Rung.HELD), PROMPT, [("accepted", "hook")]),
        (entry(Rung.SUBMITTED), TurnFact(TurnFactKind.PROMPT, "see #7 [alice -> claude #7]", "t1"), []),
        (entry(Rung.SUBMITTED), TurnFact(TurnFactKind.ANSWER, "late", "t0"), []),
        (entry(Rung.ACCEPTED), PROMPT, []),
        (entry(Rung.ACCEPTED), SEEN, [("seen", "transcript")]),
        (entry(Rung.SEEN), TurnFact(TurnFactKind.ANSWER, "yes", "t1"), [("seen", "hook"), ("answered", "hook")]),
        (entry(Rung.SEEN), TurnFact(TurnFactKind.ANSWER, "not ours", "t2"), []),
        (
            entry(Rung.SEEN, turn=""),
            TurnFact(TurnFactKind.ANSWER, "steered", "t2"),
            [("seen", "hook"), ("answered", "hook")],
        ),
        (
            entry(Rung.SEEN, words="so"),
            TurnFact(TurnFactKind.ENDED, "", "t1"),
            [("seen", "hook"), ("answered", "hook")],
        ),
        (entry(Rung.SEEN), TurnFact(TurnFactKind.ENDED, "", "t1"), [("failed", "the turn ended without an answer")]),
        (entry(Rung.SEEN), TurnFact(TurnFactKind.INTERRUPTED), [("failed", "interrupted before an answer")]),
        (
            replace(entry(Rung.SEEN), cut=Interruption(9.0, "by alice")),
            TurnFact(TurnFactKind.INTERRUPTED),
            [("failed", "interrupted by alice")],
        ),
        (
            replace(entry(Rung.SEEN), cut=Interruption(9.0, refused_by="alice")),
            TurnFact(TurnFactKind.INTERRUPTED),
            [("failed", "refused by alice")],
        ),
        (
            entry(Rung.SEEN),
            TurnFact(TurnFactKind.FAILED, "API Error: 500"),
            [("failed", "the turn failed: API Error: 500")],
        ),
    ],
)
def test_what_proves_what(one: InboxEntry, fact: TurnFact, steps: list[tuple[str, str]]) -> None:
    assert [(str(rise.rung), rise.reason) for rise in steps_from_fact([one], fact)] == steps


def test_one_answer_belongs_to_all_that_went_in_before_its_turn_began() -> None:
    """Agents put several queued prompts into one turn, and name it after the last."""
    waiting = [entry(Rung.SEEN, "t1", 7, 1.0), entry(Rung.SEEN, "t2", 8, 2.0), entry(Rung.SEEN, "t3", 9, 3.0)]
    found = steps_from_fact(waiting, TurnFact(TurnFactKind.ANSWER, "both", "t2"))
    assert [one.entry.number for one in found if one.rung is Rung.ANSWERED] == [7, 8]


def test_a_hook_about_a_message_that_was_never_typed_is_ignored() -> None:
    assert steps_from_fact([replace(entry(Rung.HELD), company=())], PROMPT) == []


def test_a_transcript_proves_only_messages_that_it_has_shown() -> None:
    unseen = replace(entry(Rung.ACCEPTED), recorded=False)
    assert steps_from_fact([unseen], SEEN) == []


@pytest.mark.parametrize(
    ("facts", "emptied", "go"),
    [
        pytest.param(GateInput(moment()), False, MoveDecision.NOW, id="empty"),
        pytest.param(GateInput(DRAFT), False, MoveDecision.STOP, id="a draft that came between"),
        pytest.param(GateInput(DRAFT), True, MoveDecision.WAIT, id="a draft that is just being put away"),
        pytest.param(GateInput(ASKING), True, MoveDecision.STOP, id="a dialog opened after the draft was put away"),
        pytest.param(GateInput(moment(Activity.BUSY)), False, MoveDecision.STOP, id="it began to work"),
    ],
)
def test_a_paste_goes_into_an_empty_composer(facts: GateInput, emptied: bool, go: MoveDecision) -> None:
    assert decide_paste(facts, OURS, CLAUDE, emptied=emptied).go is go


@pytest.mark.parametrize(
    ("facts", "stands", "due"),
    [
        (GateInput(SHOWN), ProofState(Rung.SUBMITTED, 2, 1), OverdueAction.ENTER),
        (GateInput(SHOWN), ProofState(Rung.SUBMITTED, 2, 3), OverdueAction.LOST),
        (GateInput(SHOWN), ProofState(Rung.SUBMITTED, 9, 1, painted=False), None),
        (GateInput(SHOWN), ProofState(Rung.SUBMITTED, 61, 1, painted=False), OverdueAction.LOST),
        (GateInput(SHOWN), ProofState(Rung.SUBMITTED, 0.5, 1), None),
        (GateInput(SHOWN), ProofState(Rung.SUBMITTED, 0.5, 1, painted=False, broke_row=True), OverdueAction.ENTER),
        (GateInput(SHOWN), ProofState(Rung.SUBMITTED, 0.5, 3, broke_row=True), None),
        (GateInput(SHOWN), ProofState(Rung.SUBMITTED, 2, 3, broke_row=True), OverdueAction.LOST),
        (GateInput(SHOWN), ProofState(Rung.SUBMITTED, 0.05, 1, broke_row=True), None),
        (GateInput(moment()), ProofState(Rung.SUBMITTED, 0.5, 1, broke_row=True), None),
        (GateInput(ASKING), ProofState(Rung.SUBMITTED, 0.5, 1, broke_row=True), None),
        (GateInput(moment()), ProofState(Rung.SUBMITTED, 9, 1), None),
        (GateInput(moment()), ProofState(Rung.SUBMITTED, 61, 1), OverdueAction.UNPROVEN),
        (GateInput(ASKING), ProofState(Rung.SUBMITTED, 9, 1), None),
        (GateInput(KEEPS), ProofState(Rung.SUBMITTED, 2, 1), OverdueAction.ENTER),
        (GateInput(KEEPS), ProofState(Rung.SUBMITTED, 2, 3), OverdueAction.LOST),
        (GateInput(KEEPS), ProofState(Rung.SUBMITTED, 9, 1, painted=False), None),
        (GateInput(KEEPS, in_foreground=False), ProofState(Rung.SUBMITTED, 9, 1), None),
        (GateInput(BUSY_AND_KEEPS), ProofState(Rung.SUBMITTED, 9, 1), None),
        (GateInput(DRAFT_AND_KEEPS), ProofState(Rung.SUBMITTED, 9, 1), None),
        (GateInput(moment()), ProofState(Rung.SEEN, 2, 1, calm=2), OverdueAction.SILENT),
        (GateInput(moment()), ProofState(Rung.SEEN, 9, 1, calm=0.2), None),
        (GateInput(moment(Activity.BUSY)), ProofState(Rung.SEEN, 99, 1, calm=99), None),
    ],
)
def test_only_what_did_not_happen_is_repeated(facts: GateInput, stands: ProofState, due: OverdueAction | None) -> None:
    assert overdue_action(facts, stands, OURS, CLAUDE) is due


@pytest.mark.parametrize(("calm", "due"), [(2, None), (21, OverdueAction.SILENT)])
def test_an_agent_whose_plugin_tells_each_end_may_look_calm_for_longer(calm: float, due: OverdueAction | None) -> None:
    assert overdue_action(GateInput(moment()), ProofState(Rung.SEEN, 99, 1, calm=calm), OURS, OPENCODE) is due


KEYS, HOOK, TITLE = EvidenceSource.KEYS, EvidenceSource.HOOK, EvidenceSource.TITLE


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
def test_our_keys_and_hooks_do_not_prove_work(activity: Activity, sources: set[EvidenceSource], works: bool) -> None:
    doubt = "rules: version 9 is untested, so it must be quiet for longer to count as idle"
    assert is_at_work(Verdict(activity, because=(doubt,), sources=frozenset(sources))) is works


LATE = TurnFact(TurnFactKind.INTERRUPTED, source=EvidenceSource.TRANSCRIPT)
ITS_HOOK = TurnFact(TurnFactKind.INTERRUPTED, turn="t1")
CUT_OFF = replace(entry(Rung.SEEN, number=7, accepted=1.0), cut=Interruption(5.0, "by alice"))
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
def test_whom_an_interruption_concerns(
    fact: TurnFact, since_cut: float, taken: list[InboxEntry], ended: list[int]
) -> None:
    assert [one.entry.number for one in steps_from_fact(taken, fact, since_cut)] == ended
