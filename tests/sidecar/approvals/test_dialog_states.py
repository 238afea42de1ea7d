"""The states of a dialog as event charts: looks, answers and news from the room in, states and effects out. No loop, no
clock, no terminal."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import pytest

from gateway.protocol.types.core_types import Ask, AskState
from gateway.protocol.types.delivery_reasons import HoldReason
from sidecar.approvals.approval_inputs_and_effects import (
    AnnounceDialog,
    AnswerEffect,
    ApprovalEffect,
    AwaitDialog,
    DecideHook,
    DialogSighting,
    OrderVerdict,
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
    why_not_pressed,
)
from sidecar.approvals.dialog_states import NEXT, AnswerOrder, DialogEvent, DialogState, RelayedDialog
from sidecar.approvals.questions.dialog_parser import DialogOption, Question
from sidecar.prompt_typing.typing_gate import MoveDecision, MovePermission

CHOICES = (DialogOption("1", "Yes"), DialogOption("2", "No"))
RUN = Question("a" * 16, "Run it?", CHOICES, "1", "2")
OTHER = Question("b" * 16, "Run that?", CHOICES, "1", "2")
HALF = replace(RUN, choices=(), allow="", deny="")
HOOK = replace(RUN, told=True, hook=True, words=True)
HALF_OF_HOOK = replace(HALF, told=True, hook=True, words=True)
AFTER_HOOK = replace(HOOK, hook=False)


def reachable(state: DialogState) -> set[DialogState]:
    found, new = set[DialogState](), {state}
    while new:
        found |= new
        new = {after for one in new for after in NEXT[one].values()} - found
    return found


@pytest.mark.parametrize("state", DialogState)
@pytest.mark.parametrize("event", DialogEvent)
def test_only_what_the_table_names_changes_a_state(state: DialogState, event: DialogEvent) -> None:
    assert RelayedDialog(1, RUN, state=state).after(event).state is NEXT[state].get(event, state)


def test_each_state_is_reached_and_all_come_to_an_end() -> None:
    assert reachable(DialogState.ANNOUNCING) == set(DialogState)
    assert all(DialogState.OVER in reachable(state) for state in DialogState)
    assert [state for state in DialogState if not NEXT[state]] == [DialogState.OVER]


def test_an_answer_is_taken_only_for_a_dialog_that_the_room_knows() -> None:
    assert {state for state, after in NEXT.items() if DialogEvent.TAKE in after} == {
        DialogState.OPEN,
        DialogState.GIVEN,
    }


def test_nothing_is_given_to_the_agent_that_no_answer_ordered() -> None:
    assert {state for state, after in NEXT.items() if DialogEvent.GIVE in after} == {DialogState.ANSWERING}


def test_what_has_ended_is_never_open_again() -> None:
    assert reachable(DialogState.ENDED) == {DialogState.ENDED, DialogState.OVER}


# Charts


@dataclass(frozen=True)
class Shows:
    """The screen from now on, at which it looks at once and again after two seconds. `key_ago`: how long ago a person
    pressed a key, at the second look."""

    question: Question | None
    key_ago: float = float("inf")


@dataclass(frozen=True)
class Flickers:
    """The screen for one look."""

    question: Question | None


@dataclass(frozen=True)
class Numbers:
    """The room shows the dialog under this number."""

    number: int | None = 7
    dialog: int = 1


@dataclass(frozen=True)
class Rejects:
    dialog: int = 1


@dataclass(frozen=True)
class Closes:
    """The room has heard of the end."""

    dialog: int = 1


@dataclass(frozen=True)
class Answers:
    """Somebody in the room answers. `seen`: what the screen shows at that moment, if not what it showed last."""

    answer: str = "allow"
    number: int = 7
    key_ago: float = float("inf")
    seen: Question | None = None
    gone: bool = False
    words: str = ""


@dataclass(frozen=True)
class Gives:
    """The key is pressed, or the hook gets its answer."""

    how: str = "1 was pressed"


@dataclass(frozen=True)
class Results:
    """What came of the last effect. `key_ago`: how long ago a person pressed a key by then."""

    result: PressResult
    key_ago: float = float("inf")


@dataclass(frozen=True)
class Stops:
    """Somebody ends the agent's turn."""


@dataclass(frozen=True)
class Reconnects:
    asks: tuple[Ask, ...] = ()


Happens = Shows | Flickers | Numbers | Rejects | Closes | Answers | Gives | Results | Stops | Reconnects
Chart = Sequence[tuple[Happens, str]]


class Player:
    """Plays a chart, and says after each event which dialogs there are in which state, and what came out."""

    def __init__(self) -> None:
        self.now, self.approvals = 100.0, Approvals()
        self.question: Question | None = None
        self.dialogs: set[int] = set()
        self.doing: AnswerEffect | None = None

    def play(self, happens: Happens) -> str:
        effects = self._effects(happens)
        self.dialogs |= {one.dialog for one in effects if isinstance(one, AnnounceDialog)}
        self.doing = next((one for one in effects if isinstance(one, AnswerEffect)), self.doing)
        states = ", ".join(f"{one} {self._state(one)}" for one in sorted(self.dialogs)) or "none"
        return f"{states}: {'; '.join(_text(one) for one in effects)}" if effects else states

    def _state(self, dialog: int) -> str:
        current = self.approvals.current
        one = current if current and current.count == dialog else self.approvals.ended.get(dialog)
        return one.state.value if one else "over"

    def _effects(self, happens: Happens) -> list[ApprovalEffect]:
        match happens:
            case Shows(question, key_ago):
                self.question = question
                return [*self._look(question), *self._look(question, 2.0, key_ago)]
            case Flickers(question):
                self.question = question
                return self._look(question)
            case Answers():
                return self._answer(happens)
            case Results(result, key_ago):
                assert self.doing is not None
                return self.approvals.handle_result(self.doing, result, DialogSighting(self.question, key_ago))
            case Reconnects(asks):
                return self.approvals.welcome("claude", asks)
            case _:
                self._note(happens)
        return []

    def _note(self, happens: Happens) -> None:
        match happens:
            case Numbers(number, dialog):
                self.approvals.note_number(dialog, number)
            case Rejects(dialog):
                self.approvals.note_rejected(dialog)
            case Closes(dialog):
                self.approvals.note_closed(dialog)
            case Gives(how):
                self.approvals.mark_given(self.now, how)
            case Stops():
                self.approvals.mark_refused(self.now, "refused by alice")

    def _look(self, question: Question | None, seconds: float = 0.1, key_ago: float = 99.0) -> list[ApprovalEffect]:
        self.now += seconds
        return self.approvals.observe(DialogSighting(question, key_ago), self.now)

    def _answer(self, answers: Answers) -> list[ApprovalEffect]:
        seen = None if answers.gone else answers.seen or self.question
        told = self.approvals.told or RUN
        order = AnswerOrder(answers.number, told.digest, answers.answer, "alice", answers.words)
        if self.approvals.judge(order) is not OrderVerdict.TAKE:
            assert self.approvals.take_order(order, DialogSighting(seen)) == []
            return []
        return self.approvals.take_order(order, DialogSighting(seen, answers.key_ago))


def _text(effect: ApprovalEffect) -> str:
    match effect:
        case AnnounceDialog(dialog, _, reason):
            return f"announce {dialog} {reason}".strip()
        case WithdrawDialog(dialog, state, reason):
            return f"{state.value} {dialog} {reason}"
        case AwaitDialog():
            return "wait"
        case DecideHook(_, allow):
            return "hook allows" if allow else "hook denies"
        case PressKey(_, key):
            return f"press {key.decode()}"
        case _:
            return f"close {effect.number}"


APPEARS: Chart = [(Shows(RUN), "1 announcing: announce 1")]
OPENS: Chart = [*APPEARS, (Numbers(), "1 open")]
TAKES: Chart = [*OPENS, (Answers(), "1 answering: press 1")]
GIVES: Chart = [*TAKES, (Gives(), "1 given")]
STANDS: Chart = [*GIVES, (Results(PressResult.STANDS), f"1 given: announce 1 {NOT_TAKEN_TEXT}")]
AWAY = "closed 1 the dialog went away"
PERSON = f"announce 1 {AT_KEYBOARD_TEXT}"
FORGOTTEN = Ask("claude", 5, "0" * 16, "Who was that?", "2026-11-21T10:00:00.000Z")
ITS_OWN = msgspec.structs.replace(FORGOTTEN, digest=RUN.digest, number=7)

CHARTS: dict[str, Chart] = {
    "as it should be": [
        *GIVES,
        (Results(PressResult.GONE), "1 given"),
        (Shows(None), "1 ended: answered 1 1 was pressed"),
        (Closes(), "1 over"),
    ],
    # The screen
    "it flickers while it is drawn": [(Flickers(RUN), "none"), (Flickers(None), "none"), *APPEARS],
    "half a repaint does not end it": [*OPENS, (Flickers(None), "1 open"), (Shows(RUN), "1 open")],
    "it goes away before the room knows it": [
        *APPEARS,
        (Shows(None), f"1 ended: {AWAY}"),
        (Numbers(), "1 ended"),
        (Closes(), "1 over"),
    ],
    "it goes away": [*OPENS, (Shows(None), f"1 ended: {AWAY}")],
    "a person answers it at the terminal": [
        *OPENS,
        (Shows(None, key_ago=1.0), "1 ended: closed 1 answered at the terminal"),
    ],
    "another one comes in its place": [
        *OPENS,
        (Shows(OTHER), "1 ended, 2 announcing: stale 1 another question came; announce 2"),
        (Closes(), "1 over, 2 announcing"),
        (Numbers(8, 2), "1 over, 2 open"),
    ],
    "the same question again is another dialog": [
        *OPENS,
        (Shows(None), f"1 ended: {AWAY}"),
        (Shows(RUN), "1 ended, 2 announcing: announce 2"),
        (Answers(number=7), "1 ended, 2 announcing"),
        (Closes(), "1 over, 2 announcing"),
        (Numbers(8, 2), "1 over, 2 open"),
        (Answers(number=7), "1 over, 2 open"),
        (Answers(number=8), "1 over, 2 answering: press 1"),
    ],
    "more of it can be read": [(Shows(HALF), "1 announcing: announce 1"), (Shows(RUN), "1 announcing: announce 1")],
    "more of it can be read while an answer is given": [
        (Shows(HOOK), "1 announcing: announce 1"),
        (Numbers(), "1 open"),
        (Answers(), "1 answering: hook allows"),
        (Shows(AFTER_HOOK), "1 answering"),
        (Gives(), "1 given"),
        (Flickers(HOOK), "1 given"),
        (Shows(AFTER_HOOK), "1 given"),
    ],
    # What the room knows
    "an answer before its number": [*APPEARS, (Answers(), "1 announcing"), (Numbers(), "1 open")],
    "the gateway refuses it": [
        *APPEARS,
        (Rejects(), "1 rejected"),
        (Answers(), "1 rejected"),
        (Shows(None), f"1 ended: {AWAY}"),
        (Closes(), "1 over"),
    ],
    "the gateway refuses it, and accepts it after a reconnection": [
        *APPEARS,
        (Rejects(), "1 rejected"),
        (Reconnects(), "1 rejected: announce 1"),
        (Numbers(), "1 open"),
        (Answers(), "1 answering: press 1"),
    ],
    "the gateway refuses only what is told again": [*OPENS, (Rejects(), "1 open"), (Answers(), "1 answering: press 1")],
    "the room numbers it anew": [
        *OPENS,
        (Numbers(9), "1 open"),
        (Answers(number=7), "1 open"),
        (Answers(number=9), "1 answering: press 1"),
    ],
    "a reconnection": [
        *OPENS,
        (Reconnects((ITS_OWN, FORGOTTEN)), "1 open: close 5; announce 1"),
        (Numbers(), "1 open"),
    ],
    "a reconnection while an answer is given": [
        *TAKES,
        (Reconnects((FORGOTTEN,)), "1 answering: close 5"),
        (Gives(), "1 given"),
        (Reconnects(), "1 given"),
        (Numbers(), "1 given"),
    ],
    "a reconnection without a dialog": [(Reconnects((FORGOTTEN,)), "none: close 5")],
    "asks of other agents are theirs": [(Reconnects((msgspec.structs.replace(FORGOTTEN, member="codex"),)), "none")],
    # An answer
    "an answer to another dialog": [*OPENS, (Answers(number=6), "1 open")],
    "an answer to a dialog that has changed": [
        *OPENS,
        (Answers(seen=OTHER), "1 answering: wait"),
        (Shows(OTHER), f"1 ended, 2 announcing: stale 1 {CHANGED_TEXT}; announce 2"),
        (Results(PressResult.GONE), "1 ended, 2 announcing"),
    ],
    "an answer to a dialog that has gone": [
        *OPENS,
        (Answers(gone=True), "1 answering: wait"),
        (Shows(None), f"1 ended: {AWAY}"),
        (Results(PressResult.GONE), "1 ended"),
    ],
    "an answer while a person types": [
        *OPENS,
        (Answers(key_ago=0.5), f"1 open: {PERSON}"),
        (Answers(key_ago=5.0), "1 answering: press 1"),
    ],
    "an answer that the dialog does not offer": [
        *OPENS,
        (Answers("3"), f"1 open: announce 1 {UNREADABLE_TEXT}"),
        (Answers("2"), "1 answering: press 2"),
    ],
    # An answer while the agent draws the dialog anew
    "an answer while nothing of it is drawn": [
        *OPENS,
        (Flickers(None), "1 open"),
        (Answers(), "1 answering: wait"),
        (Flickers(RUN), "1 answering"),
        (Results(PressResult.STANDS), "1 answering: press 1"),
        (Gives(), "1 given"),
    ],
    "an answer while half of it is drawn": [
        *OPENS,
        (Flickers(HALF), "1 open"),
        (Answers("deny"), "1 answering: wait"),
        (Shows(HALF), "1 answering"),
        (Flickers(RUN), "1 answering"),
        (Results(PressResult.STANDS), "1 answering: press 2"),
    ],
    "an answer while half of it is drawn, for a hook that waits": [
        (Shows(HOOK), "1 announcing: announce 1"),
        (Numbers(), "1 open"),
        (Flickers(HALF_OF_HOOK), "1 open"),
        (Answers("1"), "1 answering: wait"),
        (Results(PressResult.CHANGED), f"1 open: announce 1 {UNREADABLE_TEXT}"),
        (Answers(), "1 answering: hook allows"),
    ],
    "an answer while half of it is drawn, and it stays so": [
        *OPENS,
        (Flickers(HALF), "1 open"),
        (Answers(), "1 answering: wait"),
        (Results(PressResult.CHANGED), f"1 open: announce 1 {UNREADABLE_TEXT}"),
        (Shows(RUN), "1 open: announce 1"),
        (Answers(), "1 answering: press 1"),
    ],
    "an answer while it is drawn anew, and a person types": [
        *OPENS,
        (Flickers(None), "1 open"),
        (Answers(), "1 answering: wait"),
        (Flickers(RUN), "1 answering"),
        (Results(PressResult.STANDS, key_ago=0.5), f"1 open: {PERSON}"),
    ],
    "it is drawn anew just before the key, twice": [
        *TAKES,
        (Flickers(HALF), "1 answering"),
        (Results(PressResult.CHANGED), "1 answering: wait"),
        (Flickers(RUN), "1 answering"),
        (Results(PressResult.STANDS), "1 answering: press 1"),
        (Flickers(HALF), "1 answering"),
        (Results(PressResult.CHANGED), f"1 open: announce 1 {UNREADABLE_TEXT}"),
        (Answers(), "1 answering: wait"),
    ],
    "words that cannot go with a key": [
        *OPENS,
        (Answers("deny", words="not here"), f"1 open: announce 1 {WORDS_LOST_TEXT}"),
    ],
    "nobody answered, so nothing is given": [*OPENS, (Gives(), "1 open"), (Shows(None), f"1 ended: {AWAY}")],
    # What comes of it
    "it changes just before the key": [
        *TAKES,
        (Flickers(OTHER), "1 answering"),
        (Results(PressResult.CHANGED), "1 answering: wait"),
        (Results(PressResult.CHANGED), f"1 ended: stale 1 {CHANGED_TEXT}"),
    ],
    "it goes away just before the key": [
        *TAKES,
        (Flickers(None), "1 answering"),
        (Results(PressResult.CHANGED), "1 answering: wait"),
        (Results(PressResult.CHANGED), f"1 ended: {AWAY}"),
    ],
    "a person types just before the key": [
        *TAKES,
        (Results(PressResult.PERSON), f"1 open: {PERSON}"),
        (Answers(), "1 answering: press 1"),
    ],
    "it goes away before the key": [
        *TAKES,
        (Shows(None), f"1 ended: {AWAY}"),
        (Results(PressResult.CHANGED), "1 ended"),
    ],
    "the key is ignored": STANDS,
    "the key is ignored, and taken later": [*STANDS, (Shows(None), "1 ended: answered 1 1 was pressed")],
    "the key is ignored, and a person presses it": [
        *STANDS,
        (Shows(None, key_ago=1.0), "1 ended: closed 1 answered at the terminal"),
    ],
    "the key is ignored, and another answer comes": [
        *STANDS,
        (Answers("deny"), "1 answering: press 2"),
        (Shows(None), f"1 ended: {AWAY}"),
    ],
    "the key is pressed twice": [*GIVES, (Gives("1 was pressed again"), "1 given")],
    "the key is ignored, and another answer is not offered": [
        *STANDS,
        (Answers("3"), f"1 open: announce 1 {UNREADABLE_TEXT}"),
        (Shows(None), f"1 ended: {AWAY}"),
    ],
    # A hook
    "its hook decides": [
        (Shows(HOOK), "1 announcing: announce 1"),
        (Numbers(), "1 open"),
        (Answers("deny"), "1 answering: hook denies"),
        (Gives("decided by its own hook"), "1 given"),
        (Results(PressResult.GONE), "1 given"),
        (Shows(None), "1 ended: answered 1 decided by its own hook"),
    ],
    "its hook does not wait any more, so the key is pressed": [
        (Shows(HOOK), "1 announcing: announce 1"),
        (Numbers(), "1 open"),
        (Answers(), "1 answering: hook allows"),
        (Results(PressResult.STANDS), "1 answering: press 1"),
        (Gives(), "1 given"),
    ],
    # Its agent may only be slow, and would find the key in its composer
    "its hook decided, and nothing happened, so no key is pressed until somebody answers again": [
        (Shows(HOOK), "1 announcing: announce 1"),
        (Numbers(), "1 open"),
        (Answers(), "1 answering: hook allows"),
        (Gives("decided by its own hook"), "1 given"),
        (Results(PressResult.STANDS), f"1 given: announce 1 {NOT_TAKEN_TEXT}"),
        (Flickers(AFTER_HOOK), "1 given"),
        (Answers(), "1 answering: press 1"),
    ],
    "its hook decided, nothing happened, and its agent was only slow": [
        (Shows(HOOK), "1 announcing: announce 1"),
        (Numbers(), "1 open"),
        (Answers("deny", words="not here"), "1 answering: hook denies"),
        (Gives("decided by its own hook"), "1 given"),
        (Results(PressResult.STANDS), f"1 given: announce 1 {NOT_TAKEN_TEXT}"),
        (Shows(None), "1 ended: answered 1 decided by its own hook"),
    ],
    "its hook does not wait any more, and the words are lost": [
        (Shows(HOOK), "1 announcing: announce 1"),
        (Numbers(), "1 open"),
        (Answers("deny", words="not here"), "1 answering: hook denies"),
        (Results(PressResult.STANDS), f"1 open: announce 1 {WORDS_LOST_TEXT}"),
        (Shows(None), f"1 ended: {AWAY}"),
    ],
    # The turn is ended
    "somebody ends the turn that asks": [
        *OPENS,
        (Stops(), "1 open"),
        (Shows(None), "1 ended: answered 1 refused by alice"),
    ],
    "somebody ends the turn that asks, and the agent is slow": [
        *OPENS,
        (Stops(), "1 open"),
        (Shows(RUN), "1 open"),
        (Shows(RUN), "1 open"),
        (Shows(None), "1 ended: answered 1 refused by alice"),
    ],
    "somebody ends the turn that asks, and a person is faster": [
        *OPENS,
        (Stops(), "1 open"),
        (Shows(None, key_ago=1.0), "1 ended: closed 1 answered at the terminal"),
    ],
    "somebody ends the turn that asks, and the next dialog goes by itself": [
        *OPENS,
        (Stops(), "1 open"),
        (Shows(OTHER), "1 ended, 2 announcing: answered 1 refused by alice; announce 2"),
        (Numbers(8, 2), "1 ended, 2 open"),
        (Shows(None), "1 ended, 2 ended: closed 2 the dialog went away"),
    ],
    "somebody ends a turn that asks nothing": [(Stops(), "none"), *OPENS, (Shows(None), f"1 ended: {AWAY}")],
    # What comes too late
    "what comes too late changes nothing": [
        *OPENS,
        (Shows(None), f"1 ended: {AWAY}"),
        (Gives(), "1 ended"),
        (Rejects(), "1 ended"),
        (Answers(), "1 ended"),
        (Closes(), "1 over"),
        (Numbers(), "1 over"),
    ],
}


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_what_becomes_of_a_dialog(chart: Chart) -> None:
    player = Player()
    came = [(happens, player.play(happens)) for happens, _ in chart]
    assert came == list(chart)


# The last look before a key


def ordered(question: Question = RUN) -> Approvals:
    approvals = Approvals()
    approvals.observe(DialogSighting(question), 0.0)
    approvals.observe(DialogSighting(question), 9.0)
    approvals.note_number(1, 7)
    return approvals


PRESS = PressKey(AnswerOrder(7, RUN.digest, "allow", "alice"), b"1")
PRESS_FOR_OTHER = replace(PRESS, order=replace(PRESS.order, number=6))
STOP = MoveDecision.STOP


@pytest.mark.parametrize(
    ("effect", "sight", "permission"),
    [
        (PRESS, DialogSighting(RUN), MovePermission(MoveDecision.NOW)),
        (PRESS, DialogSighting(RUN, since_key=0.5), MovePermission(STOP, HoldReason.PERSON_TYPES)),
        (PRESS, DialogSighting(None), MovePermission(STOP, HoldReason.ASKING)),
        (PRESS, DialogSighting(OTHER), MovePermission(STOP, HoldReason.ASKING)),
        (PRESS, DialogSighting(HALF), MovePermission(STOP, HoldReason.ASKING)),
        (replace(PRESS, key=b"2"), DialogSighting(RUN), MovePermission(STOP, HoldReason.ASKING)),
        (
            replace(PRESS, order=replace(PRESS.order, number=6)),
            DialogSighting(RUN),
            MovePermission(STOP, HoldReason.ASKING),
        ),
    ],
)
def test_a_key_is_pressed_only_into_the_very_dialog(
    effect: PressKey, sight: DialogSighting, permission: MovePermission
) -> None:
    assert ordered().may_press(effect, sight) == permission


@pytest.mark.parametrize(
    ("held", "seen", "again", "result"),
    [
        (HoldReason.PERSON_TYPES, RUN, False, PressResult.PERSON),
        (HoldReason.PERSON_STOPS, RUN, True, PressResult.PERSON),
        (HoldReason.PERSON_TYPES, None, False, PressResult.PERSON),
        (HoldReason.ASKING, HALF, False, PressResult.CHANGED),
        (HoldReason.ASKING, OTHER, False, PressResult.CHANGED),
        (HoldReason.ASKING, None, False, PressResult.CHANGED),
        (HoldReason.ASKING, HALF, True, PressResult.STANDS),
        (HoldReason.ASKING, OTHER, True, PressResult.GONE),
        (HoldReason.ASKING, None, True, PressResult.GONE),
    ],
)
def test_why_a_key_was_not_pressed(held: HoldReason, seen: Question | None, again: bool, result: PressResult) -> None:
    assert why_not_pressed(held, RUN.digest, DialogSighting(seen), again=again) is result


@pytest.mark.parametrize(
    ("answer", "words", "seen", "answerable"),
    [
        ("allow", "", RUN, True),
        ("1", "", RUN, True),
        ("allow", "", None, False),
        ("allow", "", OTHER, False),
        ("allow", "", HALF, False),
        ("1", "", replace(RUN, choices=CHOICES[1:]), False),
        ("2", "", replace(RUN, choices=(CHOICES[0], DialogOption("2", "Yes, always"))), False),
        ("deny", "", replace(RUN, deny="esc"), False),
        ("allow", "", HALF_OF_HOOK, True),  # the hook decides, whatever is drawn
        ("1", "", HALF_OF_HOOK, False),
        ("3", "", HALF, True),  # the room was not told of it: waiting does not help
        ("deny", "not here", HALF, True),  # nor can words be drawn
    ],
)
def test_when_an_answer_need_not_wait_for_the_dialog(
    answer: str, words: str, seen: Question | None, answerable: bool
) -> None:
    order = AnswerOrder(7, RUN.digest, answer, "alice", words)
    assert ordered().can_be_answered(order, DialogSighting(seen)) is answerable


def test_the_room_closes_a_dialog_under_its_number() -> None:
    approvals = ordered()
    assert approvals.number_of(1) == 7
    approvals.observe(DialogSighting(None), 20.0)
    (ended,) = approvals.observe(DialogSighting(None), 29.0)
    assert isinstance(ended, WithdrawDialog) and ended.state is AskState.CLOSED
    assert approvals.number_of(1) == 7
    approvals.note_closed(1)
    assert approvals.number_of(1) is None
