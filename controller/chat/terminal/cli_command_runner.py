"""Runs our own commands that print text, for the chat."""

from __future__ import annotations

import sys

from controller.chat.terminal.run_with_timeout import run_bounded
from gateway.protocol.errors import TimedOut, Unavailable

COMMAND_TIMEOUT_S = 30.0


async def run_groupchat(*arguments: str) -> str:
    """Run `groupchat ARGUMENTS` and return its output; its error message is raised."""
    command = (sys.executable, "-P", "-m", "controller.cli.main", *arguments)
    try:
        done = await run_bounded(command, COMMAND_TIMEOUT_S, keep_output=True)
    except TimeoutError:
        raise TimedOut(f"`groupchat {' '.join(arguments)}` did not answer within {COMMAND_TIMEOUT_S:g} s.") from None
    if done.code:
        raise Unavailable(done.err.decode(errors="replace").strip() or f"`groupchat {arguments[0]}` failed.")
    return done.out.decode(errors="replace")
