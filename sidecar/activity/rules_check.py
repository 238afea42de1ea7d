"""Checks a rules file for those who write one: its faults, its slow expressions, and how well it reads recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sidecar.activity.recording_score import (
    RecordingScore,
    StateSpans,
    score_spans,
    states_seen,
    truth_file,
    truth_of,
)
from sidecar.agents import Adapter, agent_of_tables, hook_style_fault
from sidecar.errors import BadRecording
from sidecar.rules_file.linting import RulesFault, lint_rules, patterns_in
from sidecar.rules_file.pattern_trial import slow_text
from sidecar.screen.rules_loader import read_rules_text

MAX_SHOWN_STATES = 8


@dataclass(frozen=True)
class CheckedRecording:
    """`problem` says why it has no score."""

    file: str
    score: RecordingScore | None = None
    problem: str = ""
    unreadable: bool = False

    @property
    def is_good(self) -> bool:
        return self.score is not None and self.score.is_good


@dataclass(frozen=True)
class CheckedRules:
    file: str
    agent: str = ""
    rules: int = 0
    faults: tuple[RulesFault, ...] = ()
    recordings: tuple[CheckedRecording, ...] = ()

    @property
    def exit_status(self) -> int:
        if any(one.unreadable for one in self.recordings):
            return 2
        return 0 if not self.faults and all(one.is_good for one in self.recordings) else 1


def check_rules_file(path: Path, recordings: Sequence[Path]) -> CheckedRules:
    """Recordings are replayed only with rules that have no faults."""
    text = read_rules_text(path)
    linted = lint_rules(text, str(path))
    if linted.tables is None:
        return CheckedRules(str(path), faults=linted.faults)
    style = hook_style_fault(linted.tables, text)
    if faults := [*_slow_expressions(text), *([style] if style else [])]:
        return CheckedRules(str(path), linted.tables.agent, faults=tuple(faults))
    agent = agent_of_tables(linted.tables, text, path)
    checked = tuple(_check_recording(one, agent) for one in recordings)
    return CheckedRules(str(path), agent.name, len(agent.rules.rules), recordings=checked)


def _slow_expressions(text: str) -> Iterator[RulesFault]:
    for found in patterns_in(text):
        if slow := slow_text(found.pattern):
            yield RulesFault(found.line, f"{found.name} takes too long: a text such as {slow} keeps it busy.")


def _check_recording(path: Path, agent: Adapter) -> CheckedRecording:
    try:
        seen = states_seen(path, agent)
        if not truth_file(path).exists():
            return CheckedRecording(str(path), problem=_without_truth(path, seen))
        return CheckedRecording(str(path), score_spans(truth_of(path), seen))
    except BadRecording as error:
        return CheckedRecording(str(path), problem=str(error), unreadable=True)


def _without_truth(path: Path, seen: StateSpans) -> str:
    states: StateSpans = []
    for at, state in seen:
        if not states or states[-1][1] != state:
            states.append((at, state))
    shown = ", ".join(f'[{at}, "{state}"]' for at, state in states[:MAX_SHOWN_STATES])
    more = ", ..." if len(states) > MAX_SHOWN_STATES else ""
    return (
        f"it is not scored, because {truth_file(path)} does not exist. Write the truth there, as "
        f'{{"states": [[second, state], ...], "end": second}}. These rules see: {shown}{more}'
    )


# What is printed


def check_as_json(checked: CheckedRules) -> dict[str, Any]:
    return {
        "file": checked.file,
        "ok": checked.exit_status == 0,
        "agent": checked.agent,
        "faults": [asdict(one) for one in checked.faults],
        "recordings": [_recording_as_json(one) for one in checked.recordings],
    }


def _recording_as_json(one: CheckedRecording) -> dict[str, Any]:
    score = one.score
    return {
        "file": one.file,
        "ok": one.is_good,
        "right_percent": None if score is None else round(100 - score.strict, 2),
        "right_away_from_changes_percent": None if score is None else round(100 - score.outside, 2),
        "false_idle_s": None if score is None else score.false_idle,
        "asking_seen_within_s": None if score is None else score.asking_late,
        "problem": one.problem,
    }


def check_lines(checked: CheckedRules) -> Iterator[str]:
    yield from (one.in_file(checked.file) for one in checked.faults)
    if not checked.faults:
        yield f"{checked.file}: ok, {checked.rules} rules for {checked.agent}"
    yield from (f"{one.file}: {_score_text(one)}" for one in checked.recordings)


def _score_text(one: CheckedRecording) -> str:
    score = one.score
    if score is None:
        return one.problem
    wrong = "; ".join(score.limits_missed())
    return (
        f"right for {100 - score.strict:.2f} % of the time ({100 - score.outside:.2f} % away from changes), "
        f"longest false idle {score.false_idle:.2f} s, asking seen within {score.asking_late:.2f} s: " + (wrong or "ok")
    )
