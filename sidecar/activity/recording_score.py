"""How well a recording is observed: verdicts against the truth, weighted by time."""

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path

from sidecar.activity.recording_replay import parse_recording, replay_changes
from sidecar.agents import Adapter

NEAR = 0.4
SAME = {"approval": "asking", "error": "idle", "exited": "gone"}
Spans = list[tuple[float, str]]


@dataclass(frozen=True)
class Score:
    """`strict` and `outside` are shares of the time in percent, all of it and away from labelled changes;
    `false_idle` and `asking_late` are seconds, the worst of each."""

    strict: float
    outside: float
    false_idle: float
    asking_late: float


@dataclass(frozen=True)
class Truth:
    states: Spans
    end: float
    drawn: tuple[float, ...]


def truth_of(path: Path) -> Truth:
    """`drawn` is when each dialog was first on the screen; where the notes do not tell, when its label begins."""
    data = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    states = [(at, SAME.get(state, state)) for at, state in data["states"]]
    gone = next((at for at, state in states if state == "gone"), data["end"])
    noted = [ast.literal_eval(found[1]) for note in data.get("notes", ()) if (found := _DRAWN.search(note))]
    labelled = tuple(at for at, state in states if state == "asking")
    return Truth(states, min(gone, data["end"]), tuple(late for _, late in noted[0]) if noted else labelled)


_DRAWN = re.compile(r"^drawn: .*\) (\[\[.*\]\])$")


def seen_in(path: Path, agent: Adapter) -> Spans:
    with path.open(encoding="utf-8") as lines:
        return [(one.t, SAME.get(one.activity, one.activity)) for one in replay_changes(parse_recording(lines), agent)]


def score(path: Path, agent: Adapter) -> Score:
    truth, seen = truth_of(path), seen_in(path, agent)
    all_of_it = pieces(truth.states, seen, truth.end)
    changes = [when for when, _ in truth.states]
    return Score(
        _wrong(all_of_it),
        _wrong(_far(all_of_it, changes)),
        worst_false_idle(all_of_it, changes),
        _asking_late(truth, seen),
    )


def at(spans: Spans, time: float) -> str:
    return next((state for begin, state in reversed(spans) if begin <= time), "starting")


Piece = tuple[float, str, str]
STEP = 0.01


def pieces(true: Spans, seen: Spans, end: float) -> list[Piece]:
    return [(time, at(true, time), at(seen, time)) for time in (n * STEP for n in range(int(end / STEP)))]


def _far(all_of_it: list[Piece], changes: list[float]) -> list[Piece]:
    return [one for one in all_of_it if not any(abs(one[0] - when) < NEAR - 1e-6 for when in changes)]


def _wrong(some: list[Piece]) -> float:
    return round(100 * sum(true != said for _, true, said in some) / max(1, len(some)), 2)


def worst_false_idle(all_of_it: list[Piece], changes: list[float]) -> float:
    """The longest time of idle seen while it was not so, away from changes."""
    far = _far(all_of_it, changes)
    worst = since = 0.0
    for before, (time, true, said) in zip([-1.0, *(one[0] for one in far)], far, strict=False):
        false = said == "idle" and true in ("busy", "asking")
        since = since + STEP if false and time - before < 2 * STEP else STEP if false else 0.0
        worst = max(worst, since)
    return round(worst, 2)


def _asking_late(truth: Truth, seen: Spans) -> float:
    """Of a dialog that closed before it was noticed, its whole life."""
    worst = 0.0
    for drawn in truth.drawn:
        closed = next((begin for begin, state in truth.states if begin > drawn and state != "asking"), truth.end)
        noticed = next((t for t in _askings(seen) if t <= closed and t >= drawn), closed)
        worst = max(worst, 0.0 if at(seen, drawn) == "asking" else noticed - drawn)
    return round(worst, 2)


def _askings(seen: Spans) -> list[float]:
    return [begin for begin, state in seen if state == "asking"]
