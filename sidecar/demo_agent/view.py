"""What the agent looks like: rows, title and cursor for a screen of a given size, at a given time."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from sidecar.demo_agent.agent import OPTIONS, Agent, State
from sidecar.demo_agent.turn_plans import Ask

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


@dataclass(frozen=True, slots=True)
class View:
    rows: tuple[str, ...]
    title: str
    cursor: tuple[int, int] | None
    accepts_pastes: bool


def draw(agent: Agent, columns: int, lines: int, now: float) -> View:
    rule = "─" * columns
    box = _dialog(agent) if agent.state is State.ASKING else _box(agent, columns)[-max(1, lines // 2) :]
    above = [*_history(agent, columns, lines, now), *_working(agent, now)]
    bottom = [rule, *box, rule, _footer(agent, now)]
    space = lines - len(bottom)
    shown = above[-space:] if space > 0 else []
    rows = [*shown, *[""] * (space - len(shown)), *bottom][-lines:]
    cursor = None
    if agent.state in (State.IDLE, State.ERROR):
        cursor = (lines - 3, min(_width(box[-1]), columns - 1))
    return View(tuple(_clip(row, columns) for row in rows), _title(agent, now), cursor, _is_ready(agent))


def _is_ready(agent: Agent) -> bool:
    return agent.state not in (State.STARTING, State.EXITED)


def _title(agent: Agent, now: float) -> str:
    if agent.state is State.BUSY and agent.turn:
        return f"{'⠂⠐'[int((now - agent.turn.began) / 0.96) % 2]} demo"
    return "✳ demo" if _is_ready(agent) else ""


def _footer(agent: Agent, now: float) -> str:
    if agent.state is State.ASKING:
        return "Esc to cancel"
    if agent.state is State.BUSY:
        return "esc to interrupt"
    if agent.exit_armed(now):
        return "Press Ctrl-C again to exit"
    hint = " · draft stashed" if agent.composer.stashed else ""
    return f"? for help{hint}" if _is_ready(agent) else ""


def _working(agent: Agent, now: float) -> list[str]:
    queued = [f"  queued: {text.splitlines()[0]}" for text in agent.queued]
    if agent.state is not State.BUSY or not agent.turn:
        return ["", *queued] if queued else []
    seconds = now - agent.turn.began
    return ["", *queued, f"{SPINNER[int(seconds / 0.08) % len(SPINNER)]} Working ({int(seconds)}s)"]


def _dialog(agent: Agent) -> list[str]:
    options = [f"{'›' if n == agent.selected else ' '} {n + 1}. {option}" for n, option in enumerate(OPTIONS)]
    return [Ask().question, *options]


def _box(agent: Agent, columns: int) -> list[str]:
    rows = list(_wrapped(agent.composer.shown, max(1, columns - 3)))
    return [f"{'›' if n == 0 else ' '} {row}" for n, row in enumerate(rows)]


def _history(agent: Agent, columns: int, lines: int, now: float) -> list[str]:
    entries = ["llm-groupchat demo agent", *agent.history][-lines:]
    if part := agent.streamed(now):
        entries.append(f"● {part}")
    if agent.turn and agent.state is State.BUSY:
        entries += [f"  read file {n + 1} of many" for n in range(agent.turn.murmured(now))]
    rows: list[str] = []
    for entry in reversed(entries):
        if len(rows) > lines:
            break
        rows = ["", *_rows(entry, columns), *rows]
    return rows[1:]


@lru_cache(maxsize=32)
def _rows(text: str, width: int) -> tuple[str, ...]:
    """A long message is wrapped once, and not for every frame of the spinner."""
    return tuple(_wrapped(text, width))


def _wrapped(text: str, width: int) -> Iterable[str]:
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
    return next(iter(_wrapped(row, columns)))


def _width(row: str) -> int:
    return sum(map(_cells, row))


def _cells(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Mn", "Me", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
