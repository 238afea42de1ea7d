"""How a program ends when something is wrong: a sentence for people or, with --json, an object of one shape.

Exit code 1: the line was understood, and the work failed. Exit code 2: the line was not understood; the error's code is
`usage`.
"""

from __future__ import annotations

from gateway.client.console.console_output import print_json, show_error
from gateway.protocol.errors import ErrorBody, GroupChatError

USAGE = "usage"


def report(error: ErrorBody, *hints: str, as_json: bool) -> None:
    if as_json:
        print_json({"error": error}, err=True)
    else:
        show_error(error.message, *hints)


def body_of(error: Exception) -> ErrorBody:
    """Errors of a package that are no protocol errors have its name as their code."""
    if isinstance(error, GroupChatError):
        return error.body()
    return ErrorBody(type(error).__module__.partition(".")[0], str(error))
