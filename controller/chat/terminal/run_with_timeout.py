"""Runs a program with a time limit. When the time is over, it ends with everything that it has started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from typing import NamedTuple

DISCARD = asyncio.subprocess.DEVNULL
PIPE = asyncio.subprocess.PIPE


class ProcessResult(NamedTuple):
    code: int
    out: bytes = b""
    err: bytes = b""


async def run_bounded(
    command: Sequence[str], limit_s: float, *, input: bytes | None = None, keep_output: bool = False
) -> ProcessResult:
    """TimeoutError when the time is over, OSError if the program cannot be started. It gets a session of its own, so
    that its whole group can be ended, and never the chat's terminal."""
    output = PIPE if keep_output else DISCARD
    process = await asyncio.create_subprocess_exec(
        *command, stdin=DISCARD if input is None else PIPE, stdout=output, stderr=output, start_new_session=True
    )
    try:
        async with asyncio.timeout(limit_s):
            out, err = await process.communicate(input)
        return ProcessResult(process.returncode or 0, out or b"", err or b"")
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # also when only its children still hold the output open
        await process.wait()
        raise
