"""Figures as a table on the terminal, as JSON, and as Markdown in the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.figures import Cell, Outcome, Table, Verdict, shown

BEGIN = "<!-- measured: begin {} -->"
END = "<!-- measured: end {} -->"


def show_machine(console: Console, about: Mapping[str, Cell]) -> None:
    console.print(_about(about), style="dim")


def _about(about: Mapping[str, Cell]) -> str:
    return ", ".join(f"{name} {shown(value)}" for name, value in about.items())


def show(console: Console, outcome: Outcome) -> None:
    for table in outcome.tables:
        console.print(_rich(table))
        if table.note:
            console.print(table.note, style="dim")
    for verdict in outcome.verdicts:
        console.print(("  met     " if verdict.met else "  MISSED  ") + _sentence(verdict))


def _rich(table: Table) -> RichTable:
    drawn = RichTable(title=table.title, title_justify="left")
    for number, name in enumerate(table.rows[0]):
        drawn.add_column(name, justify="right" if number else "left")
    for row in table.rows:
        drawn.add_row(*(shown(cell) for cell in row.values()))
    return drawn


def _sentence(verdict: Verdict) -> str:
    bound = "at least" if verdict.at_least else "at most"
    return f"{verdict.claim}: {shown(verdict.figure)} (claimed: {bound} {shown(verdict.limit)})"


class Kept(msgspec.Struct, frozen=True):
    """The results of one benchmark, as stored in the file of figures."""

    machine: Mapping[str, Cell]
    quick: bool
    tables: tuple[Table, ...]
    verdicts: tuple[Verdict, ...]


def keep(
    about: Mapping[str, Cell],
    outcomes: Sequence[Outcome],
    figures: Path,
    page: Path | None = None,
    *,
    quick: bool = False,
) -> int:
    """The end of a run: its figures into their file and their page. The exit code is 0 if every claim was met."""
    write_json(figures, about, outcomes, quick=quick)
    if page is not None:
        write_page(page, figures)
    return 0 if all(verdict.met for one in outcomes for verdict in one.verdicts) else 1


def write_json(path: Path, about: Mapping[str, Cell], outcomes: Sequence[Outcome], *, quick: bool) -> None:
    """Measured figures replace those of the same name in the file; the others stay."""
    kept = msgspec.json.decode(path.read_bytes()) if path.exists() else {}
    kept |= {one.name: Kept(about, quick, one.tables, one.verdicts) for one in outcomes}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(kept)) + b"\n")


def write_page(path: Path, figures: Path) -> None:
    """Replace the measured parts of a page, which stand between markers, by what the file of figures holds."""
    text = path.read_text()
    for name, kept in msgspec.json.decode(figures.read_bytes(), type=dict[str, Kept]).items():
        begin, end = BEGIN.format(name), END.format(name)
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        body = "\n".join(_markdown(kept))
        text = f"{head}{begin}\n{body}\n{end}{tail}"
    path.write_text(text)


def _markdown(kept: Kept) -> Iterator[str]:
    yield "Measured" + (", quickly: " if kept.quick else ": ") + _about(kept.machine) + "."
    for table in kept.tables:
        yield f"\n**{table.title}**\n"
        yield _line(table.rows[0])
        yield _line("---:" if number else "---" for number in range(len(table.rows[0])))
        yield from (_line(shown(cell) for cell in row.values()) for row in table.rows)
        if table.note:
            yield f"\n{table.note}"
    yield ""
    for verdict in kept.verdicts:
        yield f"- {'met' if verdict.met else '**missed**'}: {_sentence(verdict)}"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
