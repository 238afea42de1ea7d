"""The model server's record of the tool calls of an agent's model, and of their results."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.approvals_questions import Question
from benchmarks.delivery_cast import Player
from benchmarks.delivery_truth import EPOCH, DemoOracle, ModelOracle
from tests.fakes.models.model import Seen
from tests.fakes.models.script import Kind, Reply, ToolCall

DEMO_THINKS_S = 0.3
_RESULTS = ("tool_result", "function_call_output")


@dataclass
class Call:
    """One tool call that needs permission: when its last byte was written, in wall time, and its result."""

    question: Question
    seen: Seen | None
    results: list[str] = field(default_factory=list)
    began: float | None = None

    @property
    def at(self) -> float | None:
        finished = self.seen.finished_at if self.seen else None
        return self.began if finished is None else finished + EPOCH


class Asks(Protocol):
    """As `AskingModel` is."""

    @property
    def calls(self) -> list[Call]: ...

    def plan(self, word: str, questions: Sequence[Question]) -> None: ...

    def listen_for(self, token: str) -> None: ...

    def said(self, token: str) -> str: ...


@dataclass(frozen=True)
class Step:
    call: ToolCall
    question: Question
    asks: bool


def steps_of(questions: Sequence[Question]) -> Iterator[Step]:
    for question in questions:
        last = len(question.calls) - 1
        yield from (Step(call, question, number == last) for number, call in enumerate(question.calls))


class AskingModel(ModelOracle):
    """A message with a planned word makes the model call its tools in order, then answer."""

    def __init__(self, player: Player, seed: int) -> None:
        super().__init__(player, "true", seed)
        self.calls: list[Call] = []
        self._plans: dict[str, Sequence[Question]] = {}
        self._steps: deque[Step] = deque()
        self._waits: Call | None = None
        self._tokens: dict[str, str] = {}

    def plan(self, word: str, questions: Sequence[Question]) -> None:
        self._plans[word] = questions

    def listen_for(self, token: str) -> None:
        """Search for the words of a refusal by the unique token in them."""
        self._tokens[token] = ""

    def said(self, token: str) -> str:
        """The text that contains the token, or nothing."""
        return self._tokens[token]

    def choose(self, seen: Seen) -> Reply:
        for token in [one for one, text in self._tokens.items() if not text]:
            self._tokens[token] = next((text for text in texts_in(seen.body) if token in text), "")
        if seen.asked.kind is Kind.CONTINUATION:
            if self._waits is not None:
                self._waits.results += results_in(seen.body)[-1:]
        else:
            last = seen.asked.texts[-1] if seen.asked.texts else ""
            self._steps = deque(steps_of(next((self._plans[one] for one in self._plans if one in last), ())))
        self._waits = None
        if not self._steps:
            return super().choose(seen)
        self._note(seen)
        return self._next_call(seen)

    def _next_call(self, seen: Seen) -> Reply:
        step = self._steps.popleft()
        if step.asks:
            self._waits = Call(step.question, seen)
            self.calls.append(self._waits)
        return Reply("Let me see.", tool=step.call)


class AskingDemo(DemoOracle):
    """Read from the demo agent's transcript: it asks once per turn with that keyword, and continues only if allowed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._calls: list[Call] = []
        self._plans: dict[str, Question] = {}

    @property
    def calls(self) -> list[Call]:
        self.look()
        return self._calls

    def plan(self, word: str, questions: Sequence[Question]) -> None:
        self._plans[word] = questions[0]

    def listen_for(self, token: str) -> None:
        """The demo agent accepts no words."""

    def said(self, token: str) -> str:
        return ""

    def _entry(self, entry: Mapping[str, object]) -> None:
        super()._entry(entry)
        text = str(entry.get("text") or "")
        if entry["type"] == "user":
            asked = [question for word, question in self._plans.items() if word in text]
            self._calls += [Call(one, None, began=float(str(entry["at"])) + DEMO_THINKS_S) for one in asked]
        elif entry["type"] == "assistant" and self._calls:
            self._calls[-1].results.append(self._calls[-1].question.result)


def oracle_of(player: Player, folder: Path, seed: int) -> AskingModel | AskingDemo:
    return AskingDemo(folder / "state" / "sidecars" / player.name) if player.cli is None else AskingModel(player, seed)


def texts_in(value: object) -> Iterator[str]:
    """Newest first."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from texts_in(one)
    elif isinstance(value, Sequence):
        for one in reversed(value):
            yield from texts_in(one)


def results_in(value: object) -> list[str]:
    """The tool results in the three vendors' formats, oldest first."""
    if isinstance(value, Mapping):
        if value.get("type") in _RESULTS or "functionResponse" in value:
            return ["\n".join(texts_in(value))]
        return [text for one in value.values() for text in results_in(one)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [text for one in value for text in results_in(one)]
    return []
