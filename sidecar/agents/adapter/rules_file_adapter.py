"""The adapter of an agent that is known by its rules file alone.

What the file leaves out is as for a program that reads lines, or, with a `[box]`, as for one with a composer.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gateway.client.discovery.rules_files import command_words
from sidecar.agents.adapter.adapter import (
    Adapter,
    HookApprovals,
    Hooks,
    InterruptMethod,
    LaunchContext,
    LaunchMethod,
    LaunchPlan,
    RunningAgent,
    SubmitMethod,
    Transcript,
    TranscriptFormat,
    program_name,
)
from sidecar.agents.adapter.hook_config import hook_command_line, hook_environment, hook_files
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.rules_file.file_format import RulesTables, SubmitTable, TranscriptLineTable, TranscriptTable
from sidecar.screen.rules import SCREEN_REGIONS, ScreenRules

_KEYS = {"enter": b"\r", "tab": b"\t", "ctrl-j": b"\n", "escape": b"\x1b", "ctrl-c": b"\x03"}
SILENCE_S, SILENCE_WITH_BOX_S = 0.4, 1.0
CLOCK_DIFFERENCE_S = 2.0  # a file system may write a time that is a little earlier than ours


@dataclass(frozen=True)
class HookStyle:
    """How the hooks of an agent of ours are read and answered."""

    hooks: Hooks
    approvals: HookApprovals | None


def adapter_from_file(tables: RulesTables, rules: ScreenRules, style: HookStyle | None) -> Adapter:
    boxed = tables.box is not None
    files = _TranscriptFiles(tables.transcript.file) if tables.transcript else None
    interrupt = tables.submit.interrupt or ("escape" if boxed else "ctrl-c")
    return Adapter(
        name=tables.agent,
        rules=rules,
        launching=_launching(tables, files),
        submit=_submitting(tables.submit, boxed=boxed),
        interrupt=InterruptMethod(key=_KEYS[interrupt]),
        hooks=style.hooks if style else None,
        approvals=style.approvals if style else None,
        transcript=_transcript(tables.transcript, files) if tables.transcript and files else None,
        silence=_silence(tables),
        envelope=tables.envelope,
    )


def _submitting(table: SubmitTable, *, boxed: bool) -> SubmitMethod:
    echoes = boxed if table.echoes is None else table.echoes
    return SubmitMethod(pause=table.pause, key=_KEYS[table.key], echoes=echoes)


def _silence(tables: RulesTables) -> float | None:
    """Idle needs two sources that agree. Where none beside the screen speaks of it, silence does."""
    if tables.silence is not None:
        return tables.silence or None
    if tables.box is None:
        return SILENCE_S
    beside = any(rule.says == "idle" and rule.region not in SCREEN_REGIONS for rule in tables.rules)
    return None if beside else SILENCE_WITH_BOX_S


# How it is started


def _launching(tables: RulesTables, files: _TranscriptFiles | None) -> LaunchMethod:
    command = command_words(tables.launch.command)
    programs = tables.launch.programs or [program_name(command)]
    return LaunchMethod(
        is_for=lambda given: bool(given) and program_name(given) in programs,
        launch=partial(_plan_launch, tables, files),
        resumed=partial(_resume_command, tables),
        is_written=partial(_is_written, tables),
        command=command,
    )


def _plan_launch(
    tables: RulesTables, files: _TranscriptFiles | None, command: Sequence[str], place: LaunchContext
) -> LaunchPlan:
    """A command that the user gives is taken as it is; only the file's own has names to fill in."""
    fill = _Names(place).fill
    own = tuple(command) in (command_words(tables.launch.command), command_words(tables.launch.resume))
    if files is not None:
        files.note_earlier(place)
    transcript = Path(fill(tables.transcript.file)) if tables.transcript else None
    hooks = tables.hooks is not None
    return LaunchPlan(
        tuple(map(fill, command)) if own else tuple(command),
        env={
            **{name: fill(text) for name, text in tables.launch.environment.items()},
            **(hook_environment(place) if hooks else {}),
        },
        files={
            **{Path(fill(path)): fill(text) for path, text in tables.launch.files.items()},
            **(hook_files(place) if hooks else {}),
        },
        transcript=None if transcript is None or "*" in str(transcript) else transcript,
        session=place.session if _names_session(tables) else "",
    )


def _names_session(tables: RulesTables) -> bool:
    """Whether it is told our id of the conversation."""
    launch = tables.launch
    told = (*command_words(launch.command), *launch.environment.values(), *launch.files.values())
    return any("{session}" in one for one in told)


def _resume_command(tables: RulesTables, command: Sequence[str], session: str) -> tuple[str, ...] | None:
    """Its `{session}` is filled in when it is started. Options that the user gave to another command are not known."""
    given = command_words(tables.launch.command)
    return command_words(tables.launch.resume) or None if tuple(command) == given else None


def _is_written(tables: RulesTables, session: str, place: LaunchContext) -> bool | None:
    """By its transcript, if the conversation's id is part of its path."""
    if tables.transcript is None or "{session}" not in tables.transcript.file:
        return None
    path = Path(_Names(replace(place, session=session)).fill(tables.transcript.file))
    return any(one.is_file() and one.stat().st_size > 0 for one in _files_like(path))


@dataclass(frozen=True)
class _Names:
    place: LaunchContext

    def fill(self, text: str) -> str:
        place = self.place
        values = {
            "{project}": str(place.project),
            "{private}": str(place.private),
            "{home}": place.env.get("HOME", ""),
            "{session}": place.session,
            "{hook}": hook_command_line(),
        }
        return re.sub("|".join(map(re.escape, values)), lambda found: values[found[0]], text)


# Its transcript


def _transcript(table: TranscriptTable, files: _TranscriptFiles) -> TranscriptFormat:
    return TranscriptFormat(partial(_fact_of_line, table.lines), find=files.newest)


@dataclass
class _TranscriptFiles:
    """The files of a pattern. Those that stood there before the agent was started begin with earlier conversations."""

    pattern: str
    earlier: frozenset[Path] = frozenset()

    def note_earlier(self, place: LaunchContext) -> None:
        self.earlier = frozenset(path for _, path in self._written(place))

    def newest(self, child: RunningAgent) -> Transcript | None:
        """The file that this run has written last."""
        since = child.started - CLOCK_DIFFERENCE_S
        found = max((one for one in self._written(child.place) if one[0] >= since), default=None)
        return Transcript(found[1], fresh=found[1] not in self.earlier) if found else None

    def _written(self, place: LaunchContext) -> Iterator[tuple[float, Path]]:
        path = Path(_Names(place).fill(self.pattern))
        for one in _files_like(path):
            with contextlib.suppress(OSError):  # it was removed meanwhile
                if one.is_file():
                    yield one.stat().st_mtime, one


def _files_like(path: Path) -> Iterator[Path]:
    """The files that the path names; its folders may be patterns, too."""
    known = next(one for one in path.parents if "*" not in str(one))
    return known.glob(str(path.relative_to(known)))


def _fact_of_line(lines: Sequence[TranscriptLineTable], entry: Mapping[str, object]) -> TurnFact | None:
    for line in lines:
        if all(_value_at(entry, path) == value for path, value in line.where.items()):
            text, turn = _text_of(_value_at(entry, line.text)), _value_at(entry, line.turn)
            return TurnFact(TurnFactKind(line.is_), text, _text_of(turn), EvidenceSource.TRANSCRIPT)
    return None


def _value_at(entry: object, path: str) -> object:
    for name in path.split(".") if path else ():
        entry = entry.get(name) if isinstance(entry, Mapping) else None
    return entry if path else None


def _text_of(value: object) -> str:
    """A text, or a list of texts and of parts that hold one, as many agents write it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_text_of(one.get("text") if isinstance(one, Mapping) else one) for one in value)
    return "" if value is None or isinstance(value, Mapping) else str(value)
