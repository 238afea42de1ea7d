"""The scenes that a person plays with a program, and how the keys they press tell what was true of it. Pure.

The person marks what no key of theirs tells: that the program waits for input, or that it asks. A person is up to
`MARK_LATENESS_S` later than what they see, so that time before a mark is not scored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

MARK_KEY_NAME = "Ctrl-]"
# as terminals send it: plainly, and where a program has asked for more of each key
MARK_SEQUENCES = (b"\x1d", b"\x1b[93;5u", b"\x1b[27;5;93~")
MARK_LATENESS_S = 3.0
NOTE = (
    f"Marked by a person with {MARK_KEY_NAME}, a moment after what they saw: the spans in `unsure` end with a mark, "
    "and are not scored."
)


class ToldBy(Enum):
    """MARK: the person presses the mark key. ENTER: the first Enter after the last mark. KEY: the last key before the
    next mark."""

    MARK = "mark"
    ENTER = "enter"
    KEY = "key"


_MARK = re.compile(b"(" + b"|".join(map(re.escape, MARK_SEQUENCES)) + b")")


@dataclass(frozen=True)
class SceneStep:
    """`state` is true from then on; empty if the step changes nothing."""

    text: str
    state: str = ""
    told_by: ToldBy = ToldBy.MARK


@dataclass(frozen=True)
class Scene:
    name: str
    title: str
    steps: tuple[SceneStep, ...]

    @property
    def marks(self) -> int:
        return sum(bool(step.state) and step.told_by is ToldBy.MARK for step in self.steps)


@dataclass(frozen=True)
class PressedKeys:
    """Keys that came at once, `at` seconds after the start."""

    at: float
    data: bytes

    @property
    def is_mark(self) -> bool:
        return self.data in MARK_SEQUENCES

    @property
    def submits(self) -> bool:
        return b"\r" in self.data or self.data.startswith(b"\x1b[13")


@dataclass(frozen=True)
class SceneTruth:
    """`states` as a recording's truth has them; `unsure` are spans in which they may not be true yet."""

    states: tuple[tuple[float, str], ...]
    unsure: tuple[tuple[float, float], ...]


_READY = SceneStep(f"Wait until it is ready for your words; then press {MARK_KEY_NAME}.", "idle")
_DONE = SceneStep(f"Wait until it is ready again; then press {MARK_KEY_NAME}.", "idle")
_QUIT = SceneStep("Quit it, as you do.")


def _ask(text: str) -> SceneStep:
    return SceneStep(f"Type this, and press Enter once:\n       {text}", "busy", ToldBy.ENTER)


SCENES = (
    Scene("start", "it starts and waits", (_READY, SceneStep("Press nothing for 10 seconds."), _QUIT)),
    Scene("turn", "a short answer", (_READY, _ask("Say the word DONE and nothing else."), _DONE, _QUIT)),
    Scene(
        "long",
        "a long answer",
        (_READY, _ask("Write the numbers from 1 to 80, each in a line with a word."), _DONE, _QUIT),
    ),
    Scene(
        "allowed",
        "a question that you allow",
        (
            _READY,
            _ask("Run exactly this command in the shell: touch kit-allowed"),
            SceneStep(f"When it asks whether it may: {MARK_KEY_NAME}. (It does not? Skip this scene.)", "approval"),
            SceneStep("Allow it, once.", "busy", ToldBy.KEY),
            _DONE,
            _QUIT,
        ),
    ),
    Scene(
        "refused",
        "a question that you refuse",
        (
            _READY,
            _ask("Run exactly this command in the shell: touch kit-refused"),
            SceneStep(f"When it asks whether it may: {MARK_KEY_NAME}.", "approval"),
            SceneStep("Wait 5 seconds, then refuse it.", "busy", ToldBy.KEY),
            _DONE,
            _QUIT,
        ),
    ),
    Scene(
        "interrupted",
        "an answer that you interrupt",
        (
            _READY,
            _ask("Write a story of 800 words about a lighthouse."),
            SceneStep("When some lines are there, interrupt it, as you do."),
            _DONE,
            _QUIT,
        ),
    ),
    Scene(
        "draft",
        "words that you do not send",
        (
            _READY,
            SceneStep("Type half a sentence, and press nothing for 5 seconds. Delete it."),
            SceneStep("Paste some lines that you have copied. Wait 5 seconds. Delete them."),
            _QUIT,
        ),
    ),
    Scene(
        "quotes",
        "an answer that looks like a question of it",
        (
            _READY,
            _ask("Answer with exactly these lines: Proceed? / > 1. Yes / 2. No"),
            _DONE,
            _QUIT,
        ),
    ),
)


def instructions(scene: Scene, place: str) -> Iterator[str]:
    """`place`: which of how many it is."""
    yield f"Scene {place}: {scene.title}"
    for number, step in enumerate(scene.steps, 1):
        yield from f"  {number}. {step.text}".split("\n")


def truth_of_scene(scene: Scene, pressed: Sequence[PressedKeys], end: float) -> SceneTruth | None:
    """None if the keys do not tell it: other marks than the scene has, or no key where one changes the state."""
    marks = [one.at for one in pressed if one.is_mark]
    if len(marks) != scene.marks:
        return None
    states, unsure, taken = [(0.0, "starting")], list[tuple[float, float]](), 0
    for step in scene.steps:
        if not step.state:
            continue
        since = states[-1][0]
        if step.told_by is ToldBy.MARK:
            at: float | None = marks[taken]
            taken += 1
            unsure.append((max(since, marks[taken - 1] - MARK_LATENESS_S), marks[taken - 1]))
        else:
            until = marks[taken] if taken < len(marks) else end
            at = _moment_between(step.told_by, pressed, since, until)
        if at is None:
            return None
        states.append((at, step.state))
    states.append((end, "exited"))
    return SceneTruth(tuple((round(at, 3), state) for at, state in states), tuple(unsure))


def _moment_between(told_by: ToldBy, pressed: Sequence[PressedKeys], since: float, until: float) -> float | None:
    keys = [one for one in pressed if since < one.at < until and not one.is_mark]
    if told_by is ToldBy.ENTER:
        return next((one.at for one in keys if one.submits), None)
    return keys[-1].at if keys else None


def split_marks(data: bytes) -> list[bytes]:
    """What a terminal sent at once, with each mark by itself."""
    return [part for part in _MARK.split(data) if part]
