"""Programs that the chat starts: our own commands whose answer is text, and the desktop's notifications."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Sequence

from controller.team.notification_command import filled
from gateway.protocol.errors import TimedOut, Unavailable

PATIENCE = 30.0
QUIET = asyncio.subprocess.DEVNULL


async def groupchat(*arguments: str) -> str:
    """What `groupchat ARGUMENTS` prints; what it complains about is raised."""
    command = (sys.executable, "-P", "-m", "controller.cli.main", *arguments)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=QUIET, stdout=pipe, stderr=pipe)
    try:
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    except TimeoutError:
        raise TimedOut(f"`groupchat {' '.join(arguments)}` did not answer within {PATIENCE:g} s.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise Unavailable(err.decode(errors="replace").strip() or f"`groupchat {arguments[0]}` failed.")
    return out.decode(errors="replace")


async def notify(command: Sequence[str], who: str, text: str) -> None:
    """A notification of the desktop. That there is none is no reason to stop."""
    words = filled(command, who, text)
    with contextlib.suppress(OSError, TimeoutError):
        process = await asyncio.create_subprocess_exec(*words, stdin=QUIET, stdout=QUIET, stderr=QUIET)
        await asyncio.wait_for(process.wait(), PATIENCE)
