"""The commands that simple clients and plain programs write into their text.

How much of the text must be the command differs by reader: a simple client sends one as a whole message, a program
prints one as a whole line, and in a mode an answer may be one. Each reader has patterns of its own for that.
"""

from __future__ import annotations

TO_EVERYONE = "@all"
SEND_COMMAND = "@send."  # and the member's name
WORKING_COMMAND = "@working"
WORKING_ALONE = "WORKING"  # in capitals: without its `@` it is otherwise a word like any other
MODE_SET_COMMAND = "@mode.set"
MODE_STATUS_COMMAND = "@mode.status"
QUERY_LOG_COMMAND = "@query.log"
NOOP = "NOOP"


def begins_with_working(text: str) -> bool:
    return text.startswith(("@", WORKING_ALONE))
