"""Asks the terminal for its background colour (OSC 11) while the chat connects, so that the question costs no time.

Every terminal answers the second question, for its kind (DA1), and answers in order. So once that answer is there, no
other will come; a terminal that answers nothing is waited for a fifth of a second. Answers that come later are taken
out of what the person types (`terminal_query_answers`).
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from controller.chat.terminal.terminal_query_answers import TerminalAnswers

ANSWER_WITHIN_S, ANSWER_OVER_SSH_WITHIN_S = 0.2, 1.0
QUESTION = b"\x1b]11;?\x1b\\\x1b[c"


@dataclass
class BackgroundQuestion:
    """`read` waits for the answer; `typed` is what the person typed meanwhile; `answers`: what is still to come."""

    fd: int | None = None
    deadline: float = 0.0
    typed: str = field(default="", init=False)
    answers: TerminalAnswers = field(default_factory=TerminalAnswers, init=False)

    @property
    def may_be_late(self) -> bool:
        """Whether the terminal was asked and has not answered yet."""
        return self.fd is not None and not self.answers.complete

    def read(self) -> bytes:
        if self.fd is None:
            return b""
        found = b""
        while not self.answers.complete and (left := self.deadline - time.monotonic()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                received = os.read(self.fd, 4096)
                found += received
                self.typed += self.answers.typed(received.decode(errors="ignore"))
        return found


@contextmanager
def ask_background(env: Mapping[str, str], *, wanted: bool) -> Iterator[BackgroundQuestion]:
    """Ask, and give the terminal back as it was. Not asked without a terminal, or if nobody wants to know."""
    fd = _terminal() if wanted else None
    if fd is None:
        yield BackgroundQuestion()
        return
    before = termios.tcgetattr(fd)
    silent = [*before[:3], before[3] & ~(termios.ECHO | termios.ICANON), *before[4:]]
    termios.tcsetattr(fd, termios.TCSANOW, silent)
    try:
        os.write(fd, QUESTION)
        within = ANSWER_OVER_SSH_WITHIN_S if env.get("SSH_CONNECTION") else ANSWER_WITHIN_S
        yield BackgroundQuestion(fd, time.monotonic() + within)
    finally:
        termios.tcsetattr(fd, termios.TCSANOW, before)


def _terminal() -> int | None:
    with contextlib.suppress(OSError, ValueError, termios.error):
        fd = sys.stdin.fileno()
        if os.isatty(fd) and sys.stdout.isatty() and os.tcgetpgrp(fd) == os.getpgrp():
            return fd
    return None
