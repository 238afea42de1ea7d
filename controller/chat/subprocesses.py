"""Programs that the chat starts: our own commands that print text, and desktop notifications."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Sequence

from controller.team.notification_command import fill_command
from gateway.protocol.errors import TimedOut, Unavailable

COMMAND_TIMEOUT_S = 30.0
DISCARD_OUTPUT = asyncio.subprocess.DEVNULL


async def run_groupchat(*arguments: str) -> str:
    """Run `groupchat ARGUMENTS` and return its output; its error message is raised."""
    command = (sys.executable, "-P", "-m", "controller.cli.main", *arguments)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=DISCARD_OUTPUT, stdout=pipe, stderr=pipe)
    try:
        out, err = await asyncio.wait_for(process.communicate(), COMMAND_TIMEOUT_S)
    except TimeoutError:
        raise TimedOut(f"`groupchat {' '.join(arguments)}` did not answer within {COMMAND_TIMEOUT_S:g} s.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise Unavailable(err.decode(errors="replace").strip() or f"`groupchat {arguments[0]}` failed.")
    return out.decode(errors="replace")


async def send_notification(command: Sequence[str], who: str, text: str) -> None:
    """Show a desktop notification; a failure is ignored."""
    words = fill_command(command, who, text)
    with contextlib.suppress(OSError, TimeoutError):
        process = await asyncio.create_subprocess_exec(
            *words, stdin=DISCARD_OUTPUT, stdout=DISCARD_OUTPUT, stderr=DISCARD_OUTPUT
        )
        await asyncio.wait_for(process.wait(), COMMAND_TIMEOUT_S)
