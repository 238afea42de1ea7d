"""Reads a dialog into a question with a digest: what can be chosen, and by which keys. Pure.

The digest covers everything that the dialog shows down to its last option. It does not cover the position of the
selection, line breaks at spaces, hints in the footer, or spinners and counters. Keys come from the screen: an option's
own digit as shown, and Escape only where the vendor's rules know the words that offer it.

A dialog may be taller than its terminal; the agent then shows a part of it. A part is never presented as the whole:
`whole` is about the text above the options, `complete` about the options (all of them, each with all its words).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.protocol.types.core_types import MAX_OPTION_TEXT_CHARS, AskAbout
from sidecar.approvals.questions.wrapped_text import join_rows_of_paragraph, without_spaces
from sidecar.messages.envelope import clean_text
from sidecar.rules_file.bounded_pattern import TextPattern
from sidecar.screen.rules import Dialog
from sidecar.screen.screen_layout import DialogStyle

CUT_MARK = "…"  # how agents end a row that does not fit
ESCAPE_NAME = "esc"
ESCAPE_KEY = b"\x1b"
MAX_QUESTION_CHARS = 4000
MOST_OPTIONS = 20
MAX_QUESTION_ROWS = 8
_FRAME_CHARS = " \t│┃║╭╮╰╯┌┐└┘─━═▔▁╌"
_FRAMED_ROW = re.compile(r"^ ?[│┃║]")
_SELECTION_MARKS = re.compile(r"[\d⠀-⣿◐◓◑◒·✢✳✶✻✽❯›>●○]+ ?")


@dataclass(frozen=True)
class DialogOption:
    key: str
    text: str


@dataclass(frozen=True)
class Question:
    """`allow` and `deny` are the keys that plainly mean yes and no, or "". `choices` are the options whose words can
    all be read; a plain "no" may be another option, whose first word says so. `loose` is the digest independent of the
    width. If a hook reported the question (`told`), `tool`, `detail` and `about` are the hook's words. With `hook`, the
    hook's answer decides, and `words` may go with a "no". `once`: the screen could show another question of the same
    kind, so no key is pressed a second time."""

    digest: str
    question: str
    choices: tuple[DialogOption, ...] = ()
    allow: str = ""
    deny: str = ""
    detail: str = ""
    whole: bool = True
    complete: bool = True
    loose: str = ""
    tool: str = ""
    about: AskAbout = AskAbout.TEXT
    words: bool = False
    hook: bool = False
    told: bool = False
    once: bool = False

    def key(self, answer: str) -> bytes:
        """The key to press for an answer. Empty if the dialog does not offer it."""
        named = {"allow": self.allow, "deny": self.deny}.get(answer, answer)
        if named == ESCAPE_NAME:
            return ESCAPE_KEY if answer == "deny" else b""
        plain = answer in ("allow", "deny")
        return named.encode() if plain or self.text_of(named) is not None else b""

    def text_of(self, key: str) -> str | None:
        return next((one.text for one in self.choices if one.key == key), None)

    @property
    def readable(self) -> bool:
        return self.whole and self.complete

    @property
    def answers(self) -> tuple[object, ...]:
        """What can be done with the question. This may change while the question stays the same."""
        return self.choices, self.allow, self.deny, self.readable, self.hook, self.words


@dataclass(frozen=True)
class _Option:
    """The rows of one option: from `first` up to `end`, where the next part begins."""

    first: int
    end: int


def read_question(dialog: Dialog, options: DialogStyle, hints: Sequence[str] = ()) -> Question:
    """`hints` are texts that the dialog may show. They tell where a row was cut inside a word."""
    rows = _rows_of_dialog(dialog.text.split("\n"), options)
    lettered = _find_lettered_row(rows, options)
    found = _find_options(rows, options) if lettered is None else [_Option(lettered, lettered + 1)]
    above = rows[: found[0].first] if found else rows
    body = above[_begin_of_question(above, options) :] if found or options.entire else rows
    choices = (
        tuple(_read_option(rows[one.first : one.end], options, hints) for one in found)
        if lettered is None
        else tuple(_lettered_options(rows[lettered], options))
    )
    shown = [_plain_row(row) for row in body]
    tail = [_plain_row(row) for row in rows[found[0].first : found[-1].end]] if found else []
    counted = (
        [*shown, *_strip_selection_marks(tail, choices)] if found else [_SELECTION_MARKS.sub("", one) for one in shown]
    )
    whole = _is_question_whole(rows, options)
    listed = bool(found) and _are_all_listed(rows, found, choices, options)
    keyless = not found and whole and options.entire is not None  # all of it can be read, and nothing has a key
    complete = (listed and not any(map(_is_cut_off, choices))) or keyless
    sure = choices if complete or lettered else tuple(_complete_options(rows, found, choices, options))
    return Question(
        digest=_question_digest(counted),
        question=_question_in_rows(body, shown, options, hints),
        choices=sure,
        allow=_key_of_option(choices if listed else sure, options.allow) if listed or options.closes else "",
        deny=_deny_key(dialog.text, choices, options, listed=listed),
        detail="\n".join(filter(None, shown)),
        whole=whole,
        complete=complete,
        loose=_question_digest([without_spaces("".join(counted))]),
    )


def _rows_of_dialog(rows: Sequence[str], options: DialogStyle) -> Sequence[str]:
    """Without what stands above it, if the rules tell both where a dialog begins and how a whole one looks."""
    begin = _begin_of_question(rows, options) if options.entire else 0
    return rows[max(0, begin - 1) :]


def cut_question(question: str) -> str:
    """A question that was cut says so."""
    more = len(question) - MAX_QUESTION_CHARS
    return question if more <= 0 else f"{question[:MAX_QUESTION_CHARS]} [{more} more characters: see its terminal]"


# Options


def _find_options(rows: Sequence[str], options: DialogStyle) -> list[_Option]:
    """The last run of options that counts up from 1. A command that looks like options is above the real ones."""
    places: list[int] = []
    for y, row in enumerate(rows):
        match = options.option.search(row)
        if match is None:
            continue
        if match["key"] == "1":
            places = [y]
        elif places and int(match["key"]) == len(places) + 1:
            places.append(y)
    following = [*places[1:], len(rows)][: len(places)]
    return [
        _Option(first, _end_of_option(rows, first, until, options))
        for first, until in zip(places, following, strict=True)
    ]


def _find_lettered_row(rows: Sequence[str], options: DialogStyle) -> int | None:
    """The lowest row whose options have letters for keys, as in `[y] Approve   [n] Deny`."""
    return next((y for y in range(len(rows) - 1, -1, -1) if any(_lettered_options(rows[y], options))), None)


def _lettered_options(row: str, options: DialogStyle) -> Iterator[DialogOption]:
    while match := options.option.search(row):
        if match["key"].isalpha():
            yield DialogOption(match["key"], clean_text(match["text"]).strip())
        row = row[match.end() :]


def _end_of_option(rows: Sequence[str], first: int, until: int, options: DialogStyle) -> int:
    """An option continues in rows that begin at the column of its text."""
    column = _text_column(rows[first], options)
    for y in range(first + 1, until):
        row = _without_frame(rows[y])
        if len(row) - len(row.lstrip()) < column or not row.strip(_FRAME_CHARS):
            return y
    return until


def _text_column(row: str, options: DialogStyle) -> int:
    match = options.option.search(row)
    assert match is not None
    return match.start("text")


def _without_frame(row: str) -> str:
    """The row without its frame; each word keeps its column."""
    return _FRAMED_ROW.sub(lambda match: " " * len(match[0]), row).rstrip(_FRAME_CHARS)


def _read_option(rows: Sequence[str], options: DialogStyle, hints: Sequence[str]) -> DialogOption:
    match = options.option.search(rows[0])
    assert match is not None
    column = match.start("text")
    words = [clean_text(_without_frame(row)[column:]) for row in rows]
    return DialogOption(match["key"], join_rows_of_paragraph(words, hints).strip(_FRAME_CHARS))


def _is_cut_off(choice: DialogOption) -> bool:
    """The agent marks a row that is too long."""
    return choice.text.endswith(CUT_MARK)


def _are_all_listed(
    rows: Sequence[str], found: Sequence[_Option], choices: Sequence[DialogOption], options: DialogStyle
) -> bool:
    """Whether all options are shown, each to its end. If an agent may cut the list, the words of the options must prove
    it, also above an empty row if one of them has its closing words."""
    end = found[-1].end
    tail = rows[found[0].first : end + 1]
    if len(found) > MOST_OPTIONS or any(len(one.text) > MAX_OPTION_TEXT_CHARS for one in choices):
        return False
    if options.unlisted and any(options.unlisted.search(row) for row in tail):
        return False
    if options.closes is None:
        return end < len(rows)
    closed = [options.closes.search(one.text) is not None for one in choices]
    if not any(closed):
        return end < len(rows) and not rows[end].strip(_FRAME_CHARS)
    return all(closed) and options.last is not None and options.last.search(choices[-1].text) is not None


def _complete_options(
    rows: Sequence[str], found: Sequence[_Option], choices: Sequence[DialogOption], options: DialogStyle
) -> Iterator[DialogOption]:
    """The options of an incomplete list whose end is known: another option follows, or their closing words are shown,
    or, if options have none, a sign that there are more."""
    for one, choice in zip(found, choices, strict=True):
        follows = rows[one.end] if one.end < len(rows) else ""
        more = options.closes is None and options.unlisted and options.unlisted.search(follows)
        signs = options.option.search(follows) or more
        fits = len(choice.text) <= MAX_OPTION_TEXT_CHARS and not _is_cut_off(choice)
        if fits and (signs or (options.closes and options.closes.search(choice.text))):
            yield choice


# The text above the options


def _begin_of_question(rows: Sequence[str], options: DialogStyle) -> int:
    """`rows`: all above the options."""
    if options.starts is not None or options.after is None:
        return 0
    return next((y + 1 for y in range(len(rows) - 1, -1, -1) if options.after.search(rows[y])), 0)


def _is_question_whole(rows: Sequence[str], options: DialogStyle) -> bool:
    if options.hidden and any(options.hidden.search(row) for row in rows):
        return False
    if options.entire and not options.entire.search("\n".join(rows)):
        return False
    return options.starts is None or options.starts.fullmatch(rows[0]) is not None


def _question_in_rows(body: Sequence[str], shown: Sequence[str], options: DialogStyle, hints: Sequence[str]) -> str:
    asks = [y for y, row in enumerate(body) if options.question.search(row)]
    if not asks:
        return next(filter(None, shown), "")[:MAX_QUESTION_CHARS]
    last = asks[-1 if options.starts else 0]
    first = next((y + 1 for y in range(last - 1, -1, -1) if not shown[y] or y in asks), 0)
    return join_rows_of_paragraph(shown[max(first, last - MAX_QUESTION_ROWS) : last + 1], hints)[:MAX_QUESTION_CHARS]


def _plain_row(row: str) -> str:
    return " ".join(clean_text(row).strip(_FRAME_CHARS).split())


def _strip_selection_marks(rows: Sequence[str], choices: Sequence[DialogOption]) -> Iterator[str]:
    """Moving the selection must not change the digest."""
    keys = "".join(one.key for one in choices)
    return (re.sub(rf"^\W*(?=[{keys}]\. )", "", row) for row in rows)


def _question_digest(parts: Sequence[str]) -> str:
    return hashlib.sha256(" ".join(filter(None, parts)).encode()).hexdigest()[:16]


# What plainly means yes and no


def _key_of_option(choices: Sequence[DialogOption], words: TextPattern | None) -> str:
    """The only option with these words. If two match, none is plain."""
    found = [one.key for one in choices if words and words.search(one.text)]
    return found[0] if len(found) == 1 else ""


def _deny_key(text: str, choices: Sequence[DialogOption], options: DialogStyle, *, listed: bool) -> str:
    """A "no" option counts even if its text is cut. Escape counts even if its hint wraps."""
    named = _key_of_option(choices, options.deny) if listed else ""
    offered = options.cancel and (options.cancel.search(text) or options.cancel.search(" ".join(text.split())))
    return named or (ESCAPE_NAME if offered else "")
