"""Finds the line of each table and key in a TOML text, which `tomllib` does not tell. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?")
_KEY = re.compile(r"\s*(?:\"([^\"]+)\"|'([^']+)'|([A-Za-z0-9_-]+))\s*(?:=|\.)")


@dataclass(frozen=True)
class TomlSource:
    """The source of the text, and the line of each table and key."""

    name: str
    lines: Mapping[tuple[str, int, str], int]

    @classmethod
    def of(cls, name: str, text: str) -> TomlSource:
        lines: dict[tuple[str, int, str], int] = {}
        counts: dict[str, int] = {}
        table, number = "", 0
        for at, line in enumerate(text.splitlines(), 1):
            if header := _HEADER.match(line):
                table = header[2]
                number = counts[table] = counts.get(table, -1) + 1
                lines[table, number, ""] = at
            elif key := _KEY.match(line):
                lines.setdefault((table, number, key[1] or key[2] or key[3]), at)
        return cls(name, lines)

    def line_of(self, table: str, number: int, key: str) -> int | None:
        """The key's own line, else its table's. A top-level key may be a table."""
        places = [(table, number, key), (table, number, "")] + ([] if table else [(key, 0, "")])
        return next((self.lines[place] for place in places if place in self.lines), None)
