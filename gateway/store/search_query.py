"""Builds FTS5 expressions from what a person typed and what that person may read. Pure.

Every message is indexed under its text and a few scope words, so that filters are part of the search instead of a scan
of all matches. Direct messages have their own region of the index, by an offset of their seq, so that a search among
them skips public messages. A direct message to several members has a word that says so; all others are indexed by the
pair of sender and recipient.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gateway.protocol.errors import BadRequest
from gateway.protocol.types.core_types import check_message_text
from gateway.store import LogEntry, MessageQuery

_TERM = re.compile(r'"([^"]*)"|(\S+)')
DIRECT_REGION = 1 << 48
SEVERAL_ENDS = "several"
_WORD = re.compile(r"[^\W_]")


def _scope_term(letter: str, name: str) -> str:
    return letter + name.encode("utf-8", "surrogatepass").hex()


def index_position_of(entry: LogEntry) -> int:
    """The position of an entry in the index."""
    return entry.seq if entry.ends is None else entry.seq + DIRECT_REGION


def scope_terms_of(entry: LogEntry) -> str:
    room, sender = entry.room or "", entry.sender or ""
    if entry.ends is None:
        return f"public {_scope_term('r', room)} {_scope_term('s', sender)}"
    to = [end for end in entry.ends if end != sender]
    words = ["direct", _scope_term("x", room), _scope_term("s", sender), *([SEVERAL_ENDS] if len(to) > 1 else ())]
    return " ".join([*words, *(_scope_term("t", end) for end in to), *(_pair_term(sender, end) for end in to)])


def public_expression(query: MessageQuery) -> str | None:
    """The expression for the public messages of a query; None if there cannot be any."""
    if query.recipient not in (None, "all"):
        return None
    view, clauses = query.view, [] if query.words is None else [_query_terms(query.words)]
    if query.room is not None:
        clauses.append(_all_letters_term(_scope_term("r", query.room)))
    elif not view.observer:
        if not view.rooms:
            return None
        clauses.append(_any_term([_scope_term("r", name) for name in sorted(view.rooms)]))
    if query.sender is not None:
        clauses.append(_all_letters_term(_scope_term("s", query.sender)))
    return " AND ".join(clauses) or _all_letters_term("public")


def direct_expression(query: MessageQuery) -> str | None:
    """The expression for the direct messages of a query; None if there cannot be any."""
    if query.recipient == "all":
        return None
    clauses = [] if query.words is None else [_query_terms(query.words)]
    clauses += _between_terms(query.sender, query.recipient)
    if not query.view.observer:
        clauses += _own_message_terms(query.view.member, query.sender, query.recipient)
    if query.room is not None:
        clauses.append(_all_letters_term(_scope_term("x", query.room)))
    return " AND ".join(clauses) or _all_letters_term("direct")


def words_expression(forms: Iterable[str]) -> str:
    """The expression for messages that contain any of these words."""
    return "text : (" + " OR ".join(f'"{one}"' for one in forms) + ")"


def _between_terms(sender: str | None, recipient: str | None) -> list[str]:
    if sender is not None and recipient is not None:
        return [_all_letters_term(_pair_term(sender, recipient))]
    if sender is not None:
        return [_all_letters_term(_scope_term("s", sender))]
    return [] if recipient is None else [_all_letters_term(_scope_term("t", recipient))]


def _own_message_terms(me: str, sender: str | None, recipient: str | None) -> list[str]:
    """The terms that select messages from or to `me`, by pairs of sender and recipient where there are only two."""
    mine = _any_term([_scope_term("s", me), _scope_term("t", me)])
    shared = f"({_all_letters_term(SEVERAL_ENDS)} AND {mine})"
    if me in (sender, recipient):
        return []
    if sender is not None:
        return [_all_letters_term(_pair_term(sender, me))] if recipient is None else [shared]
    return [mine] if recipient is None else [f"({_all_letters_term(_pair_term(me, recipient))} OR {shared})"]


def _pair_term(sender: str, recipient: str) -> str:
    return f"{_scope_term('p', sender)}{_scope_term('z', recipient)}"


def _all_letters_term(word: str) -> str:
    return f"scope : {word}"


def _any_term(words: list[str]) -> str:
    return "scope : (" + " OR ".join(words) + ")"


def _query_terms(typed: str) -> str:
    """Every word must occur; quoted words are a phrase; a trailing `*` matches beginnings."""
    check_message_text(typed, what="query")
    terms: list[str] = []
    for phrase, word in _TERM.findall(typed):
        text = phrase or word
        if not _WORD.search(text):
            continue
        star = " *" if word.endswith("*") else ""
        terms.append('"' + text.rstrip("*").replace('"', '""') + '"' + star)
    if not terms:
        raise BadRequest(f"{typed[:80]!r} contains no word to search for. Use letters or digits.")
    return "text : (" + " AND ".join(terms) + ")"
