"""The language of the search index: what a person typed, and who may find it, as FTS5 expressions. Pure.

Beside its text every message is indexed under a few scope words, so that filters are part of the search instead of a
walk over everything that matched. Direct messages stand in a region of their own, by a shift of their seq: a search
among them does not pass by what was said in public. A message that went to several has a word that says so; all
others are found by the pair of their two ends.
"""

from __future__ import annotations

import re

from gateway.protocol.errors import BadRequest
from gateway.protocol.types import check_text
from gateway.store import Entry, MessageQuery

_TERM = re.compile(r'"([^"]*)"|(\S+)')
DIRECT = 1 << 48
SEVERAL = "several"
_WORD = re.compile(r"[^\W_]")


def _scope(letter: str, name: str) -> str:
    return letter + name.encode("utf-8", "surrogatepass").hex()


def place_of(entry: Entry) -> int:
    """Where in the index it stands."""
    return entry.seq if entry.ends is None else entry.seq + DIRECT


def scopes_of(entry: Entry) -> str:
    room, sender = entry.room or "", entry.sender or ""
    if entry.ends is None:
        return f"public {_scope('r', room)} {_scope('s', sender)}"
    to = [end for end in entry.ends if end != sender]
    words = ["direct", _scope("x", room), _scope("s", sender), *([SEVERAL] if len(to) > 1 else ())]
    return " ".join([*words, *(_scope("t", end) for end in to), *(_pair(sender, end) for end in to)])


def public_expression(query: MessageQuery) -> str | None:
    """What finds the public messages of a query; None if there cannot be any."""
    if query.recipient not in (None, "all"):
        return None
    view, clauses = query.view, [] if query.words is None else [_words(query.words)]
    if query.room is not None:
        clauses.append(_all_of(_scope("r", query.room)))
    elif not view.observer:
        if not view.rooms:
            return None
        clauses.append(_any_of([_scope("r", name) for name in sorted(view.rooms)]))
    if query.sender is not None:
        clauses.append(_all_of(_scope("s", query.sender)))
    return " AND ".join(clauses) or _all_of("public")


def direct_expression(query: MessageQuery) -> str | None:
    """What finds the direct messages of a query; None if there cannot be any."""
    if query.recipient == "all":
        return None
    clauses = [] if query.words is None else [_words(query.words)]
    clauses += _between(query.sender, query.recipient)
    if not query.view.observer:
        clauses += _own(query.view.member, query.sender, query.recipient)
    if query.room is not None:
        clauses.append(_all_of(_scope("x", query.room)))
    return " AND ".join(clauses) or _all_of("direct")


def _between(sender: str | None, recipient: str | None) -> list[str]:
    if sender is not None and recipient is not None:
        return [_all_of(_pair(sender, recipient))]
    if sender is not None:
        return [_all_of(_scope("s", sender))]
    return [] if recipient is None else [_all_of(_scope("t", recipient))]


def _own(me: str, sender: str | None, recipient: str | None) -> list[str]:
    """What leaves only messages that `me` is an end of, in few steps: by pairs where there are but two ends."""
    mine = _any_of([_scope("s", me), _scope("t", me)])
    shared = f"({_all_of(SEVERAL)} AND {mine})"
    if me in (sender, recipient):
        return []
    if sender is not None:
        return [_all_of(_pair(sender, me))] if recipient is None else [shared]
    return [mine] if recipient is None else [f"({_all_of(_pair(me, recipient))} OR {shared})"]


def _pair(sender: str, recipient: str) -> str:
    return f"{_scope('p', sender)}{_scope('z', recipient)}"


def _all_of(word: str) -> str:
    return f"scope : {word}"


def _any_of(words: list[str]) -> str:
    return "scope : (" + " OR ".join(words) + ")"


def _words(typed: str) -> str:
    """Every word must occur; quoted words are a phrase; a trailing `*` matches beginnings."""
    check_text(typed, what="query")
    terms: list[str] = []
    for phrase, word in _TERM.findall(typed):
        text = phrase or word
        if not _WORD.search(text):
            continue
        star = " *" if word.endswith("*") else ""
        terms.append('"' + text.rstrip("*").replace('"', '""') + '"' + star)
    if not terms:
        raise BadRequest(f"{typed[:80]!r} contains no word to search for.")
    return "text : (" + " AND ".join(terms) + ")"
