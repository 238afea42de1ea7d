"""Plans what a message makes the demo agent do: steps from keywords in its text or from a script."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkStep:
    seconds: float
    chatty: bool


@dataclass(frozen=True, slots=True)
class StreamStep:
    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class EditStep:
    """It says that it changes a file, and touches none."""

    path: str
    seconds: float = 0.2


@dataclass(frozen=True, slots=True)
class AskStep:
    question: str = "Do you want to run this?"


@dataclass(frozen=True, slots=True)
class FailStep:
    reason: str = "API Error: 500 Internal server error (as you asked for)"


PlanStep = WorkStep | EditStep | StreamStep | AskStep | FailStep


@dataclass(frozen=True, slots=True)
class ScriptedTurn:
    """`match` is a regular expression; `manner` holds keywords; `answer` replaces the usual one."""

    match: str
    manner: str = ""
    answer: str | None = None


_ENVELOPE = re.compile(r"\A\s*\[[^\]\n]*\]\s*")
_SAY_COMMAND = re.compile(r"(?:^|(?<=\s))say\s+(?P<text>.+)\Z", re.DOTALL)
_KEYWORD = re.compile(
    r"(?<!\S)(?:(?P<timed>slow|silent|stream)\s+(?P<seconds>\d+(?:\.\d+)?)(?![\w.]*\w)"
    r"|edit\s+(?P<path>\S{0,400}[./]\S{1,400})|(?P<bare>ask|error)(?!\S))"
)
_MAX_STEP_S = 3600.0
_THINKING_STEP = WorkStep(0.3, chatty=False)


def plan_turn(text: str, script: Sequence[ScriptedTurn] = ()) -> tuple[PlanStep, ...]:
    """The steps of one turn. The last one is the answer, unless an error ends it.

    `slow 3`, `silent 4`, `stream 5` and `edit a.py` count wherever they stand; `ask` and `error` are common words, so
    they count only as the first or last word, or next to another keyword. `say TEXT` takes the rest of the message.
    """
    scripted = next((turn for turn in script if re.search(turn.match, text)), None)
    if scripted is not None:
        return _steps_from_keywords(scripted.manner, _text_to_say(text) if scripted.answer is None else scripted.answer)
    body = _ENVELOPE.sub("", text)
    say = _SAY_COMMAND.search(body)
    if say is None:
        return _steps_from_keywords(body, _text_to_say(text))
    return _steps_from_keywords(body[: say.start()], say["text"].strip())


def _text_to_say(text: str) -> str:
    return f"You said: {text[:200]}"


def _steps_from_keywords(manner: str, answer: str) -> tuple[PlanStep, ...]:
    steps: list[PlanStep] = []
    stream_seconds = 0.3
    for word, value in _find_keywords(manner):
        if word == "stream":
            stream_seconds = float(value)
        elif word == "edit":
            steps.append(EditStep(value))
        elif word == "ask":
            steps += [AskStep()] if steps else [_THINKING_STEP, AskStep()]
        elif word == "error":
            return (*(steps or [_THINKING_STEP]), FailStep())
        else:
            steps.append(WorkStep(float(value), chatty=word == "slow"))
    return (*steps, StreamStep(answer, stream_seconds))


def _find_keywords(manner: str) -> Iterator[tuple[str, str]]:
    """Each keyword with its seconds or its path."""
    found = list(_KEYWORD.finditer(manner))
    ends = [0, *(match.end() for match in found)]
    starts = [*(match.start() for match in found[1:]), len(manner)]
    for match, left, right in zip(found, ends, starts, strict=False):
        if match["timed"]:
            yield match["timed"], str(min(float(match["seconds"]), _MAX_STEP_S))
        elif match["path"]:
            yield "edit", match["path"]
        elif not re.search(r"\w", manner[left : match.start()]) or not re.search(r"\w", manner[match.end() : right]):
            yield match["bare"], ""
