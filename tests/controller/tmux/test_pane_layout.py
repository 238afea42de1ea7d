"""Where the panes stand."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile

import pytest

from controller.tmux.pane_layout import agents_per_row, layout_checksum, tmux_layout


@pytest.mark.parametrize(
    ("count", "width", "height", "columns", "rows"),
    [
        (0, 200, 30, 4, []),
        (1, 200, 30, 4, [1]),
        (3, 200, 30, 4, [3]),
        (3, 120, 30, 4, [3]),
        (3, 80, 30, 4, [2, 1]),
        (3, 80, 12, 4, [3]),
        (4, 200, 30, 4, [4]),
        (5, 200, 30, 4, [3, 2]),
        (8, 200, 30, 4, [4, 4]),
        (9, 200, 40, 4, [3, 3, 3]),
        (3, 40, 40, 4, [1, 1, 1]),
        (3, 200, 30, 1, [1, 1, 1]),
    ],
)
def test_rows_of_agents(count: int, width: int, height: int, columns: int, rows: list[int]) -> None:
    assert agents_per_row(count, width, height, columns) == rows


def cells(text: str) -> list[tuple[int, int, int, int]]:
    """Each pane's width, height, left and top."""
    return [tuple(map(int, one)) for one in re.findall(r"(\d+)x(\d+),(\d+),(\d+),\d+", text)]  # type: ignore[misc]


@pytest.mark.parametrize("count", range(10))
@pytest.mark.parametrize("size", [(200, 50), (160, 45), (80, 24), (40, 20)])
def test_columns_are_even_and_everything_is_covered(count: int, size: tuple[int, int]) -> None:
    width, height = size
    chat, *agents = cells(tmux_layout(count, width, height, 45, 4))
    assert chat[0] == width
    assert len(agents) == count
    for top in {one[3] for one in agents}:
        row = [one for one in agents if one[3] == top]
        assert max(one[0] for one in row) - min(one[0] for one in row) <= 1
        assert sum(one[0] for one in row) + len(row) - 1 == width
    if agents:
        assert max(one[3] + one[1] for one in agents) == height


def test_the_checksum_is_tmuxs() -> None:
    assert layout_checksum("159x48,0,0{79x48,0,0,79x48,80,0}") == 0xBB62  # the example of its manual


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.parametrize(("count", "columns"), [(1, 4), (3, 4), (5, 4), (6, 2)])
def test_tmux_takes_it(count: int, columns: int) -> None:
    with tempfile.TemporaryDirectory(prefix="gc-") as folder:

        def tmux(*words: str) -> str:
            command = ["tmux", "-S", f"{folder}/s", "-f", "/dev/null", *words]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout

        tmux("new-session", "-d", "-x", "200", "-y", "50", "sleep 60")
        try:
            for _ in range(count):
                tmux("split-window", "-d", "sleep 60")
                tmux("select-layout", "tiled")
            wanted = tmux_layout(count, 200, 50, 45, columns)
            tmux("select-layout", wanted)
            shown = tmux("display-message", "-p", "#{window_layout}")
            assert [one[:4] for one in cells(shown)] == cells(wanted)
        finally:
            tmux("kill-server")
