"""Lays out a table in lines that fit. Pure: the width and the width of a text are arguments.

A column of long texts is wrapped between words. A word, such as a name, a number or a time, is never cut; a table that
does not fit even so becomes one block of lines for each row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import NamedTuple

GAP = "  "
Row = Sequence[str]
Width = Callable[[str], int]


class LaidOutTable(NamedTuple):
    """The lines of the header and those of the rows."""

    header: list[str]
    body: list[str]


def lay_out_table(rows: Sequence[Row], columns: Row, limit: int | None, width_of: Width = len) -> LaidOutTable:
    """A header, if there are `columns`, and the rows. Without a `limit` nothing is wrapped."""
    every = [*([columns] if columns else []), *rows]
    if not every:
        return LaidOutTable([], [])
    widths = [max(map(width_of, column)) for column in zip(*every, strict=True)]
    if limit is not None:
        least = [max(_longest_word(cell, width_of) for cell in column) for column in zip(*every, strict=True)]
        room = limit - len(GAP) * (len(widths) - 1)
        if sum(least) > room:
            return LaidOutTable([], _blocks(rows, columns))
        widths = _shrunk(widths, least, room)
    drawn = [_row_lines(row, widths, width_of) for row in every]
    header, body = (drawn[:1], drawn[1:]) if columns else ([], drawn)
    return LaidOutTable([line for row in header for line in row], [line for row in body for line in row])


def _longest_word(cell: str, width_of: Width) -> int:
    return max((width_of(word) for word in cell.split(" ")), default=0)


def _shrunk(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """The widths, with the widest columns made narrower until the row fits. `least` always fits."""
    found = list(widths)
    while sum(found) > room:
        at = max((one for one in range(len(found)) if found[one] > least[one]), key=lambda one: found[one])
        found[at] -= 1
    return found


def _row_lines(row: Row, widths: Sequence[int], width_of: Width) -> list[str]:
    cells = [_wrapped(cell, width, width_of) for cell, width in zip(row, widths, strict=True)]
    return [
        GAP.join(part + " " * (width - width_of(part)) for part, width in zip(parts, widths, strict=True)).rstrip()
        for parts in zip_longest(*cells, fillvalue="")
    ]


def _wrapped(cell: str, width: int, width_of: Width) -> list[str]:
    lines = [""]
    for word in cell.split(" ") if width_of(cell) > width else []:
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if width_of(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines if width_of(cell) > width else [cell]


def _blocks(rows: Sequence[Row], columns: Row) -> list[str]:
    """Each row as lines of `name: value`, with an empty line between rows. They are wrapped like any text."""
    blocks = ["\n".join(_named(row, columns)) for row in rows]
    return "\n\n".join(blocks).split("\n")


def _named(row: Row, columns: Row) -> list[str]:
    names = columns or [""] * len(row)
    return [f"{name}: {cell}" if name else cell for name, cell in zip(names, row, strict=True) if cell]
