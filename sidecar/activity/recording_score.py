"""Scores how well a recording is observed: what the sidecar would have seen against the truth, weighted by time.

The truth stands beside the recording, as NAME.json: `states` are [second, state], each true until the next, and `end`
is the last second.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidecar.activity.recording_replay import parse_recording, replay_changes
from sidecar.agents import Adapter
from sidecar.errors import BadRecording

MAX_WRONG_PERCENT = 1.0  # of the time away from labelled changes
MAX_FALSE_IDLE_S = 0.15
MAX_ASKING_LATE_S = 0.25
NEAR_CHANGE_S = 0.4
STEP_S = 0.01
SAME_STATES = {"approval": "asking", "error": "idle", "exited": "gone"}
StateSpans = list[tuple[float, str]]
_DRAWN = re.compile(r"^drawn: .*\) (\[\[.*\]\])$")


@dataclass(frozen=True)
class RecordingScore:
    """`strict` and `outside` are shares of the time in percent in which the state was wrong: of all of it, and away
    from labelled changes. `false_idle` and `asking_late` are seconds, the worst of each."""

    strict: float
    outside: float
    false_idle: float
    asking_late: float

    @property
    def is_good(self) -> bool:
        return not any(self.limits_missed())

    def limits_missed(self) -> Iterator[str]:
        """The own signals of an agent are late next to a change, so `strict` has no common limit."""
        if self.outside > MAX_WRONG_PERCENT:
            yield f"away from changes at least {100 - MAX_WRONG_PERCENT:g} % must be right"
        if self.false_idle > MAX_FALSE_IDLE_S:
            yield f"it may be falsely idle for {MAX_FALSE_IDLE_S:g} s at most, or a message is typed too early"
        if self.asking_late > MAX_ASKING_LATE_S:
            yield f"a dialog must be seen within {MAX_ASKING_LATE_S:g} s, or a message may be typed into it"


@dataclass(frozen=True)
class RecordingTruth:
    """`drawn`: when each dialog was first on the screen. `unsure`: spans in which the state is not known, such as the
    moments before a person marked what they saw."""

    states: StateSpans
    end: float
    drawn: tuple[float, ...]
    unsure: tuple[tuple[float, float], ...] = ()


def truth_file(recording: Path) -> Path:
    return recording.with_suffix(".json")


def truth_of(recording: Path) -> RecordingTruth:
    path = truth_file(recording)
    try:
        return _parse_truth(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, SyntaxError) as error:
        raise BadRecording(f"{path} does not hold the truth of a recording: {error!r}.") from error


def _parse_truth(data: dict[str, Any]) -> RecordingTruth:
    """`drawn` is when each dialog was first on the screen; where the notes do not tell, when its label begins."""
    states = [(float(at), SAME_STATES.get(state, state)) for at, state in data["states"]]
    gone = next((at for at, state in states if state == "gone"), data["end"])
    noted = [ast.literal_eval(found[1]) for note in data.get("notes", ()) if (found := _DRAWN.search(note))]
    labelled = tuple(at for at, state in states if state == "asking")
    drawn = tuple(late for _, late in noted[0]) if noted else labelled
    unsure = tuple((float(begin), float(end)) for begin, end in data.get("unsure", ()))
    return RecordingTruth(states, min(gone, data["end"]), drawn, unsure)


def states_seen(recording: Path, agent: Adapter) -> StateSpans:
    try:
        with recording.open(encoding="utf-8") as lines:
            parsed = parse_recording(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise BadRecording(f"{recording} cannot be read: {error}.") from error
    return [(one.t, SAME_STATES.get(one.activity, one.activity)) for one in replay_changes(parsed, agent)]


def score_spans(truth: RecordingTruth, seen: StateSpans) -> RecordingScore:
    steps = compare_spans(truth.states, seen, truth.end)
    whole = [one for one in steps if not any(begin <= one[0] <= end for begin, end in truth.unsure)]
    changes = [when for when, _ in truth.states]
    return RecordingScore(
        _wrong(whole),
        _wrong(_away_from(changes, whole)),
        worst_false_idle(whole, changes),
        _asking_late(truth, seen),
    )


def state_at(spans: StateSpans, time: float) -> str:
    return next((state for begin, state in reversed(spans) if begin <= time), "starting")


ComparedStep = tuple[float, str, str]


def compare_spans(true: StateSpans, seen: StateSpans, end: float) -> list[ComparedStep]:
    return [
        (time, state_at(true, time), state_at(seen, time)) for time in (n * STEP_S for n in range(int(end / STEP_S)))
    ]


def _away_from(changes: list[float], whole: list[ComparedStep]) -> list[ComparedStep]:
    return [one for one in whole if not any(abs(one[0] - when) < NEAR_CHANGE_S - 1e-6 for when in changes)]


def _wrong(some: list[ComparedStep]) -> float:
    return round(100 * sum(true != said for _, true, said in some) / max(1, len(some)), 2)


def worst_false_idle(whole: list[ComparedStep], changes: list[float]) -> float:
    """The longest time of idle seen while it was not so, away from changes."""
    far = _away_from(changes, whole)
    worst = since = 0.0
    for before, (time, true, said) in zip([-1.0, *(one[0] for one in far)], far, strict=False):
        false = said == "idle" and true in ("busy", "asking")
        since = since + STEP_S if false and time - before < 2 * STEP_S else STEP_S if false else 0.0
        worst = max(worst, since)
    return round(worst, 2)


def _asking_late(truth: RecordingTruth, seen: StateSpans) -> float:
    """Of a dialog that closed before it was noticed, its whole life."""
    worst = 0.0
    for drawn in truth.drawn:
        closed = next((begin for begin, state in truth.states if begin > drawn and state != "asking"), truth.end)
        noticed = next((t for t in _askings(seen) if t <= closed and t >= drawn), closed)
        worst = max(worst, 0.0 if state_at(seen, drawn) == "asking" else noticed - drawn)
    return round(worst, 2)


def _askings(seen: StateSpans) -> list[float]:
    return [begin for begin, state in seen if state == "asking"]
