"""Puts text on the person's clipboard.

Inside tmux, tmux does it: it keeps the text as its own buffer, and passes it on to the terminal if that can take it.
Elsewhere the terminal is asked by OSC 52.
"""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Mapping

from prompt_toolkit.output import Output

from controller.chat.terminal.run_with_timeout import run_bounded

MAX_OSC_BYTES = 100_000  # of base64; terminals ignore longer ones
TMUX_TIMEOUT_S = 5.0
LOAD_BUFFER = ("tmux", "load-buffer", "-w", "-")


async def copy_text(text: str, output: Output, env: Mapping[str, str] = os.environ) -> bool:
    """Whether the text could be handed over. No terminal says whether it took it."""
    if env.get("TMUX") and await _give_to_tmux(text):
        return True
    sequence = osc52(text)
    if len(sequence) > MAX_OSC_BYTES:
        return False
    output.write_raw(through_tmux(sequence) if env.get("TMUX") else sequence)
    output.flush()
    return True


def osc52(text: str) -> str:
    return f"\x1b]52;c;{base64.b64encode(text.encode(errors='replace')).decode()}\x07"


def through_tmux(sequence: str) -> str:
    """The sequence as tmux passes it on, where it is allowed to."""
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"


async def _give_to_tmux(text: str) -> bool:
    with contextlib.suppress(OSError, TimeoutError):
        done = await run_bounded(LOAD_BUFFER, TMUX_TIMEOUT_S, input=text.encode(errors="replace"))
        return done.code == 0
    return False
