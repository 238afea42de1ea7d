"""Masks long texts in a process of their own.

A regular expression holds the interpreter lock until it ends, so masking a long text in this process would block the
calls of all other members. Short texts are masked directly.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from gateway.protocol.errors import Unavailable
from gateway.protocol.text.secret_masking import mask_secrets

MAX_INLINE_CHARS = 4_000
TIMEOUT_S = 30.0
_COMMAND = (sys.executable, "-P", "-m", "gateway.mcp.files.masking_process")
_NICENESS = 10
_EXECUTOR = ThreadPoolExecutor(1, thread_name_prefix="masking")  # one thread, so that one process runs at a time


async def mask_in_process(text: str, command: Sequence[str] = _COMMAND) -> str:
    if len(text) <= MAX_INLINE_CHARS:
        return mask_secrets(text)
    return await asyncio.get_running_loop().run_in_executor(_EXECUTOR, _run_masking_process, text, command)


def _run_masking_process(text: str, command: Sequence[str]) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CSP_", "GROUPCHAT_"))}
    try:
        done = subprocess.run(
            command, input=text.encode(errors="replace"), capture_output=True, timeout=TIMEOUT_S, check=True, env=env
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"The text could not be checked for passwords ({error}), so nothing was shown.") from None
    return done.stdout.decode()


if __name__ == "__main__":
    os.nice(_NICENESS)
    sys.stdout.buffer.write(mask_secrets(sys.stdin.buffer.read().decode()).encode())
