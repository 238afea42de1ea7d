"""Lines of a log for people."""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest

from controller.output.log_text import log_line

TODAY = date(2026, 11, 29)


def stamp(day: int) -> str:
    return datetime(2026, 11, day, 12, 30, 5).astimezone().isoformat()


@pytest.mark.parametrize(
    ("fields", "lines", "level"),
    [
        (
            {"url": "http://x", "event": "= listening", "level": "info", "timestamp": stamp(29)},
            ("12:30:05 info    = listening url=http://x",),
            "info",
        ),
        (
            {"event": "lost", "level": "warning", "timestamp": stamp(22), "why": "the disk is full", "n": 3},
            ('2026-11-22 12:30:05 warning lost why="the disk is full" n=3',),
            "warning",
        ),
        (
            {"event": "failed", "level": "error", "exception": "Traceback:\n  a\nKeyError: 1"},
            ("error   failed", "    Traceback:", "      a", "    KeyError: 1"),
            "error",
        ),
        ({"event": "", "level": "info", "x": None, "empty": ""}, ('info    x=null empty=""',), "info"),
    ],
)
def test_an_entry(fields: dict[str, object], lines: tuple[str, ...], level: str) -> None:
    assert log_line(json.dumps(fields), TODAY) == (lines, level)


@pytest.mark.parametrize("raw", ["", "Traceback (most recent call last):", "[1]", "{", '{"event": 1', '"x"'])
def test_another_line_stays(raw: str) -> None:
    assert log_line(raw, TODAY).lines == (raw,)
