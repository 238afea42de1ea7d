"""An agent that prints quotes of every screen keeps its own activity."""

from itertools import product

import pytest

from gateway.protocol.types.core_types import Activity, Composer
from sidecar.agents import REGISTRY
from sidecar.evidence.turn_evidence import EvidenceSource
from sidecar.screen.emulator import ScreenSnapshot
from sidecar.screen.rules import read_screen
from tests.sidecar.quotes import EVERYTHING, wide

SIZES = [(60, 20), (100, 30), (200, 50)]


def claude(prose: list[str], columns: int, *, busy: bool, box: bool = True) -> list[str]:
    spinner = ["✻ Thinking… (5s · ↓ 42 tokens)", ""] if busy else ["✻ Cooked for 4s", ""]
    footer = "  esc to interrupt · ← for agents" if busy else "  ? for shortcuts"
    rule = "─" * columns
    return ["● It showed this:", *prose, "", *spinner, *([rule, "❯ ", rule, footer] if box else [])]


def codex(prose: list[str], columns: int, *, busy: bool, box: bool = True) -> list[str]:
    status = ["", "• Working (3s • esc to interrupt)"] if busy else ["  Worked for 3s • 08:10"]
    return ["• It showed this:", *prose, "", *status, "", "› Ask Codex to do anything", "", "  gpt-5 default · ~/shop"]


def gemini(prose: list[str], columns: int, *, busy: bool, box: bool = True) -> list[str]:
    spinner = " ⠏ Thinking... (esc to cancel, 1s)" if busy else ""
    composer = ["▄" * columns, " >   Type your message or @path/to/file", "▀" * columns, " ~/shop   no sandbox"]
    return ["✦ It showed this:", *prose, "", spinner, "─" * columns, *(composer if box else [])]


def opencode(prose: list[str], columns: int, *, busy: bool, box: bool = True) -> list[str]:
    footer = "   ⬝⬝⬝⬝⬝■■■  esc interrupt" if busy else "   ~/shop                142 (0%)  ctrl+p commands"
    foot = "  ╹" + "▀" * (columns - 5)
    composer = ["  ┃", "  ┃", "  ┃", "  ┃  Build · Fake One Fake", foot, footer]
    return ["     It showed this:", *prose, "", "     ▣  Build · Fake One", "", *(composer if box else [])]


def qwen(prose: list[str], columns: int, *, busy: bool, box: bool = True) -> list[str]:
    spinner = ["", "  ⠏ Thinking... (1s · ↓ 5 tokens · esc to cancel)"] if busy else []
    rule = "─" * columns
    composer = [rule, ">   Type your message or @path/to/file", rule, "  ➜ shop · fake-1"]
    return ["  ◆ It showed this:", *prose, *spinner, *(composer if box else [])]


def copilot(prose: list[str], columns: int, *, busy: bool, box: bool = True) -> list[str]:
    footer = " ● Working · 12 B esc esc interrupt" if busy else " ← open sidebar · Interactive · / commands · ? help"
    rule = "─" * columns
    return [" ● It showed this:", *prose, "", *([" ~/shop", rule, "❯", rule, footer] if box else [])]


def pi(prose: list[str], columns: int, *, busy: bool, box: bool = True) -> list[str]:
    rule = "─" * columns
    top = "── ⠹ Working ".ljust(columns, "─") if busy else rule
    footer = ["~/shop", "↑100 ↓20 0.1%/200k (auto)" + "fake-1".rjust(columns - 25)]
    return [" It showed this:", *prose, "", *([top, "", rule, *footer] if box else [])]


def cline(prose: list[str], columns: int, *, busy: bool, box: bool = True) -> list[str]:
    spinner = ["", " ⠦ Thinking... (esc to cancel)"] if busy else []
    rule = "─" * columns
    composer = [
        rule,
        "❯ Ask anything...",
        rule,
        " fake-1 (100) $0.00",
        " shop",
        " Auto-approve all disabled (Shift+Tab)",
    ]
    return [" * It showed this:", *prose, *spinner, "", *(composer if box else [])]


def vibe(prose: list[str], columns: int, *, busy: bool, box: bool = True) -> list[str]:
    rule = "─" * columns
    spinner = "⠠⢤ Generating… (1s Esc/Ctrl+C to interrupt)" if busy else ""
    composer = [" ask ─".rjust(columns, "─"), ">", "", "", rule, "/shop".ljust(columns - 20) + "120/160k tokens (0%)"]
    said = ["> [alice -> vibe #1] What does it show?", rule, "", "  It showed this:"]
    return [*said, *prose, "", spinner, *(composer if box else [])]


DRAWN = {
    "claude": claude,
    "codex": codex,
    "gemini": gemini,
    "opencode": opencode,
    "qwen": qwen,
    "copilot": copilot,
    "pi": pi,
    "cline": cline,
    "vibe": vibe,
}
BEFORE_TOOL = (
    {
        "claude": "     ",
        "codex": "    ",
        "gemini": "│ ",
        "opencode": "  ┃  ",
        "qwen": "     ",
    }
    | dict.fromkeys(("copilot", "cline"), "   ")
    | {"pi": " ", "vibe": "  ⎢ "}
)
BEFORE_PROSE = {"opencode": "     ", "qwen": "    ", "copilot": "   ", "cline": "   ", "pi": " "}
AT_CURSOR = ("codex", "cline")  # their composer is where the visible cursor is
CASES = [(name, size, busy) for name, size, busy in product(DRAWN, SIZES, (True, False))]


def shown(name: str, size: tuple[int, int], *, busy: bool, box: bool = True, tool: bool = False) -> ScreenSnapshot:
    """All of them indent what they did not say themselves by a column at least."""
    columns, height = size
    before = BEFORE_TOOL[name] if tool else BEFORE_PROSE.get(name, "  ")
    prose = [(before + row)[:columns] for row in wide(EVERYTHING, columns - len(before)).split("\n")]
    rows = DRAWN[name](prose, columns, busy=busy, box=box)[-height:]
    rows = [""] * (height - len(rows)) + rows
    if name == "opencode":
        return ScreenSnapshot(tuple(rows), columns, cursor=(5, height - 5), cursor_visible=box)
    composer = next((y for y in range(height - 1, -1, -1) if rows[y].startswith(("› Ask", "❯ Ask"))), 0)
    return ScreenSnapshot(tuple(rows), columns, cursor=(2, composer), cursor_visible=name not in AT_CURSOR or box)


@pytest.mark.parametrize(("name", "size", "busy"), CASES)
@pytest.mark.parametrize("tool", [False, True], ids=["prose", "tool"])
def test_quotes_change_nothing(name: str, size: tuple[int, int], busy: bool, tool: bool) -> None:
    reading = read_screen(REGISTRY[name].rules, shown(name, size, busy=busy, tool=tool), {})
    argument = reading.of(EvidenceSource.SCREEN)
    assert argument is not None
    assert argument.says is (Activity.BUSY if busy else Activity.IDLE)
    assert reading.composer is Composer.EMPTY


@pytest.mark.parametrize(("name", "size", "busy"), CASES)
def test_half_a_repaint_with_quotes_is_nothing(name: str, size: tuple[int, int], busy: bool) -> None:
    reading = read_screen(REGISTRY[name].rules, shown(name, size, busy=busy, box=False), {})
    assert reading.of(EvidenceSource.SCREEN) is None


@pytest.mark.parametrize("name", DRAWN)
def test_a_screen_of_another_agent_is_not_read(name: str) -> None:
    others = [other for other in DRAWN if other != name]
    for other in others:
        says = read_screen(REGISTRY[name].rules, shown(other, (100, 30), busy=False), {}).of(EvidenceSource.SCREEN)
        assert says is None or says.says is not Activity.ASKING
