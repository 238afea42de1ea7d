"""The results, one line per question, kept over several runs; and their summary as tables and verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from benchmarks.approvals_sizes import SIZES
from benchmarks.approvals_verdict import Answer, Fate, Options
from benchmarks.delivery_results import RESULTS
from benchmarks.figures import Cell, Outcome, Row, Spread, Table, Verdict

SOON_S = 0.5
QUESTIONS = 200


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question. `seconds`: from the last byte of the tool call to the first card and to the first whole one, or
    nothing. `words`: whether the words of a refusal reached the model, if there were any; `cards`: the number of cards
    for this question."""

    run: str
    seed: int
    scene: int
    mark: str
    session: str
    pane: str
    name: str
    situation: str
    answer: Answer
    fate: Fate
    commit: str
    seconds: float | None = None
    whole_seconds: float | None = None
    detail: bool = False
    options: Options = Options.CUT
    readable: bool = False
    words: bool | None = None
    cards: int = 1
    why: str = ""
    notes: tuple[str, ...] = ()

    @property
    def seen(self) -> bool:
        return self.seconds is not None

    @property
    def whole(self) -> bool:
        return self.seen and self.detail and self.options is not Options.CUT


def file_of(cli: str, folder: Path = RESULTS) -> Path:
    return folder / f"approvals-{cli}.jsonl"


def read(path: Path) -> list[Line]:
    """A truncated line belongs to a run that was killed."""
    lines = []
    for raw in path.read_bytes().splitlines() if path.exists() else []:
        try:
            lines.append(msgspec.json.decode(raw, type=Line))
        except msgspec.DecodeError:
            continue
    return lines


def is_bad(line: Line, soon: float = SOON_S) -> bool:
    fine = line.whole and line.fate in (Fate.RIGHT, Fate.TERMINAL) and line.words is not False
    return not fine or line.seconds is None or line.seconds > soon


# Summary


def outcome(cli: str, version: str, lines: Sequence[Line]) -> Outcome:
    by_size = [_row(one.name, one.pane_name, [line for line in lines if line.session == one.name]) for one in SIZES]
    names = sorted({line.name.partition(" ")[0] for line in lines})
    by_kind = [_row(name, "", [line for line in lines if line.name.partition(" ")[0] == name]) for name in names]
    situations = sorted({line.situation for line in lines})
    by_situation = [_row(name, "", [line for line in lines if line.situation == name]) for name in situations]
    seeds, commits = sorted({line.seed for line in lines}), list(dict.fromkeys(line.commit for line in lines))
    note = f"Seeds {', '.join(map(str, seeds))}; commits {', '.join(commits)}."
    title = f"{cli} {version}: {len(lines)} questions"
    tables = (
        Table(f"{title}, by the size of the session", (*filter(None, by_size), *_all(lines)), note),
        Table(f"{title}, by what was asked", tuple(filter(None, by_kind))),
        Table(f"{title}, by what happened meanwhile", tuple(filter(None, by_situation))),
    )
    return Outcome(f"approvals-{cli}", tables, tuple(_verdicts(lines)))


def _all(lines: Sequence[Line]) -> Iterable[Row]:
    row = _row("all", "", lines)
    return [row] if row else []


def _row(name: str, pane: str, lines: Sequence[Line]) -> Row:
    if not lines:
        return {}
    told = [line for line in lines if line.words is not None]
    return {
        "": name,
        "agent's pane": pane or None,
        "questions": len(lines),
        "seen": sum(line.seen for line in lines),
        **_times(lines),
        "within 0.5 s": sum(line.seconds is not None and line.seconds <= SOON_S for line in lines),
        "detail whole": sum(line.detail for line in lines),
        "options whole": sum(line.options is Options.WHOLE for line in lines),
        "says it cannot be read": sum(line.seen and not line.readable for line in lines),
        "answered right": sum(line.fate is Fate.RIGHT for line in lines),
        "at the terminal": sum(line.fate is Fate.TERMINAL for line in lines),
        "not taken": sum(line.fate is Fate.NOT_TAKEN for line in lines),
        "answered wrongly": sum(line.fate is Fate.WRONG for line in lines),
        "words reached the model": f"{sum(line.words is True for line in told)} of {len(told)}",
    }


def _times(lines: Sequence[Line]) -> dict[str, Cell]:
    seconds = [line.seconds for line in lines if line.seconds is not None]
    return Spread.of(seconds).cells() if seconds else {"p50 ms": None, "p95 ms": None, "max ms": None}


def _verdicts(lines: Sequence[Line]) -> Iterable[Verdict]:
    yield Verdict("questions", len(lines), QUESTIONS)
    seconds = [line.seconds for line in lines if line.seconds is not None]
    if seconds:
        yield Verdict("a card, p95 ms", Spread.of(seconds).p95, SOON_S * 1000, at_least=False)
    for claim, figure in (
        ("not seen", sum(not line.seen for line in lines)),
        ("cards later than 0.5 s", sum(line.seconds is not None and line.seconds > SOON_S for line in lines)),
        ("details not whole", sum(not line.detail for line in lines)),
        ("options shown cut", sum(line.options is Options.CUT for line in lines)),
        ("offered answers not taken", sum(line.fate is Fate.NOT_TAKEN for line in lines)),
        ("answered wrongly", sum(line.fate is Fate.WRONG for line in lines)),
        ("words that did not reach the model", sum(line.words is False for line in lines)),
    ):
        yield Verdict(claim, figure, 0, at_least=False)
