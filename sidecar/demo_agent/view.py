"""Draws the demo agent: rows, title and cursor for a screen of a given size at a given time."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from sidecar.demo_agent.agent import DIALOG_OPTIONS, DemoAgent, DemoState
from sidecar.demo_agent.turn_plans import AskStep

SPINNER_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


@dataclass(frozen=True, slots=True)
class DemoFrame:
    rows: tuple[str, ...]
    title: str
    cursor: tuple[int, int] | None
    accepts_pastes: bool


def draw(agent: DemoAgent, columns: int, lines: int, now: float) -> DemoFrame:
    rule = "─" * columns
    box = (
        _dialog_rows(agent)
        if agent.state is DemoState.ASKING
        else _composer_rows(agent, columns)[-max(1, lines // 2) :]
    )
    above = [*_history_rows(agent, columns, lines, now), *_working_rows(agent, now)]
    bottom = [rule, *box, rule, _footer_text(agent, now)]
    space = lines - len(bottom)
    shown = above[-space:] if space > 0 else []
    rows = [*shown, *[""] * (space - len(shown)), *bottom][-lines:]
    cursor = None
    if agent.state in (DemoState.IDLE, DemoState.ERROR):
        cursor = (lines - 3, min(_width_in_cells(box[-1]), columns - 1))
    return DemoFrame(tuple(_clip(row, columns) for row in rows), _title_text(agent, now), cursor, _is_ready(agent))


def _is_ready(agent: DemoAgent) -> bool:
    return agent.state not in (DemoState.STARTING, DemoState.EXITED)


def _title_text(agent: DemoAgent, now: float) -> str:
    if agent.state is DemoState.BUSY and agent.turn:
        return f"{'⠂⠐'[int((now - agent.turn.began) / 0.96) % 2]} demo"
    return "✳ demo" if _is_ready(agent) else ""


def _footer_text(agent: DemoAgent, now: float) -> str:
    if agent.state is DemoState.ASKING:
        return "Esc to cancel"
    if agent.state is DemoState.BUSY:
        return "esc to interrupt"
    if agent.exit_armed(now):
        return "Press Ctrl-C again to exit"
    hint = " · draft stashed" if agent.composer.stashed else ""
    return f"? for help{hint}" if _is_ready(agent) else ""


def _working_rows(agent: DemoAgent, now: float) -> list[str]:
    queued = [f"  queued: {text.splitlines()[0]}" for text in agent.queued]
    if agent.state is not DemoState.BUSY or not agent.turn:
        return ["", *queued] if queued else []
    seconds = now - agent.turn.began
    return ["", *queued, f"{SPINNER_FRAMES[int(seconds / 0.08) % len(SPINNER_FRAMES)]} Working ({int(seconds)}s)"]


def _dialog_rows(agent: DemoAgent) -> list[str]:
    options = [f"{'›' if n == agent.selected else ' '} {n + 1}. {option}" for n, option in enumerate(DIALOG_OPTIONS)]
    return [AskStep().question, *options]


def _composer_rows(agent: DemoAgent, columns: int) -> list[str]:
    rows = list(_wrap_line(agent.composer.shown, max(1, columns - 3)))
    return [f"{'›' if n == 0 else ' '} {row}" for n, row in enumerate(rows)]


def _history_rows(agent: DemoAgent, columns: int, lines: int, now: float) -> list[str]:
    entries = ["llm-groupchat demo agent", *agent.history][-lines:]
    if part := agent.streamed(now):
        entries.append(f"● {part}")
    if agent.turn and agent.state is DemoState.BUSY:
        entries += [f"  read file {n + 1} of many" for n in range(agent.turn.tool_lines_printed(now))]
    rows: list[str] = []
    for entry in reversed(entries):
        if len(rows) > lines:
            break
        rows = ["", *_wrap_to_rows(entry, columns), *rows]
    return rows[1:]


@lru_cache(maxsize=32)
def _wrap_to_rows(text: str, width: int) -> tuple[str, ...]:
    """A long message is wrapped once, not for every frame of the spinner."""
    return tuple(_wrap_line(text, width))


def _wrap_line(text: str, width: int) -> Iterable[str]:
    for line in text.replace("\t", "    ").split("\n"):
        row, used = "", 0
        for char in line:
            cells = _cells(char)
            if used + cells > width:
                yield row
                row, used = "", 0
            row, used = row + char, used + cells
        yield row


def _clip(row: str, columns: int) -> str:
    return next(iter(_wrap_line(row, columns)))


def _width_in_cells(row: str) -> int:
    return sum(map(_cells, row))


def _cells(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Mn", "Me", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
