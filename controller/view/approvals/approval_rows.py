"""Renders the card of an agent's question at any size: complete, or folded with its length stated. Pure.

What the agent wants to do is the brightest text. If the card does not fit, first the body is folded, then the texts of
the options, then everything to a few rows; `F3` always shows all.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.view.approvals.question_view import (
    OPEN_KEY,
    WORDS_KEY,
    QuestionView,
    group_digits,
    warning_lines,
    who_may_answer,
)
from controller.view.text.row_types import Fragment, Row
from controller.view.text.text_rows import clean_for_screen, fit_to_width, width_of, wrap_text
from gateway.protocol.types.core_types import AskAbout, Option

COMMAND_STYLE = "class:wanted"  # not below `ask`, because it would inherit that colour
DIM_STYLE = "class:dim"
FOLD_STYLE = "class:fold"
KEY_COLUMNS = 4
MAX_ENDED_ROWS = 5
DIFF_STYLES = (
    ("+++", "class:diff-head"),
    ("---", "class:diff-head"),
    ("@@", "class:diff-place"),
    ("+", "class:diff-added"),
    ("-", "class:diff-removed"),
)


@dataclass(frozen=True)
class CardView:
    """How a card is viewed: by whom, how wide, in how many rows, and whether its terminal can be shown from here."""

    me: str
    width: int
    height: int
    chosen: bool = False
    unfolded: bool = False
    panes: bool = False


def card_rows(ask: QuestionView, look: CardView) -> list[Row]:
    """An open question."""
    parts = _CardParts(ask, look)
    rows = parts.whole()
    if not look.unfolded and len(rows) > look.height:
        rows = parts.folded()
    edge = "class:ask.chosen" if look.chosen else "class:ask"
    return [((edge, "┃"), ("", " "), *row) for row in rows]


class _CardParts:
    def __init__(self, ask: QuestionView, look: CardView) -> None:
        self._ask, self._look = ask, look
        self._inner = max(8, look.width - 2)
        self._body = _body_rows(ask, self._inner)
        self._head = _head_rows(ask, self._inner)
        self._foot: list[Row] = [
            ((DIM_STYLE, line),) for line in wrap_text(clean_for_screen(keys_line(ask, look)), self._inner)
        ]
        self._options = [row for one in ask.options for row in _option_rows(one, look, self._inner)]

    def whole(self) -> list[Row]:
        return [*self._head, *self._body, *self._options, *self._foot]

    def folded(self) -> list[Row]:
        short_head = [self._head[0]] if self._head else []
        short_options = [_short_option_row(one, self._look, self._inner) for one in self._ask.options]
        for head, options in (
            (self._head, self._options),
            (short_head, self._options),
            (short_head, short_options),
        ):
            room = self._look.height - len(head) - len(options) - len(self._foot) - 1
            if room >= min(3, len(self._body)) and room > 0:
                body = self._body[:room]
                rest = len(self.whole()) - len(head) - len(body) - len(options) - len(self._foot)
                return [*head, *body, self._fold(rest), *options, *self._foot]
        return self._few_rows()

    def _few_rows(self) -> list[Row]:
        """A few rows: what it wants, what can be chosen."""
        height = max(1, self._look.height)
        said = self._ask.subject[1] if self._ask.about is AskAbout.DIFF else _subject_of(self._ask)
        part = "" if self._ask.readable and not self._ask.left_out else " (in part)"
        lines = _wrap_with_lead(f"{self._ask.member}{part}: ", clean_for_screen(said), self._inner)
        below = [_options_row(self._ask, self._look, self._inner)] if height > 1 else []
        room = height - len(below)
        rows: list[Row] = [((COMMAND_STYLE, line),) for line in lines]
        if len(rows) < room:
            return [*rows, self._fold(len(self.whole()) - len(rows) - len(below)), *below]
        if len(rows) > room > 1:
            return [*rows[: room - 1], self._fold(len(rows) - room + 1), *below]
        if len(rows) > room or not below or said != _subject_of(self._ask):
            tail = self._length(len(self.whole()) - height, self._inner // 2).removeprefix("…")
            rows = [((COMMAND_STYLE, fit_to_width(lines[0], max(4, self._inner - width_of(tail)))), (FOLD_STYLE, tail))]
        return [*rows, *below]

    def _fold(self, rest: int) -> Row:
        return ((FOLD_STYLE, self._length(rest, self._inner)),)

    def _length(self, rest: int, room: int) -> str:
        """A note of how much is hidden, as long as there is space."""
        rows = f"… +{rest} row{'' if rest == 1 else 's'}"
        length = f"{rows}, {group_digits(len(_subject_of(self._ask)))} characters"
        forms = (f"{length}; F3 shows all", f"{length}; F3", f"{rows}; F3")
        return next((one for one in forms if width_of(one) <= room), "… F3")


def _wrap_with_lead(lead: str, text: str, width: int) -> list[str]:
    """Wrapped text, with a lead in the first row, however long the first word is."""
    lead = fit_to_width(lead, max(2, width // 2))
    hold = "#" * width_of(lead)
    first, *more = wrap_text(hold + text, width)
    return [lead + first[len(hold) :], *more]


def _subject_of(ask: QuestionView) -> str:
    """The subject of the question, or else the question itself."""
    return "\n".join(ask.body) or ask.question


def _head_rows(ask: QuestionView, width: int) -> list[Row]:
    """The agent that asks; without any other text, this is the body."""
    if not ask.body:
        return []
    words = f"{ask.member} asks: {ask.question}" + (f" ({ask.tool})" if ask.tool else "")
    return [(("", line),) for line in wrap_text(clean_for_screen(words), width)]


def _body_rows(ask: QuestionView, width: int) -> list[Row]:
    if not ask.body:
        found: list[Row] = [
            ((COMMAND_STYLE, line),)
            for line in wrap_text(clean_for_screen(f"{ask.member} asks: {ask.question}"), width)
        ]
    else:
        found = [row for line in ask.body for row in _body_line_rows(clean_for_screen(line), ask.about, width)]
    return [*found, *_warning_rows(ask, width)]


def _body_line_rows(line: str, about: AskAbout, width: int) -> list[Row]:
    style = COMMAND_STYLE
    if about is AskAbout.DIFF:
        style = next((style for sign, style in DIFF_STYLES if line.startswith(sign)), "")
    return [((style, part),) for part in wrap_text(line, width)]


def _warning_rows(ask: QuestionView, width: int) -> list[Row]:
    return [
        (("class:warning", line),) for one in warning_lines(ask) for line in wrap_text(clean_for_screen(one), width)
    ]


def _option_rows(option: Option, look: CardView, width: int) -> list[Row]:
    """The option's key, and all of its words beside it."""
    key = f" {clean_for_screen(option.key)} "
    room = max(4, width - max(KEY_COLUMNS, width_of(key)))
    lines = wrap_text(clean_for_screen(option.text), room)
    blank = " " * (max(KEY_COLUMNS, width_of(key)))
    first: Row = ((_key_style(look), key), ("", blank[width_of(key) :] + lines[0]))
    return [first, *((("", blank + line),) for line in lines[1:])]


def _short_option_row(option: Option, look: CardView, width: int) -> Row:
    return _option_rows(
        Option(option.key, fit_to_width(clean_for_screen(option.text), max(4, width - KEY_COLUMNS))), look, width
    )[0]


def _options_row(ask: QuestionView, look: CardView, width: int) -> Row:
    """All options in one row; longer words are cut, and F3 shows them."""
    if not ask.options:
        return ((DIM_STYLE, fit_to_width(keys_line(ask, look), width)),)
    own = {one.key for one in ask.options}
    others = [key for key in ("y", "n", WORDS_KEY, OPEN_KEY) if key in ask.keys(look.me, panes=look.panes) - own]
    hint = " ".join([*others, "F3", "Esc"]) if look.chosen else "F2 F3"
    room = width - len(hint) - 1 - sum(width_of(clean_for_screen(one.key)) + 3 for one in ask.options)
    shares = _share_columns([width_of(clean_for_screen(one.text)) for one in ask.options], room)
    row: list[Fragment] = []
    for option, share in zip(ask.options, shares, strict=True):
        row += [
            (_key_style(look), f" {clean_for_screen(option.key)} "),
            ("", f"{fit_to_width(clean_for_screen(option.text), share)} "),
        ]
    return (*_cut_row(row, width - len(hint) - 1), (DIM_STYLE, f" {hint}"))


def _cut_row(row: list[Fragment], width: int) -> Row:
    found: list[Fragment] = []
    for style, text in row:
        if width_of(text) > width:
            return (*found, (DIM_STYLE, fit_to_width("…", width)))
        found.append((style, text))
        width -= width_of(text)
    return tuple(found)


def _share_columns(wanted: list[int], room: int) -> list[int]:
    """Short texts get the rows that they need; the others share the rest equally."""
    found = [0] * len(wanted)
    left, open_ = max(0, room), sorted(range(len(wanted)), key=lambda at: wanted[at])
    for done, at in enumerate(open_):
        found[at] = min(wanted[at], left // (len(open_) - done))
        left -= found[at]
    return found


def _key_style(look: CardView) -> str:
    return "class:ask.chosen" if look.chosen else "class:ask"


def keys_line(ask: QuestionView, look: CardView) -> str:
    """The keys that this person may use; if there are none, who may answer and where."""
    keys = ask.keys(look.me, panes=look.panes)
    words = [" ".join(one.key for one in ask.options if one.key in keys)] if ask.may_answer(look.me) else []
    names = {"y": "y yes", "n": "n no", WORDS_KEY: "w no with words", OPEN_KEY: "o its terminal"}
    own = {one.key for one in ask.options}
    words += [name for key, name in names.items() if key in keys and key not in own]
    offered = ", ".join(one for one in words if one)
    parts = []
    if keys - {OPEN_KEY}:
        parts.append(f"press its key: {offered}" if look.chosen else f"F2 to answer: {offered}")
    else:
        parts.append(f"Answer it in {ask.member}'s terminal")
        if keys:
            parts.append("o shows it" if look.chosen else "F2, then o, shows it")
    if who := who_may_answer(ask, look.me):
        parts.append(who)
    return " · ".join(parts)


def ended_rows(ask: QuestionView, width: int, *, unfolded: bool) -> list[Row]:
    """The rows of an answered question: the request, and who answered how. A long one is folded in the middle."""
    begins, thing = ask.subject
    asked = ((DIM_STYLE, f"{ask.member} {begins}"), ("", f"`{thing}`" if ask.body else thing))
    came: Fragment = (DIM_STYLE, f"– {ask.outcome}")
    rows = _wrap_fragments((*asked, (DIM_STYLE, " "), came), width)
    if unfolded or len(rows) <= MAX_ENDED_ROWS:
        return rows
    before = _wrap_fragments(asked, width)
    kept = MAX_ENDED_ROWS - 2
    more = f"… +{len(before) - kept} rows, {group_digits(len(thing))} characters; F3 shows all"
    return [*before[:kept], ((FOLD_STYLE, fit_to_width(more, width)),), *_wrap_fragments((came,), width)]


def _wrap_fragments(parts: tuple[Fragment, ...], width: int) -> list[Row]:
    """Fragments wrapped as one text."""
    letters = [(one, style) for style, part in parts for one in clean_for_screen(part).replace("\n", " ")]
    text, styles = "".join(one for one, _ in letters), [style for _, style in letters]
    rows: list[Row] = []
    at = 0
    for line in wrap_text(text, width):
        at = text.index(line, at) if line else at
        row: list[Fragment] = []
        for one, style in zip(line, styles[at : at + len(line)], strict=True):
            if row and row[-1][0] == style:
                row[-1] = (style, row[-1][1] + one)
            else:
                row.append((style, one))
        rows.append(tuple(row))
        at += len(line)
    return rows
