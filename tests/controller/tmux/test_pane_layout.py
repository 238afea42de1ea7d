"""Where the panes stand."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile

import pytest

from controller.team.team import AgentPlaces, LayoutSpec
from controller.tmux.pane_layout import CHAT_FRAME_ROWS, agents_per_row, layout_checksum, place_agents, tmux_layout


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


STATUS_ROWS = 1
PANES = AgentPlaces.PANES


def rows_of_messages(columns: int, lines: int, agents: int, wish: LayoutSpec) -> int:
    placed = place_agents(agents, columns, lines - STATUS_ROWS, wish)
    return cells(placed.layout)[0][1] - CHAT_FRAME_ROWS


@pytest.mark.parametrize("agents", [1, 3, 12])
@pytest.mark.parametrize("wish", [LayoutSpec(), LayoutSpec(agents=PANES), LayoutSpec(agents=AgentPlaces.WINDOWS)])
@pytest.mark.parametrize(
    ("columns", "lines", "least"), [(60, 20, 8), (80, 24, 10), (120, 40, 20), (160, 50, 20), (200, 60, 20)]
)
def test_the_chat_has_the_room_it_needs(columns: int, lines: int, least: int, agents: int, wish: LayoutSpec) -> None:
    assert rows_of_messages(columns, lines, agents, wish) >= least


@pytest.mark.parametrize(
    ("columns", "lines", "agents", "wish", "windows"),
    [
        (60, 20, 1, LayoutSpec(), True),
        (80, 24, 3, LayoutSpec(), True),
        (120, 40, 1, LayoutSpec(), True),  # 14 rows would be left
        (120, 41, 1, LayoutSpec(), False),
        (120, 41, 3, LayoutSpec(), True),
        (120, 56, 2, LayoutSpec(), True),  # two columns of 59
        (121, 41, 2, LayoutSpec(), False),
        (120, 57, 2, LayoutSpec(), False),  # two rows of 15
        (200, 60, 3, LayoutSpec(), False),
        (200, 50, 3, LayoutSpec(), False),
        (200, 60, 6, LayoutSpec(), False),
        (200, 60, 12, LayoutSpec(), True),
        (59, 200, 1, LayoutSpec(), True),
        (80, 24, 0, LayoutSpec(), False),
        (80, 24, 3, LayoutSpec(chat=45), False),  # the team file's word counts
        (80, 24, 3, LayoutSpec(agents=PANES), False),
        (200, 60, 1, LayoutSpec(agents=AgentPlaces.WINDOWS), True),
        (200, 60, 1, LayoutSpec(chat=45, agents=AgentPlaces.WINDOWS), True),
        (200, 60, 0, LayoutSpec(agents=AgentPlaces.WINDOWS), False),
    ],
)
def test_agents_get_windows_when_their_panes_would_be_small(
    columns: int, lines: int, agents: int, wish: LayoutSpec, windows: bool
) -> None:
    assert place_agents(agents, columns, lines - STATUS_ROWS, wish).windows is windows


@pytest.mark.parametrize("wish", [LayoutSpec(agents=PANES), LayoutSpec(chat=15)])
@pytest.mark.parametrize("height", range(5, 24))
def test_the_chat_keeps_its_rows_in_a_low_window(height: int, wish: LayoutSpec) -> None:
    chat, agent = cells(place_agents(1, 80, height, wish).layout)
    assert chat[1] >= 3
    assert (agent[3], agent[1] + agent[3]) == (chat[1] + 1, height)


@pytest.mark.parametrize("columns", range(40, 260, 7))
@pytest.mark.parametrize("lines", range(16, 90, 5))
def test_no_pane_is_smaller_than_an_agents_screen_unless_it_is_wanted(columns: int, lines: int) -> None:
    for agents in range(13):
        placed = place_agents(agents, columns, lines, LayoutSpec())
        chat, *panes = cells(placed.layout)
        assert len(panes) == (0 if placed.windows else agents)
        assert all(wide >= 60 and high >= 15 for wide, high, _, _ in panes)
        assert max(one[3] + one[1] for one in [chat, *panes]) == lines


def test_a_share_of_the_height_in_the_team_file_counts() -> None:
    assert place_agents(3, 120, 39, LayoutSpec(chat=70, columns=2)).layout == tmux_layout(3, 120, 39, 70, 2)


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
