"""Masking of a long text in a process of its own.

An expression that runs over a text lets no other thread of its process go on until it is through: beside a long text
every other member's call would wait. Short ones are masked at once.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from gateway.mcp.files.secret_masking import masked
from gateway.protocol.errors import Unavailable

SHORT = 4_000
PATIENCE_S = 30.0
_COMMAND = (sys.executable, "-P", "-m", "gateway.mcp.files.masking_process")
_NICENESS = 10
_waiting_for_one = ThreadPoolExecutor(1, thread_name_prefix="masking")  # so that there is one process at a time


async def masked_aside(text: str, command: Sequence[str] = _COMMAND) -> str:
    if len(text) <= SHORT:
        return masked(text)
    return await asyncio.get_running_loop().run_in_executor(_waiting_for_one, _masked_by_another, text, command)


def _masked_by_another(text: str, command: Sequence[str]) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CSP_", "GROUPCHAT_"))}
    try:
        done = subprocess.run(
            command, input=text.encode(errors="replace"), capture_output=True, timeout=PATIENCE_S, check=True, env=env
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"The text could not be looked through for passwords ({error}); nothing was shown.") from None
    return done.stdout.decode()


if __name__ == "__main__":
    os.nice(_NICENESS)
    sys.stdout.buffer.write(masked(sys.stdin.buffer.read().decode()).encode())
