"""What a progress bar shows, and where it shows nothing."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.console.progress_bar import CLEAR_LINE, ProgressBar
from gateway.console.progress_row import Progress, progress_row, time_left_text

ROWS = [
    pytest.param(
        "snapshot",
        "bytes",
        Progress(612_000_000, 1_200_000_000, 612_000_000, 4.0),
        79,
        "snapshot  [#######--------]   51%  612.0 MB of 1,200.0 MB  153.0 MB/s  4 s left",
        id="all of it",
    ),
    pytest.param(
        "export", "events", Progress(12_345, None, 12_345, 2.0), 79, "export  12,345 events  6,172/s", id="no total"
    ),
    pytest.param("import", "lines", Progress(0, 100, 0, 0.0), 79, None, id="just begun: no rate, no time"),
    pytest.param(
        "restore",
        "bytes",
        Progress(90, 100, 40, 10.0),
        40,
        "restore   90%  0.0 MB/s  2 s left",
        id="narrow: the amount goes first",
    ),
    pytest.param("retention", "messages", Progress(5, 10, 5, 1.0), 12, "retention   ", id="hardly any room"),
]


@pytest.mark.parametrize(("what", "unit", "standing", "width", "row"), ROWS)
def test_a_row_fits_and_says_what_matters(
    what: str, unit: str, standing: Progress, width: int, row: str | None
) -> None:
    found = progress_row(what, unit, standing, width)
    assert len(found) <= width
    if row is None:
        assert "/s" not in found and "left" not in found
    else:
        assert found == row


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (61, "1 min 1 s"), (7321, "2 h 2 min")])
def test_times_are_words(seconds: float, text: str) -> None:
    assert time_left_text(seconds) == text


def test_it_is_drawn_ten_times_a_second_at_most_and_wiped() -> None:
    drawn: list[str] = []
    now = [0.0]
    bar = ProgressBar("embed", "texts", 1000, write=drawn.append, clock=lambda: now[0])
    for step in range(1000):
        now[0] = step / 1000
        bar.advance()
    bar.wipe()
    assert 9 <= len(drawn) - 1 <= 10 and drawn[-1] == CLEAR_LINE
    assert "1,000 texts" in drawn[-2]


def test_what_was_done_before_counts_but_not_for_the_rate() -> None:
    drawn: list[str] = []
    now = [0.0]
    bar = ProgressBar("embed", "texts", 1000, write=drawn.append, clock=lambda: now[0])
    bar.resume_at(500)
    now[0] = 10.0
    bar.reach(600)
    assert "60%" in drawn[0] and "  10/s" in drawn[0] and "40 s left" in drawn[0]


PROGRAM = """
import time
from gateway.console.progress_bar import progress_bar
with progress_bar("work", "steps", 3, as_json={as_json}) as bar:
    for _ in range(3):
        bar.advance()
        time.sleep(0.11)
print("done")
"""


def shown(folder: Path, *, as_json: bool, terminal: bool) -> str:
    main, side = pty.openpty()
    out = subprocess.PIPE if not terminal else side
    command = [sys.executable, "-P", "-c", PROGRAM.format(as_json=as_json)]
    done = subprocess.run(command, stdout=out, stderr=side, check=True, timeout=60, env={**os.environ, "TERM": "xterm"})
    os.close(side)
    found = done.stdout or b""
    try:
        while piece := os.read(main, 65536):
            found += piece
    except OSError:
        pass
    os.close(main)
    return found.decode()


def test_a_terminal_gets_a_bar_and_nobody_else(tmp_path: Path) -> None:
    assert "33%" in shown(tmp_path, as_json=False, terminal=True)
    assert "%" not in shown(tmp_path, as_json=True, terminal=True)
    assert "%" not in shown(tmp_path, as_json=False, terminal=False)
