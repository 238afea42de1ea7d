"""The demo agent's core: keys and time in, facts out. `view` draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from sidecar.demo_agent.composer import InputBox
from sidecar.demo_agent.keys import Input, Key, PastedInput, TypedInput
from sidecar.demo_agent.turn import RunningTurn
from sidecar.demo_agent.turn_plans import AskStep, EditStep, FailStep, ScriptedTurn, StreamStep, plan_turn


class DemoState(Enum):
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    ASKING = "asking"
    ERROR = "error"
    EXITED = "exited"


class Quirk(Enum):
    """Awkward behaviour seen in the real agents."""

    EARLY_ENTER = "early-enter"
    SWALLOW_ENTER = "swallow-enter"
    QUEUE = "queue"
    SLOW_START = "slow-start"
    SLOW_ECHO = "slow-echo"
    DIALOG_RACE = "dialog-race"
    STEER = "steer"


@dataclass(frozen=True, slots=True)
class StateChanged:
    state: DemoState
    at: float


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """One line of the transcript: user, assistant, command, edit (text), dialog (answer), interrupted, error."""

    type: str
    at: float
    text: str | None = None
    answer: str | None = None


DemoEvent = StateChanged | TranscriptLine

HELP_TEXT = """Keywords in a message change the turn:
  slow 3 · silent 4 · stream 5   work, work without a word, answer slowly (seconds)
  edit a.py                      say that it changes this file
  ask · error                    ask for approval, fail (as first or last word, or beside another keyword)
  say TEXT                       answer exactly TEXT
Esc interrupts · Ctrl-S stashes the draft · Ctrl-U clears the line · Ctrl-C twice or /exit leaves"""
DIALOG_OPTIONS = ("Yes", "No")
EXIT_ARMED_S = 2.0
FRAME_S = 0.08


class DemoAgent:
    def __init__(
        self,
        traps: frozenset[Quirk] = frozenset(),
        script: Sequence[ScriptedTurn] = (),
        history: Sequence[str] = (),
    ) -> None:
        self.state = DemoState.STARTING
        self.composer = InputBox()
        self.history = list(history)
        self.queued: list[str] = []
        self.selected = 0
        self.turn: RunningTurn | None = None
        self._traps = traps
        self._script = script
        self._facts: list[DemoEvent] = []
        self._ready_at: float | None = None
        self._echo: tuple[float, str] | None = None
        self._dialog_at: float | None = None
        self._dialog_raced = False
        self._pasted_at: float | None = None
        self._exit_armed_at: float | None = None

    # Time

    def begin(self, now: float) -> list[DemoEvent]:
        self._facts.append(StateChanged(DemoState.STARTING, now))
        self._ready_at = now + (1.5 if Quirk.SLOW_START in self._traps else 0.0)
        return self.advance(now)

    def advance(self, now: float) -> list[DemoEvent]:
        """Let everything happen that is due."""
        self._catch_up(now)
        return self._report()

    def _catch_up(self, now: float) -> None:
        if self._ready_at is not None and now >= self._ready_at:
            self._ready_at = None
            self._become(DemoState.IDLE, now)
        if self._echo and now >= self._echo[0]:
            self.composer.paste(self._echo[1])
            self._echo = None
        if self._dialog_at is not None and now >= self._dialog_at:
            self._dialog_at = None
            self._open_dialog(now)
        while self.state is DemoState.BUSY and self.turn and now >= self.turn.step_ends:
            self._take_step(self.turn)

    def leave(self, now: float) -> list[DemoEvent]:
        """The terminal was closed, or a signal told us to end."""
        self._become(DemoState.EXITED, now)
        return self._report()

    def wake_at(self, now: float) -> float | None:
        """When to look again if no key comes: at the next due event, or at the next frame of an animation."""
        echo_at = self._echo[0] if self._echo else None
        due = [at for at in (self._ready_at, self._dialog_at, echo_at) if at is not None]
        if self.state is DemoState.BUSY and self.turn:
            due += [now + FRAME_S, self.turn.step_ends]
        if self.exit_armed(now) and self._exit_armed_at is not None:
            due.append(self._exit_armed_at + EXIT_ARMED_S)
        return min(due, default=None)

    # Keys

    def handle(self, pressed: Input, now: float) -> list[DemoEvent]:
        self._catch_up(now)
        if self.state is DemoState.ASKING:
            self._answer_by(pressed, now)
        elif self.state not in (DemoState.STARTING, DemoState.EXITED):
            self._edit(pressed, now)
        return self._report()

    def _edit(self, pressed: Input, now: float) -> None:
        if isinstance(pressed, PastedInput):
            self._paste(pressed.text, now)
        elif isinstance(pressed, TypedInput):
            self.composer.type(pressed.text)
        elif pressed is Key.ENTER:
            self._enter(now)
        elif pressed is Key.ESCAPE and self.state is DemoState.BUSY:
            self._interrupt(now)
        elif pressed is Key.CTRL_C:
            self._ctrl_c(now)
        else:
            self._edit_line(pressed)

    def _edit_line(self, key: Key) -> None:
        if key is Key.BACKSPACE:
            self.composer.backspace()
        elif key is Key.CTRL_J:
            self.composer.type("\n")
        elif key is Key.CTRL_U:
            self.composer.clear_line()
        elif key is Key.CTRL_S:
            self.composer.stash()

    def _paste(self, text: str, now: float) -> None:
        self._pasted_at = now
        if Quirk.SLOW_ECHO in self._traps:
            self._echo = (now + 0.3, (self._echo[1] if self._echo else "") + text)
        else:
            self.composer.paste(text)
        if Quirk.DIALOG_RACE in self._traps and not self._dialog_raced:
            self._dialog_at, self._dialog_raced = now + 0.06, True

    def _enter(self, now: float) -> None:
        since_paste, self._pasted_at = self._pasted_at, None
        if Quirk.SWALLOW_ENTER in self._traps and since_paste is not None:
            return
        if Quirk.EARLY_ENTER in self._traps and since_paste is not None and now - since_paste < 0.05:
            self.composer.type("\n")
        elif self.state is DemoState.BUSY:
            self._enter_while_busy(now)
        elif text := self.composer.take():
            self.composer.restore()
            self._submit(text, now)

    def _enter_while_busy(self, now: float) -> None:
        """Without one of these keywords, Enter does nothing and the text stays in the box."""
        if Quirk.QUEUE in self._traps and (text := self.composer.take()):
            self.queued.append(text)
            self.composer.restore()
        elif Quirk.STEER in self._traps and (text := self.composer.take()):
            self._keep_what_was_streamed(now)
            self.composer.restore()
            self._submit(text, now)

    def _submit(self, text: str, now: float) -> None:
        self._dialog_raced = False
        if text in ("?", "/help"):
            self.history.append(HELP_TEXT)
        elif text == "/exit":
            self._become(DemoState.EXITED, now)
        elif text.startswith(("!", "/")):
            self.history.append(f"$ {text}\n  (a real agent would have run this as a command)")
            self._facts.append(TranscriptLine("command", now, text=text))
        else:
            self._begin_turn(text, now)

    def _ctrl_c(self, now: float) -> None:
        if self.state is DemoState.BUSY:
            self._interrupt(now)
        elif self.exit_armed(now):
            self._become(DemoState.EXITED, now)
        else:
            self.composer.clear()
            self._exit_armed_at = now

    def exit_armed(self, now: float) -> bool:
        return self._exit_armed_at is not None and now < self._exit_armed_at + EXIT_ARMED_S

    # Turns

    def streamed(self, now: float) -> str:
        return self.turn.streamed(now) if self.turn and self.state is DemoState.BUSY else ""

    def _begin_turn(self, text: str, now: float) -> None:
        self.history.append(f"> {text}")
        self._facts.append(TranscriptLine("user", now, text=text))
        self.turn = RunningTurn(plan_turn(text, self._script), now)
        self._exit_armed_at = None
        self._become(DemoState.BUSY, now)

    def _take_step(self, turn: RunningTurn) -> None:
        now, step = turn.step_ends, turn.next_step()
        if isinstance(step, AskStep):
            self._open_dialog(now)
        elif isinstance(step, EditStep):
            self.history.append(f"● Edit({step.path})")
            self._facts.append(TranscriptLine("edit", now, text=step.path))
        elif isinstance(step, FailStep):
            self.history.append(f"● {step.reason}")
            self._end_turn(TranscriptLine("error", now), DemoState.ERROR)
        elif isinstance(step, StreamStep):
            self.history.append(f"● {step.text}")
            self._end_turn(TranscriptLine("assistant", now, text=step.text), DemoState.IDLE)

    def _end_turn(self, outcome: TranscriptLine, state: DemoState) -> None:
        self.turn = None
        self._facts.append(outcome)
        self._become(state, outcome.at)
        while self.queued and self.state in (DemoState.IDLE, DemoState.ERROR):
            self._submit(self.queued.pop(0), outcome.at)

    def _interrupt(self, now: float) -> None:
        self._keep_what_was_streamed(now)
        self.history.append("⎿ Interrupted · What should be done instead?")
        self._end_turn(TranscriptLine("interrupted", now), DemoState.IDLE)

    def _keep_what_was_streamed(self, now: float) -> None:
        if part := self.streamed(now):
            self.history.append(f"● {part}")

    # The approval dialog

    def _open_dialog(self, now: float) -> None:
        if self.state is not DemoState.EXITED:
            self.selected = 0
            self._become(DemoState.ASKING, now)

    def _answer_by(self, pressed: Input, now: float) -> None:
        """A paste is dropped and letters do nothing, as in the real agents; but Enter approves."""
        if isinstance(pressed, TypedInput):
            if pressed.text in ("1", "2"):
                self._answer(int(pressed.text) - 1, now)
        elif pressed is Key.ENTER:
            self._answer(self.selected, now)
        elif pressed in (Key.ESCAPE, Key.CTRL_C):
            self._answer(None, now)
        elif pressed in (Key.UP, Key.DOWN):
            self.selected = 1 - self.selected

    def _answer(self, option: int | None, now: float) -> None:
        answer = "Esc" if option is None else DIALOG_OPTIONS[option]
        self._facts.append(TranscriptLine("dialog", now, answer=answer))
        self.history.append(f"⎿ Asked: {answer}")
        if self.turn is None:
            self._become(DemoState.IDLE, now)
        elif option == 0:
            self.turn.restart_step(now)
            self._become(DemoState.BUSY, now)
        else:
            self._interrupt(now)

    def _become(self, state: DemoState, now: float) -> None:
        self.state = state
        self._facts.append(StateChanged(state, now))

    def _report(self) -> list[DemoEvent]:
        facts, self._facts = self._facts, []
        return facts
