"""Arranges the panes: the chat on top over the whole width, agents in even columns below. Pure.

Unless the team file sets the chat's share, the chat gets room for its messages first. If an agent's pane would then be
smaller than an agent's own screen needs, each agent gets a window of its own.

The result is a layout in tmux's own notation, which every version from 3.2 on accepts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from controller.team.team import AgentPlaces, LayoutSpec

MIN_COLUMNS = 38
MIN_ROWS = 8
AGENT_MIN_COLUMNS, AGENT_MIN_ROWS = 60, 15
MIN_CHAT_ROWS = 3
CHAT_FRAME_ROWS = 4  # the pane's border, the room's name, the status line, the input
MIN_MESSAGE_ROWS, ENOUGH_MESSAGE_ROWS = 8, 20


@dataclass(frozen=True)
class Placement:
    """`layout` is that of the chat's window. `windows`: each agent has a window of its own."""

    windows: bool
    layout: str


def place_agents(count: int, width: int, height: int, wish: LayoutSpec) -> Placement:
    """Where the agents go in a window of this size."""
    panes = _panes_by_size(count, width, height, wish.columns)
    if count and (
        wish.agents is AgentPlaces.WINDOWS or (wish.agents is AgentPlaces.AUTO and not wish.chat and not panes)
    ):
        return Placement(True, _layout_text(width, height, height, []))
    if wish.chat:
        return Placement(False, tmux_layout(count, width, height, wish.chat, wish.columns))
    return Placement(False, panes or _narrow_panes(count, width, height, wish.columns))


def _panes_by_size(count: int, width: int, height: int, columns: int) -> str:
    """The layout in which the chat has its messages and each agent its screen; empty if there is none."""
    if not count:
        return _layout_text(width, height, height, [])
    side_by_side = max(1, min(count, columns, (width + 1) // (AGENT_MIN_COLUMNS + 1)))
    rows = _rows_of(count, side_by_side)
    needed = len(rows) * (AGENT_MIN_ROWS + 1)
    least = _least_chat_rows(height)
    if width < AGENT_MIN_COLUMNS or least + needed > height:
        return ""
    return _layout_text(width, height, max(least, min(height // 2 + CHAT_FRAME_ROWS, height - needed)), rows)


def _narrow_panes(count: int, width: int, height: int, columns: int) -> str:
    """Panes below the chat though they are small, because the team file wants panes."""
    return _layout_below(count, width, height, _least_chat_rows(height), columns)


def _least_chat_rows(height: int) -> int:
    return CHAT_FRAME_ROWS + max(MIN_MESSAGE_ROWS, min(ENOUGH_MESSAGE_ROWS, (height + 1) // 2))


def agents_per_row(count: int, width: int, height: int, columns: int) -> list[int]:
    """The number of agents per row: few rows, but another row before a column gets too narrow, if the height allows
    it."""
    if count == 0:
        return []
    side_by_side = min(count, columns)
    while (
        side_by_side > 1
        and (width - side_by_side + 1) // side_by_side < MIN_COLUMNS
        and height // -(-count // (side_by_side - 1)) >= MIN_ROWS
    ):
        side_by_side -= 1
    return _rows_of(count, side_by_side)


def _rows_of(count: int, side_by_side: int) -> list[int]:
    rows = -(-count // side_by_side)
    return [count // rows + (number < count % rows) for number in range(rows)]


def tmux_layout(count: int, width: int, height: int, chat: int, columns: int) -> str:
    """For `count` agents; `chat` is its share of the height in percent."""
    return _layout_below(count, width, height, height * chat // 100, columns)


def _layout_below(count: int, width: int, height: int, wanted_rows: int, columns: int) -> str:
    """The agents below a chat of so many rows, or of as many as a low window leaves."""
    top = max(MIN_CHAT_ROWS, min(height - 4, wanted_rows)) if count else height
    return _layout_text(width, height, top, agents_per_row(count, width, height - top - 1, columns))


def _layout_text(width: int, height: int, top: int, rows: Sequence[int]) -> str:
    """The chat's pane is `top` rows high; `rows` holds the number of agents in each row below."""
    cells = [f"{width}x{top},0,0,0"]
    at, pane = top + 1, 1
    for high, many in zip(_even_parts(height - at, len(rows)), rows, strict=True):
        cells.append(_layout_row(width, high, at, range(pane, pane + many)))
        at, pane = at + high + 1, pane + many
    body = cells[0] if not rows else f"{width}x{height},0,0[{','.join(cells)}]"
    return f"{layout_checksum(body):04x},{body}"


def _layout_row(width: int, height: int, top: int, panes: Sequence[int]) -> str:
    if len(panes) == 1:
        return f"{width}x{height},0,{top},{panes[0]}"
    left, cells = 0, []
    for wide, pane in zip(_even_parts(width, len(panes)), panes, strict=True):
        cells.append(f"{wide}x{height},{left},{top},{pane}")
        left += wide + 1
    return f"{width}x{height},0,{top}{{{','.join(cells)}}}"


def _even_parts(whole: int, parts: int) -> Iterator[int]:
    """Split into equal parts, with one line between neighbours."""
    room = whole - (parts - 1) if parts else 0
    for number in range(parts):
        yield room // parts + (number < room % parts)


def layout_checksum(text: str) -> int:
    """The checksum of a layout, as tmux computes it."""
    found = 0
    for one in text:
        found = ((found >> 1) + ((found & 1) << 15) + ord(one)) & 0xFFFF
    return found
