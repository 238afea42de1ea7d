"""The results, one line per message, kept over several runs; and their summary as tables and verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from benchmarks.delivery_verdict import Fate
from benchmarks.figures import Outcome, Row, Table, Verdict

RESULTS = Path(__file__).resolve().parent / "results"


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message. The line of a scene's first message also holds the values of the whole scene. `rungs`: name, reason,
    seconds since it was sent."""

    run: str
    seed: int
    scene: int
    situation: str
    number: int
    sha: str
    size: int
    fate: Fate
    seen: int
    commit: str
    replied: bool | None = None
    why: str = ""
    rungs: tuple[tuple[str, str, float], ...] = ()
    dialogs: int = 0
    drafts_kept: int = 0
    drafts_lost: int = 0
    commands: int = 0
    aborted: int = 0
    strays: int = 0
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        return self.run, self.number


def file_of(cli: str, folder: Path = RESULTS) -> Path:
    return folder / f"delivery-{cli}.jsonl"


def read(path: Path) -> list[Line]:
    """A later line about the same message replaces the earlier one; a truncated line belongs to a run that was
    killed."""
    lines: dict[tuple[str, int], Line] = {}
    for raw in path.read_bytes().splitlines() if path.exists() else []:
        try:
            line = msgspec.json.decode(raw, type=Line)
        except msgspec.DecodeError:
            continue
        lines[line.key] = line
    return list(lines.values())


def add(path: Path, lines: Iterable[msgspec.Struct]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("ab") as file:
        file.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


# Summary


def outcome(cli: str, version: str, lines: Sequence[Line]) -> Outcome:
    situations = sorted({line.situation for line in lines})
    rows = [_row(name, [line for line in lines if line.situation == name]) for name in situations]
    seeds, commits = sorted({line.seed for line in lines}), list(dict.fromkeys(line.commit for line in lines))
    note = f"Seeds {', '.join(map(str, seeds))}; commits {', '.join(commits)}. {_why_failed(lines)}"
    title = f"{cli} {version}: what the model server saw of {len(lines)} messages"
    return Outcome(f"delivery-{cli}", (Table(title, (*rows, _row("all", lines)), note),), tuple(_verdicts(lines)))


def _row(name: str, lines: Sequence[Line]) -> Row:
    fates = Counter(line.fate for line in lines)
    due = [line for line in lines if line.replied is not None]
    return {
        "situation": name,
        "messages": len(lines),
        "exact": fates[Fate.EXACT],
        "failed visibly": fates[Fate.FAILED] + fates[Fate.UNSEEN],
        "lost": fates[Fate.LOST],
        "doubled": fates[Fate.DOUBLED],
        "garbled": fates[Fate.GARBLED],
        "no end": fates[Fate.UNTOLD],
        "dialogs answered": sum(line.dialogs for line in lines),
        "drafts kept": sum(line.drafts_kept for line in lines),
        "drafts lost": sum(line.drafts_lost for line in lines),
        "commands executed": sum(line.commands for line in lines),
        "answers aborted": sum(line.aborted for line in lines),
        "replies exact": f"{sum(line.replied is True for line in due)} of {len(due)}",
    }


def _why_failed(lines: Sequence[Line]) -> str:
    fates = (Fate.FAILED, Fate.UNSEEN)
    reasons = Counter(f"{line.why} ({line.fate})" for line in lines if line.fate in fates)
    told = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common())
    return f"Failed, and said so: {told}." if told else ""


def _verdicts(lines: Sequence[Line]) -> Iterable[Verdict]:
    fates = Counter(line.fate for line in lines)
    yield Verdict("messages", len(lines), 1000)
    for claim, figure in (
        ("lost", fates[Fate.LOST]),
        ("doubled", fates[Fate.DOUBLED]),
        ("not byte-exact", fates[Fate.GARBLED]),
        ("seen, but their story has no end", fates[Fate.UNTOLD]),
        ("dialogs answered", sum(line.dialogs for line in lines)),
        ("drafts lost", sum(line.drafts_lost for line in lines)),
        ("commands executed", sum(line.commands for line in lines)),
        ("answers aborted that nobody asked to abort", sum(line.aborted for line in lines)),
        ("replies missing or not exact", sum(line.replied is False for line in lines)),
    ):
        yield Verdict(claim, figure, 0, at_least=False)
