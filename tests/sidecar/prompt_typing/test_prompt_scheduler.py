"""The states of a prompt as event charts: events and observations in, states and acts out. No loop, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from gateway.protocol.types.core_types import Activity, Composer, Rung
from gateway.protocol.types.delivery_reasons import HoldReason
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.prompt_typing.prompt_scheduler import (
    DROPS_S,
    INTERRUPTED_WITHIN_S,
    REST_S,
    STALLED_S,
    AgentPrompts,
    Observation,
)
from sidecar.prompt_typing.prompt_states import NEXT, AgentPrompt, PromptEvent, PromptState
from sidecar.prompt_typing.returned_prompt import MAX_ROWS, ReturnedPrompt, ReturnedPromptAction, clearing
from sidecar.prompt_typing.typing_gate import ComposerContent
from tests.sidecar.pictures import moment

TEXT = "[alice -> claude #7] hello"
OURS = moment(composer=Composer.DRAFT, text=TEXT)
AFTER_SUBMIT = {PromptState.SUBMITTED, PromptState.PROVEN, PromptState.OVER}


def reachable(state: PromptState) -> set[PromptState]:
    found, new = set[PromptState](), {state}
    while new:
        found |= new
        new = {after for one in new for after in NEXT[one].values()} - found
    return found


@pytest.mark.parametrize("state", PromptState)
@pytest.mark.parametrize("event", PromptEvent)
def test_only_what_the_table_names_changes_a_state(state: PromptState, event: PromptEvent) -> None:
    after = AgentPrompt((7,), TEXT, state=state).after(event, 5.0)
    assert after.state is NEXT[state].get(event, state)


def test_nothing_that_was_submitted_is_ever_typed_again() -> None:
    assert reachable(PromptState.SUBMITTED) == AFTER_SUBMIT


def test_what_was_pasted_is_never_taken_for_something_that_was_not() -> None:
    assert not reachable(PromptState.PASTED) & {PromptState.WAITING, PromptState.TYPING}


def test_enter_is_pressed_only_for_what_the_writer_has_or_has_pasted() -> None:
    assert {state for state, after in NEXT.items() if PromptEvent.ENTER in after} == {
        PromptState.TYPING,
        PromptState.PASTED,
    }


# Charts


@dataclass(frozen=True)
class Sees:
    """One look at the agent."""

    shows: ComposerContent = ComposerContent.NOTHING
    held: HoldReason | None = None
    activity: Activity = Activity.IDLE
    printed: bool = True
    has_read: bool = False
    has_unread: bool = False
    interrupts: bool = False
    typed_ago: float = float("inf")
    draft_kept: bool = False

    def at(self, now: float) -> Observation:
        drawn = OURS if self.shows is ComposerContent.OURS else moment(self.activity)
        return Observation(
            drawn,
            now,
            self.held,
            self.shows,
            wants_interrupt=self.interrupts,
            draft_kept=self.draft_kept,
            since_key=self.typed_ago,
            since_output=0.0 if self.printed else now,
            has_read=self.has_read,
            has_unread=self.has_unread,
        )


@dataclass(frozen=True)
class Waits:
    seconds: float


@dataclass(frozen=True)
class Reaches:
    rung: Rung


Happens = PromptEvent | Sees | Waits | Reaches
LEFT_ALONE = Sees(printed=False)


class Player:
    """Plays a chart for message 7, and says after each event what the prompt or the next act is."""

    def __init__(self) -> None:
        self.now = 100.0
        self.prompts, self.prompt = AgentPrompts(), AgentPrompt((7,), TEXT)

    def play(self, happens: Happens) -> str:
        match happens:
            case Sees():
                return self._acts(happens)
            case Waits():
                self.now += happens.seconds
            case Reaches():
                self.prompts.reach(7, happens.rung)
            case _:
                self._happen(happens)
        return self.state

    def _acts(self, sees: Sees) -> str:
        seen = sees.at(self.now)
        self.prompts.keep(self.prompts.pasted if self.prompts.unsent else None, self.now - seen.since_output)
        pasted = self.prompts.pasted if self.prompts.unsent else None
        command = self.prompts.next_act(pasted or self.prompt, seen)
        if command.act.value == "interrupt":
            self.prompts.interrupt(7, self.now)
        return f"{command.act.value} {command.held or ''}".strip()

    def _happen(self, event: PromptEvent) -> None:
        match event:
            case PromptEvent.BEGIN:
                self.prompts.begin(self.prompts.pasted or self.prompt)
            case PromptEvent.PASTE:
                self.prompts.paste(self.now, queued_inside=False)
            case PromptEvent.ENTER if self.prompts.typing:
                self.prompts.enter(self.now)
            case PromptEvent.ENTER:
                self.prompts.enter_again((7,), self.now)
            case PromptEvent.STOP:
                self.prompts.stop(self.now)
            case PromptEvent.DROP:
                self.prompts.keep(None, self.now - 1)

    @property
    def state(self) -> str:
        prompts = self.prompts
        prompt = prompts.sent.get(7) or prompts.typing or prompts.pasted
        return prompt.state.value if prompt else "waiting"


PASTES: list[tuple[Happens, str]] = [(Sees(), "type"), (PromptEvent.BEGIN, "typing"), (PromptEvent.PASTE, "pasted")]
STOPPED = [*PASTES, (PromptEvent.STOP, "pasted")]
SUBMITS = [*PASTES, (PromptEvent.ENTER, "submitted")]

CHARTS: dict[str, Sequence[tuple[Happens, str]]] = {
    "as it should be": [*SUBMITS, (Reaches(Rung.ACCEPTED), "proven"), (Reaches(Rung.ANSWERED), "waiting")],
    "a swallowed Enter is pressed again for the same prompt": [*SUBMITS, (PromptEvent.ENTER, "submitted")],
    "it fails after Enter": [*SUBMITS, (Reaches(Rung.FAILED), "waiting")],
    "a dialog stands there": [(Sees(held=HoldReason.ASKING), "hold asking")],
    "a dialog appears between paste and Enter": [
        *STOPPED,
        (Sees(held=HoldReason.ASKING), "hold asking"),
        (Waits(REST_S), "pasted"),
        (Sees(ComposerContent.OURS), "type"),
        (PromptEvent.BEGIN, "pasted"),
        (PromptEvent.ENTER, "submitted"),
    ],
    "an attempt that was stopped rests": [
        (PromptEvent.BEGIN, "typing"),
        (PromptEvent.STOP, "waiting"),
        (Sees(), "rest"),
        (Waits(REST_S), "waiting"),
        (Sees(), "type"),
    ],
    "a paste that was swallowed is typed again once the agent has painted": [
        *STOPPED,
        (Waits(0.9), "pasted"),
        (Sees(), "await a sign unknown: it was typed, and the agent shows nothing"),
        (Waits(0.2), "pasted"),
        (Sees(), "type"),
    ],
    "what a starved agent paints before it has read the paste is no sign that it was swallowed": [
        *STOPPED,
        (Waits(DROPS_S * 2), "pasted"),
        (Sees(has_unread=True), "await a sign unknown: it was typed, and the agent shows nothing"),
        (Waits(STALLED_S), "pasted"),
        (Sees(has_unread=True), "give up unknown: it was typed, and the agent shows nothing"),
        (Sees(ComposerContent.OURS), "type"),
    ],
    "an agent that shows nothing gets nothing, and in the end it fails": [
        *STOPPED,
        (Waits(STALLED_S / 2), "pasted"),
        (LEFT_ALONE, "await a sign unknown: it was typed, and the agent shows nothing"),
        (Waits(STALLED_S), "pasted"),
        (LEFT_ALONE, "give up unknown: it was typed, and the agent shows nothing"),
    ],
    "one that has read all keys and shows none has dropped them": [
        *STOPPED,
        (Waits(DROPS_S / 2), "pasted"),
        (replace(LEFT_ALONE, has_read=True), "await a sign unknown: it was typed, and the agent shows nothing"),
        (Waits(DROPS_S), "pasted"),
        (replace(LEFT_ALONE, has_read=True), "type"),
    ],
    "what stands there otherwise is looked at again, and is no draft to be put away": [
        *STOPPED,
        (Sees(ComposerContent.OTHER), "rest draft"),
        (Waits(REST_S), "pasted"),
        (Sees(ComposerContent.OTHER), "look again draft"),
        (Sees(ComposerContent.OTHER, held=HoldReason.DRAFT), "look again draft"),
        (Sees(ComposerContent.OTHER, held=HoldReason.BUSY), "hold busy"),
    ],
    "a person presses Enter on it": [*STOPPED, (Reaches(Rung.ACCEPTED), "proven"), (Sees(), "rest")],
    "taken back after the paste: its text may still come up": [
        *STOPPED,
        (PromptEvent.DROP, "abandoned"),
        (Waits(0.5), "abandoned"),
        (LEFT_ALONE, "await a sign unknown: it was typed, and the agent shows nothing"),
        (Waits(1.0), "abandoned"),
        (Sees(), "type"),
    ],
    "taken back and ordered again: what stands there may be anybody's": [
        *STOPPED,
        (PromptEvent.DROP, "abandoned"),
        (Waits(0.5), "abandoned"),
        (
            replace(LEFT_ALONE, shows=ComposerContent.OTHER),
            "await a sign unknown: it was typed, and the agent shows nothing",
        ),
    ],
    "a draft is put away for another message": [(Sees(draft_kept=True), "hold draft")],
    "its draft is put away, and it stands there": [
        *STOPPED,
        (Waits(1.0), "pasted"),
        (Sees(ComposerContent.OURS, draft_kept=True), "type"),
    ],
    "an urgent message that interrupts": [
        (Sees(activity=Activity.BUSY, interrupts=True), "interrupt busy: interrupted for this message"),
        (Sees(activity=Activity.BUSY, interrupts=True), "hold the first busy: interrupted for this message"),
        (Sees(activity=Activity.IDLE, interrupts=True), "type"),
    ],
    "it interrupts once, and then goes in as any urgent one": [
        (Sees(activity=Activity.BUSY, interrupts=True), "interrupt busy: interrupted for this message"),
        (Waits(INTERRUPTED_WITHIN_S), "waiting"),
        (Sees(activity=Activity.BUSY, interrupts=True), "type"),
    ],
    "it failed and is tried again: it interrupts again": [
        (Sees(activity=Activity.BUSY, interrupts=True), "interrupt busy: interrupted for this message"),
        (Reaches(Rung.FAILED), "waiting"),
        (Sees(activity=Activity.BUSY, interrupts=True), "interrupt busy: interrupted for this message"),
    ],
    "a dialog is not interrupted": [
        (Sees(activity=Activity.ASKING, held=HoldReason.ASKING, interrupts=True), "hold asking")
    ],
}


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_the_states_of_a_prompt(chart: Sequence[tuple[Happens, str]]) -> None:
    player = Player()
    assert [(happens, player.play(happens)) for happens, _ in chart] == list(chart)


def test_a_person_who_types_into_what_was_pasted_is_waited_for() -> None:
    player = Player()
    for happens, _ in STOPPED:
        player.play(happens)
    player.now += 5.0
    assert player.prompts.touched(Sees(ComposerContent.OTHER, typed_ago=1.0).at(player.now))
    assert not player.prompts.touched(Sees(ComposerContent.OTHER, typed_ago=6.0).at(player.now))


def test_a_message_that_is_taken_back_changes_what_may_be_submitted() -> None:
    prompts = AgentPrompts(pasted=AgentPrompt((7, 8), "both", state=PromptState.PASTED, at=100.0))
    prompts.keep(AgentPrompt((8,), "the second"), 100.0)
    assert prompts.pasted == AgentPrompt((8,), "the second", state=PromptState.PASTED, at=100.0)
    assert prompts.unsent == (8,)


def test_numbers_of_another_store_are_forgotten() -> None:
    prompts = AgentPrompts(
        pasted=AgentPrompt((7,), TEXT, state=PromptState.PASTED), hook_due={7}, returned=ReturnedPrompt(TEXT, 1.0)
    )
    prompts.sent[8] = AgentPrompt((8,), "x", state=PromptState.SUBMITTED)
    prompts.forget_numbers()
    assert prompts == AgentPrompts(returned=ReturnedPrompt(TEXT, 1.0))


@pytest.mark.parametrize(("rung", "due"), [(Rung.ACCEPTED, {7}), (Rung.HELD, set()), (Rung.FAILED, set())])
def test_a_submit_hook_is_expected_until_the_message_is_held_or_has_failed(rung: Rung, due: set[int]) -> None:
    prompts = AgentPrompts()
    prompts.expect_hook([7])
    prompts.reach(7, rung)
    assert prompts.hook_due == due


BACK, PART = ReturnedPrompt(TEXT, 100.0), ReturnedPrompt(TEXT, 100.0, rows=1)
HALF = moment(composer=Composer.DRAFT, text="[alice -> claude #7]")
BUSY_OURS, BUSY = moment(Activity.BUSY, Composer.DRAFT, TEXT), moment(Activity.BUSY)
CALM = replace(BACK, calm_at=104.0)
NEVER = float("inf")


@pytest.mark.parametrize(
    ("returned", "drawn", "since_key", "now", "due"),
    [
        pytest.param(BACK, OURS, NEVER, 100.5, ReturnedPromptAction.LATER, id="it may still be coming"),
        pytest.param(BACK, OURS, NEVER, 101.0, ReturnedPromptAction.TAKE_OUT_ROW, id="it came back"),
        pytest.param(PART, HALF, NEVER, 101.0, ReturnedPromptAction.TAKE_OUT_ROW, id="a row of it is out"),
        pytest.param(BACK, HALF, NEVER, 101.0, ReturnedPromptAction.FORGET, id="something else stands there"),
        pytest.param(BACK, moment(), NEVER, 101.0, ReturnedPromptAction.FORGET, id="it did not come back"),
        pytest.param(PART, moment(), NEVER, 101.0, ReturnedPromptAction.FORGET, id="all of it is out"),
        pytest.param(BACK, OURS, 0.5, 101.0, ReturnedPromptAction.FORGET, id="a person types"),
        pytest.param(BACK, BUSY_OURS, NEVER, 101.0, ReturnedPromptAction.LATER, id="not while it works"),
        pytest.param(BACK, BUSY, NEVER, 104.0, ReturnedPromptAction.LATER, id="its turn has not ended yet"),
        pytest.param(BACK, BUSY, NEVER, 110.0, ReturnedPromptAction.FORGET, id="its turn goes on"),
        pytest.param(CALM, moment(), NEVER, 104.9, ReturnedPromptAction.LATER, id="its turn has just ended"),
        pytest.param(CALM, OURS, NEVER, 104.9, ReturnedPromptAction.TAKE_OUT_ROW, id="it came back late"),
        pytest.param(CALM, moment(), NEVER, 105.0, ReturnedPromptAction.FORGET, id="it did not come back then"),
        pytest.param(CALM, OURS, 1.0, 104.9, ReturnedPromptAction.FORGET, id="a person typed after the key"),
        pytest.param(
            replace(PART, rows=MAX_ROWS + 1), HALF, NEVER, 101.0, ReturnedPromptAction.FORGET, id="without end"
        ),
    ],
)
def test_a_returned_prompt_is_cleared(
    returned: ReturnedPrompt, drawn: AgentSnapshot, since_key: float, now: float, due: ReturnedPromptAction
) -> None:
    assert clearing(returned, drawn, since_key, now) is due


def test_a_returned_prompt_remembers_when_its_agent_came_to_rest() -> None:
    prompts = AgentPrompts(returned=BACK)
    assert prompts.look_for_returned(BUSY, 101.0) == BACK
    for now in (104.0, 105.0):
        assert prompts.look_for_returned(moment(), now) == CALM
