"""What a dialog asks, as a value with a digest: what can be chosen, and which keys say so. Pure.

The digest is of all that the dialog shows down to its last option: where the selection stands, how rows are wrapped
at blanks, hints in the footer and whatever turns or counts outside it are not part of it. Keys come from the screen: an
option's own digit as it stands there, Escape only where the vendor's rules know the words that offer it.

A dialog may be taller than its terminal, and an agent then shows a part of it. What was read in part is never passed
off as whole: `whole` is said of the text above the options, `complete` of the options: all, each with all its words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.protocol.types import MAX_OPTION_TEXT, AskAbout
from sidecar.approvals.unwrapping import joined, squeezed
from sidecar.messages.envelope import clean
from sidecar.screen.rules import Dialog
from sidecar.screen.screen_layout import Options

CUT = "…"  # how agents end a row that is longer than its place
ESCAPE = "esc"
ESCAPE_KEY = b"\x1b"
LONGEST_QUESTION = 4000
MOST_OPTIONS = 20
ROWS_OF_QUESTION = 8
_DRAWN = " \t│┃║╭╮╰╯┌┐└┘─━═▔▁╌"
_FRAMED = re.compile(r"^ ?[│┃║]")
_MOVES = re.compile(r"[\d⠀-⣿◐◓◑◒·✢✳✶✻✽❯›●○]+ ?")


@dataclass(frozen=True)
class Choice:
    key: str
    text: str


@dataclass(frozen=True)
class Question:
    """`allow` and `deny` are the keys that plainly mean yes and no, "" where there is none. `choices` are those whose
    words can all be read; a plain no may be another one, whose first word says so. `loose` is the same for a dialog at
    any width. Where a hook of the agent's told of the question (`told`), `tool`, `detail` and `about` are its own
    words; with `hook`, its answer decides, and `words` may go with a no. `once`: what is shown could be another
    question of its kind: no key is pressed a second time."""

    digest: str
    question: str
    choices: tuple[Choice, ...] = ()
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
        """What to press for an answer; nothing if the dialog does not offer it."""
        named = {"allow": self.allow, "deny": self.deny}.get(answer, answer)
        if named == ESCAPE:
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
        """What can be done with it, which may change while it stays the same question."""
        return self.choices, self.allow, self.deny, self.readable, self.hook, self.words


@dataclass(frozen=True)
class _Option:
    """The rows of one option: where they begin, and where the next thing does."""

    first: int
    end: int


def question_of(dialog: Dialog, options: Options, hints: Sequence[str] = ()) -> Question:
    """`hints` are texts of which some may stand in the dialog: they tell where a row was cut inside a word."""
    rows = dialog.text.split("\n")
    found = _found(rows, options)
    body = rows[_begin(rows, found, options) : found[0].first] if found else rows
    choices = tuple(_choice(rows[one.first : one.end], options, hints) for one in found)
    shown = [_plain(row) for row in body]
    tail = [_plain(row) for row in rows[found[0].first : found[-1].end]] if found else []
    counted = [*shown, *_without_marks(tail, choices)] if found else [_MOVES.sub("", one) for one in shown]
    whole = _is_whole(rows, body, options)
    listed = bool(found) and _is_listed(rows, found, choices, options)
    complete = listed and not any(map(_is_cut, choices))
    sure = choices if complete else tuple(_sure(rows, found, choices, options))
    return Question(
        digest=_digest(counted),
        question=_question(body, shown, options, hints),
        choices=sure,
        allow=_key_of(choices if listed else sure, options.allow) if listed or options.closes else "",
        deny=_denied(dialog.text, choices, options, listed=listed),
        detail="\n".join(filter(None, shown)),
        whole=whole,
        complete=complete,
        loose=_digest([squeezed("".join(counted))]),
    )


def bounded(question: str) -> str:
    """What is cut says so."""
    more = len(question) - LONGEST_QUESTION
    return question if more <= 0 else f"{question[:LONGEST_QUESTION]} [{more} more characters: see its terminal]"


# Options


def _found(rows: Sequence[str], options: Options) -> list[_Option]:
    """The last run of options that counts up from 1: a command that looks like options stands above the real ones."""
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
    return [_Option(first, _end(rows, first, until, options)) for first, until in zip(places, following, strict=True)]


def _end(rows: Sequence[str], first: int, until: int, options: Options) -> int:
    """An option goes on in rows that begin where its words do."""
    column = _column(rows[first], options)
    for y in range(first + 1, until):
        row = _bare(rows[y])
        if len(row) - len(row.lstrip()) < column or not row.strip(_DRAWN):
            return y
    return until


def _column(row: str, options: Options) -> int:
    match = options.option.search(row)
    assert match is not None
    return match.start("text")


def _bare(row: str) -> str:
    """Without the frame around it, each word where it was."""
    return _FRAMED.sub(lambda match: " " * len(match[0]), row).rstrip(_DRAWN)


def _choice(rows: Sequence[str], options: Options, hints: Sequence[str]) -> Choice:
    match = options.option.search(rows[0])
    assert match is not None
    column = match.start("text")
    words = [clean(_bare(row)[column:]) for row in rows]
    return Choice(match["key"], joined(words, hints).strip(_DRAWN))


def _is_cut(choice: Choice) -> bool:
    """By its agent: a row that is too long ends so."""
    return choice.text.endswith(CUT)


def _is_listed(rows: Sequence[str], found: Sequence[_Option], choices: Sequence[Choice], options: Options) -> bool:
    """All options are there, each to the end that its agent gives it. Where an agent may cut the list, the words
    themselves must tell: also above an empty row, if one of them is closed."""
    end = found[-1].end
    tail = rows[found[0].first : end + 1]
    if len(found) > MOST_OPTIONS or any(len(one.text) > MAX_OPTION_TEXT for one in choices):
        return False
    if options.unlisted and any(options.unlisted.search(row) for row in tail):
        return False
    if options.closes is None:
        return end < len(rows)
    closed = [options.closes.search(one.text) is not None for one in choices]
    if not any(closed):
        return end < len(rows) and not rows[end].strip(_DRAWN)
    return all(closed) and options.last is not None and options.last.search(choices[-1].text) is not None


def _sure(
    rows: Sequence[str], found: Sequence[_Option], choices: Sequence[Choice], options: Options
) -> Iterator[Choice]:
    """Of a list that is not complete, an option counts whose end is known: another one follows, or its own last word
    stands there, or, where options have none, a sign that there is more."""
    for one, choice in zip(found, choices, strict=True):
        follows = rows[one.end] if one.end < len(rows) else ""
        more = options.closes is None and options.unlisted and options.unlisted.search(follows)
        signs = options.option.search(follows) or more
        fits = len(choice.text) <= MAX_OPTION_TEXT and not _is_cut(choice)
        if fits and (signs or (options.closes and options.closes.search(choice.text))):
            yield choice


# What stands above them


def _begin(rows: Sequence[str], found: Sequence[_Option], options: Options) -> int:
    if options.starts is not None or options.after is None:
        return 0
    return next((y + 1 for y in range(found[0].first - 1, -1, -1) if options.after.search(rows[y])), 0)


def _is_whole(rows: Sequence[str], body: Sequence[str], options: Options) -> bool:
    if options.hidden and any(options.hidden.search(row) for row in rows):
        return False
    return options.starts is None or options.starts.fullmatch(rows[0]) is not None


def _question(body: Sequence[str], shown: Sequence[str], options: Options, hints: Sequence[str]) -> str:
    asks = [y for y, row in enumerate(body) if options.question.search(row)]
    if not asks:
        return next(filter(None, shown), "")[:LONGEST_QUESTION]
    last = asks[-1 if options.starts else 0]
    first = next((y + 1 for y in range(last - 1, -1, -1) if not shown[y] or y in asks), 0)
    return joined(shown[max(first, last - ROWS_OF_QUESTION) : last + 1], hints)[:LONGEST_QUESTION]


def _plain(row: str) -> str:
    return " ".join(clean(row).strip(_DRAWN).split())


def _without_marks(rows: Sequence[str], choices: Sequence[Choice]) -> Iterator[str]:
    """Moving the selection is no other question."""
    keys = "".join(one.key for one in choices)
    return (re.sub(rf"^\W*(?=[{keys}]\. )", "", row) for row in rows)


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256(" ".join(filter(None, parts)).encode()).hexdigest()[:16]


# What plainly means yes and no


def _key_of(choices: Sequence[Choice], words: re.Pattern[str] | None) -> str:
    """The one option with these words; of two, none is plain."""
    found = [one.key for one in choices if words and words.search(one.text)]
    return found[0] if len(found) == 1 else ""


def _denied(text: str, choices: Sequence[Choice], options: Options, *, listed: bool) -> str:
    """A no whose words are cut is still one. Escape also where its words go over a row's end."""
    named = _key_of(choices, options.deny) if listed else ""
    offered = options.cancel and (options.cancel.search(text) or options.cancel.search(" ".join(text.split())))
    return named or (ESCAPE if offered else "")
