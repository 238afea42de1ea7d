"""Arranges the panes: the chat on top over the whole width, agents in even columns below. Pure.

The result is a layout in tmux's own notation, which every version from 3.2 on accepts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

MIN_COLUMNS = 38
MIN_ROWS = 8


def agents_per_row(count: int, width: int, height: int, columns: int) -> list[int]:
    """How many agents stand in each row: few rows, but no column too narrow while there is height for another row."""
    if count == 0:
        return []
    side_by_side = min(count, columns)
    while (
        side_by_side > 1
        and (width - side_by_side + 1) // side_by_side < MIN_COLUMNS
        and height // -(-count // (side_by_side - 1)) >= MIN_ROWS
    ):
        side_by_side -= 1
    rows = -(-count // side_by_side)
    return [count // rows + (number < count % rows) for number in range(rows)]


def tmux_layout(count: int, width: int, height: int, chat: int, columns: int) -> str:
    """For `count` agents; `chat` is its share of the height in percent."""
    top = max(3, min(height - 4, height * chat // 100)) if count else height
    rows = agents_per_row(count, width, height - top - 1, columns)
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
    """Even parts with a line between each two."""
    room = whole - (parts - 1) if parts else 0
    for number in range(parts):
        yield room // parts + (number < room % parts)


def layout_checksum(text: str) -> int:
    """The checksum of a layout, as tmux computes it."""
    found = 0
    for one in text:
        found = ((found >> 1) + ((found & 1) << 15) + ord(one)) & 0xFFFF
    return found
