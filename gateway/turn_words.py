"""The few words in an answer that a floor understands: tags, votes, who is next, that somebody is at work. Pure.

A word counts only where it begins or ends a line outside a code fence: who writes about `[LGTM]` says nothing by it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

_FENCE = re.compile(r"\s*(?:```|~~~)")
_TAG = re.compile(r"(?:^\s*[*_`]*\[(LGTM|CONTINUE|DONE)\])|(?:\[(LGTM|CONTINUE|DONE)\][*_`.!\s]*$)", re.IGNORECASE)
_VOTE = re.compile(r"^\s*[*_`>-]*\s*VOTE\s*:\s*[*_`\[(]*\s*([A-Za-z0-9][\w-]{0,31})", re.IGNORECASE)
_NEXT = re.compile(r"^\s*[*_`]*(?:NEXT\s*:\s*@?|@)([A-Za-z0-9_][A-Za-z0-9_.-]*)", re.IGNORECASE)
_WORKING = re.compile(r"(?:@working|WORKING)\b[ \t]*:?[ \t]*(?P<note>[^\n]{0,200})", re.IGNORECASE)
_STATUS = re.compile(r"@mode\.status\s*", re.IGNORECASE)

LGTM, CONTINUE, DONE = "LGTM", "CONTINUE", "DONE"


def lines_of(text: str) -> Iterator[str]:
    """Outside code fences."""
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield line


def tags_in(text: str) -> list[str]:
    return [(match[1] or match[2]).upper() for line in lines_of(text) if (match := _TAG.search(line))]


def agrees(text: str) -> bool | None:
    """What was said last counts; nothing if neither was said."""
    said = [one for one in tags_in(text) if one in (LGTM, CONTINUE)]
    return said[-1] == LGTM if said else None


def is_done(text: str) -> bool:
    return DONE in tags_in(text)


def vote_in(text: str, options: Sequence[str]) -> str | None:
    """The last vote for one of the options, as the option is written."""
    known = {one.lower(): one for one in options}
    found = [
        known[word] for line in lines_of(text) if (match := _VOTE.match(line)) and (word := match[1].lower()) in known
    ]
    return found[-1] if found else None


def next_in(text: str, names: Collection[str]) -> str | None:
    """The first of these to whom a line gives the word."""
    found = (match[1].lower().rstrip(".-") for line in lines_of(text) if (match := _NEXT.match(line)))
    return next((name for name in found if name in names), None)


def working_note(text: str) -> str | None:
    """The note of an answer that is nothing but `@working note`."""
    match = _WORKING.fullmatch(text.strip())
    if match is None or not (text.strip().startswith("@") or text.strip().startswith("WORKING")):
        return None
    return match["note"].strip()


def asks_for_status(text: str) -> bool:
    return _STATUS.fullmatch(text.strip()) is not None
