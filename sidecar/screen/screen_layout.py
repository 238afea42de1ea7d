"""Finds the parts of a picture: the input box, the rows above and below it, a dialog. Pure.

Rules look only at these parts and not at words anywhere, so text that an agent quotes in its output matches no rule.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from gateway.protocol.types.core_types import Composer
from sidecar.rules_file.bounded_pattern import TextPattern
from sidecar.screen.emulator import ScreenSnapshot

MAX_ROWS_ABOVE = 20
MAX_DIALOG_ROWS = 60
OVERHANG_CELLS = 1  # of a row full of text beyond a narrow frame
MIN_TALL_ROWS = 5
MAX_ROWS_BELOW = 8
MAX_ROWS_FROM_BOTTOM = 6
MAX_ROWS_ABOVE_PROMPT = 12
JOINER, WIDE_PRINT = "\u200d", "\ufe0f"


@dataclass(frozen=True)
class BoxStyle:
    """How an agent draws its input box.

    With a `frame`, the box is between two rows across the whole width; otherwise it is at the visible cursor. Its first
    row begins with `mark`, its further rows are indented. Rows beneath it must begin as `below` says, and the rows
    above it end as `above` says. Where the row directly beneath is like `footer`, the rows further down do not matter:
    they may be the rest of a footer that was drawn for another width.

    With a `narrow` frame, its two rows may be narrower than the screen, and the box is around the visible cursor.

    If it is `continued`, each of its rows begins with the mark, like the prompts of a shell. It is at the visible
    cursor, beneath the first row of its frame and a few rows without a gap; nothing need stand beneath it.

    With a `gutter`, each row of the box begins with this character, in any column, and the box is at the visible
    cursor. `foot` is the row beneath it, which is as wide as the box. An empty row stands above and beneath the text,
    and then one that names the mode (`other` matches this row). A low screen may draw the row `cover` over the one that
    names the mode, or over the foot.

    `marks` are the glyphs of the mark in the first column, so that the faint print of a placeholder is found. `other`
    replaces the mark when text would not go to the model (but to a shell, say); it counts as a draft. `commands`
    matches text that the agent's own program handles, so it starts no turn.

    A dialog may stand between the two rows of the frame, in the place of the box: `replaced` matches what is between
    them then. `whole_width`: these rows take the last column, too, which no row of a text does.

    A long text is shown in part: the row above says so (`scrolled`, in a frame), or its first row does (`cut`, which
    finds the text of that row), or it has `tallest` rows.

    An agent may keep the prompts that waited in it when its turn was stopped: `kept` is the row above the box that says
    so, and that the next Enter sends them.
    """

    frame: tuple[TextPattern, TextPattern] | None
    mark: TextPattern
    indent: int
    marks: str = ""
    below: TextPattern | None = None
    footer: TextPattern | None = None
    above: TextPattern | None = None
    placeholders: tuple[TextPattern, ...] = ()
    pasted: TextPattern | None = None
    commands: TextPattern | None = None
    other: TextPattern | None = None
    scrolled: TextPattern | None = None
    cut: TextPattern | None = None
    tallest: int = MAX_DIALOG_ROWS
    gutter: str = ""
    foot: TextPattern | None = None
    cover: TextPattern | None = None
    replaced: TextPattern | None = None
    whole_width: bool = False
    narrow: bool = False
    kept: TextPattern | None = None
    continued: bool = False

    def begins(self, row: str) -> bool:
        return self.mark.match(row) is not None or self.is_other(row)

    def is_other(self, row: str) -> bool:
        return self.other is not None and self.other.match(row) is not None

    def is_cover(self, row: str) -> bool:
        return self.cover is not None and self.cover.match(row) is not None

    def is_kept(self, above: str) -> bool:
        return self.kept is not None and self.kept.search(above) is not None

    def text_in(self, row: str) -> str:
        """What a row of it holds of the text."""
        mark = self.mark.match(row) if self.continued else None
        return row[mark.end() if mark else self.indent :]

    def obeys(self, text: str) -> bool:
        return self.commands is not None and self.commands.match(text) is not None


@dataclass(frozen=True)
class DialogStyle:
    """How an agent draws a question: the row across the whole width that begins it, what asks, what can be chosen.
    Without such a row it begins beneath the last row that is like `after`. `allow` and `deny` are the words of the
    options that plainly mean yes or no, `cancel` is what it shows where Escape means no.
    A dialog may be taller than the terminal. `hidden` is the row that says so, `unlisted` one that says that there are
    further options. Where options may be cut without a sign, `closes` is how each of them ends, `last` the last one.
    `cut` finds a dialog whose first row is not shown. Where rows may be missing without a sign, `entire` is found only
    in a dialog that shows them all."""

    question: TextPattern
    option: TextPattern
    starts: TextPattern | None = None
    lowest_start: bool = False
    after: TextPattern | None = None
    allow: TextPattern | None = None
    deny: TextPattern | None = None
    cancel: TextPattern | None = None
    hidden: TextPattern | None = None
    unlisted: TextPattern | None = None
    closes: TextPattern | None = None
    last: TextPattern | None = None
    cut: TextPattern | None = None
    entire: TextPattern | None = None


@dataclass(frozen=True)
class BoxPosition:
    """The position of the box: the row above its text, the row beneath it, and whether these two rows are a frame. It
    may be narrower than the screen, from cell `left` to cell `right`. `replaced`: a dialog is there instead."""

    top: int = -2
    bottom: int = -2
    framed: bool = True
    left: int = 0
    right: int | None = None
    replaced: bool = False

    @property
    def found(self) -> bool:
        return self.bottom >= 0 and not self.replaced

    def inside(self, rows: Sequence[str]) -> Sequence[str]:
        within = rows[self.top + 1 : self.bottom] if self.found else ()
        return within if self.right is None else [_cut_cells(row, self.left, self.right) for row in within]

    def above(self, rows: Sequence[str]) -> Sequence[str]:
        return self._without_sidebar(rows[: self.top if self.framed else self.top + 1])

    def beneath(self, rows: Sequence[str]) -> Sequence[str]:
        return self._without_sidebar(rows[self.bottom + 1 if self.framed else self.bottom :])

    def _without_sidebar(self, rows: Sequence[str]) -> Sequence[str]:
        return rows if self.right is None else [_cut_cells(row, 0, self.right) for row in rows]


NO_BOX = BoxPosition()


def find_box(box: BoxStyle | None, picture: ScreenSnapshot) -> BoxPosition:
    if box is None:
        return NO_BOX
    if box.gutter:
        return _find_at_gutter(box, picture)
    layout = _find_frame_or_cursor(box, picture)
    inside = layout.inside(picture.rows)
    if box.replaced and not _is_scrolled(box, layout, picture) and box.replaced.search("\n".join(inside)):
        return replace(layout, replaced=True)
    if not inside or not (box.begins(inside[0]) or _is_scrolled(box, layout, picture)):
        return NO_BOX
    return layout if _is_in_place(box, layout, picture.rows) else NO_BOX


def _find_frame_or_cursor(box: BoxStyle, picture: ScreenSnapshot) -> BoxPosition:
    if box.continued:
        return _find_prompt_rows(box, picture)
    if box.frame is None:
        return _find_at_cursor(box, picture)
    if box.narrow:
        return _find_around_cursor(box.frame[0], picture)
    return _find_between_frames(box, box.frame, picture)


def _is_scrolled(box: BoxStyle, layout: BoxPosition, picture: ScreenSnapshot) -> bool:
    return (
        box.scrolled is not None
        and layout.framed
        and layout.top >= 0
        and _is_full_width(box.scrolled, picture, layout.top, box.whole_width)
    )


def is_partial(box: BoxStyle | None, picture: ScreenSnapshot, layout: BoxPosition) -> bool:
    """Whether the composer shows only a part of its text."""
    if box is None or not layout.found:
        return False
    inside = layout.inside(picture.rows)
    cut = box.cut is not None and box.cut.match(inside[0]) is not None
    scrolled_out = box.continued and layout.top < 0
    overhangs = box.narrow and _has_hidden_cell(inside, picture.columns)
    is_long = len(inside) >= box.tallest or _is_scrolled(box, layout, picture)
    return cut or scrolled_out or overhangs or is_long


def _has_hidden_cell(inside: Sequence[str], columns: int) -> bool:
    """A row full of text is wider than its frame. Where the frame is as wide as the screen, its last cell is not drawn;
    the cursor then stands in a row of its own."""
    return len(inside) > 1 and not inside[-1].strip() and _width_in_cells(inside[-2]) >= columns


def count_empty_rows(inside: Sequence[str]) -> int:
    """How many rows at the end of the box are empty."""
    return next((n for n, row in enumerate(reversed(inside)) if row.strip()), 0)


def _is_in_place(box: BoxStyle, layout: BoxPosition, rows: Sequence[str]) -> bool:
    """Earlier messages have the same frame as the box, but not its position."""
    if not _is_footed(box, layout.beneath(rows)):
        return False
    above = layout.above(rows)
    return (
        box.above is None
        or _has_scrolled_out(above)
        or box.above.search(join_rows(above[-MAX_ROWS_BELOW:])) is not None
    )


def _is_footed(box: BoxStyle, beneath: Sequence[str]) -> bool:
    if box.footer is not None and beneath and box.footer.match(beneath[0]):
        return True
    return box.below is None or all(box.below.match(row) for row in beneath)


def _has_scrolled_out(above: Sequence[str]) -> bool:
    """In a low pane the rows described above the box are not on the screen. Earlier messages begin in the first
    column."""
    return len(above) < MAX_ROWS_FROM_BOTTOM and not any(row[:1].strip() for row in above)


def _find_between_frames(box: BoxStyle, frame: tuple[TextPattern, TextPattern], picture: ScreenSnapshot) -> BoxPosition:
    """The lowest pair of frame rows. If top and bottom differ, the rest of another bottom beneath it does not
    matter."""
    height, whole = len(picture.rows), box.whole_width
    if frame[0] is not frame[1]:
        top = _find_lowest_row(frame[0], picture, height, whole)
        bottom = next((y for y in range(top + 1, height) if _is_full_width(frame[1], picture, y, whole)), -1)
    else:
        bottom = _find_lowest_row(frame[1], picture, height, whole)
        top = max(_find_lowest_row(one, picture, bottom, whole) for one in (frame[0], box.scrolled) if one)
    return BoxPosition(top, bottom) if 0 <= top < bottom else NO_BOX


def _find_lowest_row(pattern: TextPattern, picture: ScreenSnapshot, before: int, whole: bool) -> int:
    return next((y for y in range(before - 1, -1, -1) if _is_full_width(pattern, picture, y, whole)), -1)


def _is_full_width(pattern: TextPattern, picture: ScreenSnapshot, y: int, whole: bool = False) -> bool:
    row = picture.rows[y]
    return len(row) >= picture.columns - (0 if whole else 1) and pattern.fullmatch(row) is not None


def _find_around_cursor(rule: TextPattern, picture: ScreenSnapshot) -> BoxPosition:
    """Between the two nearest rows of the frame, which begin and end in the same columns. A row full of text may be
    wider than they are."""
    rows, y = picture.rows, picture.cursor[1]
    if not picture.cursor_visible or y >= len(rows):
        return NO_BOX
    top = next((at for at in range(y - 1, max(-1, y - MAX_DIALOG_ROWS), -1) if _edge_of(rule, rows[at])), -1)
    bottom = next((at for at in range(y + 1, len(rows)) if _edge_of(rule, rows[at])), -1)
    edge = _edge_of(rule, rows[top]) if 0 <= top < bottom else None
    if edge is None or edge != _edge_of(rule, rows[bottom]):
        return NO_BOX
    left, right = edge[0], edge[1] + OVERHANG_CELLS
    return BoxPosition(top, bottom, left=left, right=None if right >= picture.columns - 1 else right)


def _edge_of(rule: TextPattern, row: str) -> tuple[int, int] | None:
    """The first column of a row of a frame, and the one after its last."""
    left = len(row) - len(row.lstrip())
    return (left, len(row.rstrip())) if rule.fullmatch(row.strip()) else None


def _find_at_cursor(box: BoxStyle, picture: ScreenSnapshot) -> BoxPosition:
    """From the cursor up to the mark, past indented rows, and down to the first empty row. A footer is beneath the box.
    If there is none, the cursor is in the footer itself, where something is searched. Only a long text pushes the
    footer out, or a text shown in part."""
    rows, y = picture.rows, picture.cursor[1]
    if not picture.cursor_visible or y >= len(rows):
        return NO_BOX
    top = next((at for at in range(y, max(-1, y - MAX_DIALOG_ROWS), -1) if not _is_continuation(box, rows[at])), -1)
    bottom = next((at for at in range(y + 1, len(rows)) if not rows[at].strip()), len(rows))
    cut = box.cut is not None and box.cut.match(rows[top]) is not None
    tall = bottom - top >= MIN_TALL_ROWS
    footed = cut or tall or any(row.strip() for row in rows[bottom:])
    return BoxPosition(top - 1, bottom, framed=False) if top >= 0 and footed else NO_BOX


def _find_prompt_rows(box: BoxStyle, picture: ScreenSnapshot) -> BoxPosition:
    """The rows around the cursor that begin with the mark. Output may look like them, but not beneath the row that
    begins each prompt. That row is not on the screen if they fill it."""
    rows, y = picture.rows, picture.cursor[1]
    if not picture.cursor_visible or y >= len(rows) or not box.begins(rows[y]):
        return NO_BOX
    top = next((at for at in range(y, -1, -1) if not box.begins(rows[at])), -1)
    bottom = next((at for at in range(y + 1, len(rows)) if not box.begins(rows[at])), len(rows))
    return BoxPosition(top, bottom, framed=False) if top < 0 or _is_beneath_rule(box, rows[: top + 1]) else NO_BOX


def _is_beneath_rule(box: BoxStyle, above: Sequence[str]) -> bool:
    for row in reversed(above[-MAX_ROWS_ABOVE_PROMPT:]):
        if not row.strip() or box.frame is None:
            return False
        if box.frame[0].fullmatch(row):
            return True
    return False


def _find_at_gutter(box: BoxStyle, picture: ScreenSnapshot) -> BoxPosition:
    """From the cursor up and down the gutter. A list of completions directly above has a second edge on its right."""
    rows, (x, y) = picture.rows, picture.cursor
    left = rows[y].find(box.gutter) if picture.cursor_visible and y < len(rows) else -1
    if not 0 <= left < x or box.foot is None:
        return NO_BOX

    def is_edge(row: str) -> bool:
        row = row.rstrip()
        return row[left : left + 1] != box.gutter or (row.endswith(box.gutter) and len(row) > left + 1)

    top = next((at for at in range(y - 1, -1, -1) if is_edge(rows[at])), -1)
    foot, right = _find_foot(box, box.foot, rows[y + 1 :], left)
    foot += y + 1
    # the empty row above the text, and beneath it another one and the mode
    return BoxPosition(top + 1, foot - 2, left=left, right=right) if right and top + 1 < y < foot - 2 else NO_BOX


def _find_foot(box: BoxStyle, foot: TextPattern, beneath: Sequence[str], left: int) -> tuple[int, int]:
    """Its place among the rows beneath the cursor, and the cell in which the box ends: 0 if there is none. Of a covered
    foot, enough must be left to know it; the cover is about as wide."""
    inside = (row[left : left + 1] == box.gutter or box.is_cover(row) for row in beneath)
    end = next((at for at, one in enumerate(inside) if not one), len(beneath))
    if end < len(beneath) and (found := foot.match(beneath[end], left)):
        return end, found.end()
    last = beneath[end - 1] if end else ""
    return end - 1, len(last) if box.is_cover(last) and foot.search(last) else 0


def _cut_cells(row: str, left: int, right: int) -> str:
    """The part of a row between two cells."""
    if row.isascii():
        return row[left:right].rstrip()
    cells, kept, before = 0, list[str](), ""
    for character in row:
        width = _cells_of(character, before)
        if left <= cells < right or (kept and not width):
            kept.append(character)
        cells, before = cells + width, character
    return "".join(kept).rstrip()


def _width_in_cells(row: str) -> int:
    return sum(_cells_of(character, before) for before, character in pairwise(["", *row]))


def _cells_of(character: str, before: str) -> int:
    """How many cells it adds to what stands before it, as the emulator counts joined emoji."""
    if character == WIDE_PRINT:
        return 0 if unicodedata.east_asian_width(before or " ") in "WF" else 1
    if before == JOINER or "\U0001f3fb" <= character <= "\U0001f3ff":
        return 0
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _is_continuation(box: BoxStyle, row: str) -> bool:
    return not row[: box.indent].strip() and not box.begins(row)


def regions_of(options: DialogStyle | None, picture: ScreenSnapshot, layout: BoxPosition) -> dict[str, str]:
    rows, (x, y) = picture.rows, picture.cursor
    beneath = join_rows(layout.beneath(rows)) if layout.found else ""
    framed = slice(layout.top, layout.bottom + 1) if layout.framed else slice(layout.top + 1, layout.bottom)
    return {
        "screen": join_rows(rows),
        "cursor_row": rows[y].ljust(x) if y < len(rows) else "",  # with the spaces between a prompt and the cursor
        "last_row": next((row for row in reversed(rows[: y + 1]) if row.strip()), ""),
        "box": join_rows(rows[framed]) if layout.found else "",
        "above": join_rows([row for row in layout.above(rows) if row.strip()][-MAX_ROWS_ABOVE:])
        if layout.found
        else "",
        "below": beneath,
        "dialog": beneath if layout.found else join_rows(_dialog_rows(options, picture, layout)),
    }


def _dialog_rows(options: DialogStyle | None, picture: ScreenSnapshot, layout: BoxPosition) -> Sequence[str]:
    """A dialog in the place of the box ends with its frame. If the agent draws a row that begins a dialog, there is no
    dialog without it. Otherwise the whole screen may be one."""
    if layout.replaced:
        return picture.rows[layout.top : layout.bottom + 1]
    if options is None or options.starts is None:
        return picture.rows
    starts = [y for y in range(len(picture.rows)) if _is_full_width(options.starts, picture, y)]
    if not starts:
        return picture.rows if options.cut and options.cut.search(join_rows(picture.rows)) else ()
    return picture.rows[starts[-1 if options.lowest_start else 0] :]


def composer_of(box: BoxStyle | None, picture: ScreenSnapshot, layout: BoxPosition) -> tuple[Composer, str]:
    if box is None:
        return Composer.UNKNOWN, ""
    if not layout.found:
        return Composer.HIDDEN, ""
    inside = [_without_cut_mark(box, row) for row in layout.inside(picture.rows)]
    text = "\n".join(box.text_in(row).rstrip() for row in inside).strip("\n")
    if box.gutter and box.is_other(picture.rows[layout.bottom + 1][layout.left :]):
        return Composer.DRAFT, text
    if not box.gutter and box.is_other(inside[0]):
        return Composer.DRAFT, inside[0][: box.indent].strip() + text
    ghost = layout.top + 1 in picture.dim or any(one.fullmatch(" ".join(text.split())) for one in box.placeholders)
    if not text.strip() or ghost:
        return Composer.EMPTY, ""
    return Composer.DRAFT, text


def _without_cut_mark(box: BoxStyle, row: str) -> str:
    found = box.cut.match(row) if box.cut else None
    return found["text"] if found else row


def join_rows(rows: Sequence[str]) -> str:
    return "\n".join(rows).strip("\n")
