"""The commands that simple clients and plain programs write into their text.

How much of the text must be the command differs by reader: a simple client sends one as a whole message, a program
prints one as a whole line, and in a mode an answer may be one. Each reader has patterns of its own for that.
"""

from __future__ import annotations

TO_EVERYONE = "@all"
TO_ONE = "@send."  # and the member's name
WORKING = "@working"
WORKING_ALONE = "WORKING"  # in capitals: without its `@` it is otherwise a word like any other
MODE_SET = "@mode.set"
MODE_STATUS = "@mode.status"
QUERY_LOG = "@query.log"
NOTHING = "NOOP"


def begins_with_working(text: str) -> bool:
    return text.startswith(("@", WORKING_ALONE))
