"""Parses the keywords in an answer to a mode: done, who is next, still working. Pure.

An answer ends the turn with or without a keyword. `[DONE]` ends the mode, where its phase asks for it (`Phase.done`). A
keyword counts only at the beginning or end of a line outside a code fence, so that a text about `[DONE]` has no effect.
`gateway.decisions` parses votes and verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from gateway.protocol.text.code_fences import outside_code
from gateway.protocol.text.inline_commands import (
    MODE_STATUS_COMMAND,
    WORKING_ALONE,
    WORKING_COMMAND,
    begins_with_working,
)

_DONE_MARK = re.compile(r"^\s*[*_`]*\[DONE\]|\[DONE\][*_`.!\s]*$", re.IGNORECASE)
_NEXT_SPEAKER = re.compile(r"^\s*[*_`]*(?:NEXT\s*:\s*@?|@)([A-Za-z0-9_][A-Za-z0-9_.-]*)", re.IGNORECASE)
_WORKING_NOTE = re.compile(
    rf"(?:{WORKING_COMMAND}|{WORKING_ALONE})\b[ \t]*:?[ \t]*(?P<note>[^\n]{{0,200}})", re.IGNORECASE
)
_STATUS_COMMAND = re.compile(re.escape(MODE_STATUS_COMMAND) + r"\s*", re.IGNORECASE)


def says_done(text: str) -> bool:
    return any(_DONE_MARK.search(line) for line in outside_code(text.splitlines()))


def next_speaker_in(text: str, names: Collection[str]) -> str | None:
    """The first of these members whom a line names as the next speaker."""
    found = (
        match[1].lower().rstrip(".-")
        for line in outside_code(text.splitlines())
        if (match := _NEXT_SPEAKER.match(line))
    )
    return next((name for name in found if name in names), None)


def parse_working_note(text: str) -> str | None:
    """The note of an answer that consists only of `@working note`."""
    match = _WORKING_NOTE.fullmatch(text.strip())
    if match is None or not begins_with_working(text.strip()):
        return None
    return match["note"].strip()


def asks_for_status(text: str) -> bool:
    return _STATUS_COMMAND.fullmatch(text.strip()) is not None
