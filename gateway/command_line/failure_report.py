"""How a program reports a failure: a sentence for people or, with --json, one JSON object of a fixed shape.

Exit code 1: the command was understood and failed. Exit code 2: the command was not understood; the error's code is
`usage`.
"""

from __future__ import annotations

from gateway.console.console_output import print_json, show_error
from gateway.protocol.errors import ErrorBody, GroupChatError

USAGE = "usage"


def report(error: ErrorBody, *hints: str, as_json: bool) -> None:
    if as_json:
        print_json({"error": error}, err=True)
    else:
        show_error(error.message, *hints)


def body_of(error: Exception) -> ErrorBody:
    """The body of an error. An error that is not part of the protocol has its package's name as its code."""
    if isinstance(error, GroupChatError):
        return error.body()
    return ErrorBody(type(error).__module__.partition(".")[0], str(error))
