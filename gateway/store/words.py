"""The language of the search index: what a person typed, and who may find it, as one FTS5 expression. Pure.

Beside its text every message is indexed under a few scope words: its room (public) or its room and its ends (direct),
and its sender. Filters are then part of the search itself instead of a walk over everything that matched.
"""

from __future__ import annotations

import re

from gateway.protocol.errors import BadRequest
from gateway.protocol.nouns import check_text
from gateway.store import Entry, MessageQuery

_TERM = re.compile(r'"([^"]*)"|(\S+)')
_WORD = re.compile(r"[^\W_]")


def _scope(letter: str, name: str) -> str:
    return letter + name.encode("utf-8", "surrogatepass").hex()


def scopes_of(entry: Entry) -> str:
    room, sender = entry.room or "", entry.sender or ""
    if entry.ends is None:
        return f"public {_scope('r', room)} {_scope('s', sender)}"
    ends = " ".join(_scope("d", end) for end in entry.ends)
    return f"direct {_scope('x', room)} {_scope('s', sender)} {ends}"


def search_expression(query: MessageQuery, *, direct_only: bool = False) -> str:
    clauses = [_visible(query, direct_only)]
    if query.sender is not None:
        clauses.append(_all_of(_scope("s", query.sender)))
    if query.recipient is not None:
        clauses.append(_recipient(query.recipient))
    if query.words is not None:
        clauses.insert(0, _words(query.words))
    return " AND ".join(clauses)


def _recipient(name: str) -> str:
    if name == "all":
        return _all_of("public")
    return f"({_all_of(_scope('d', name))} NOT {_all_of(_scope('s', name))})"


def _visible(query: MessageQuery, direct_only: bool) -> str:
    view, room = query.view, query.room
    own = _all_of(_scope("d", view.member))
    if room is not None:
        direct = _all_of(_scope("x", room)) if view.observer else f"({own} AND {_all_of(_scope('x', room))})"
        public = _all_of(_scope("r", room))
    elif view.observer:
        direct, public = _all_of("direct"), _all_of("public")
    else:
        direct, public = own, _any_of([_scope("r", name) for name in sorted(view.rooms)] or ["none"])
    return direct if direct_only else f"({public} OR {direct})"


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
