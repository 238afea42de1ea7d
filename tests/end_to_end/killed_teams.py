"""Kills all processes of a team at once, as a lost machine does."""

from __future__ import annotations

import contextlib
import os
import signal

from controller.workspace.child_processes import is_alive, process_start_time
from tests.end_to_end.desk_session import Session, children_of
from tests.fakes.retry import retry_until


def processes_of(session: Session) -> list[int]:
    """tmux, the gateway with its supervisor, the chat, and each sidecar with its supervisor and its agent."""
    roots = [int(session.tmux("display-message", "-p", "#{pid}")), session.supervisor_pid(), *session.pids().values()]
    return list(dict.fromkeys(pid for root in roots for pid in (root, *children_of(root))))


async def kill_everything(session: Session) -> int:
    """How many there were. They are stopped first, so that none can do anything about the death of another."""
    found = [(pid, process_start_time(pid)) for pid in processes_of(session)]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid, _ in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
    await retry_until(lambda: not any(is_alive(pid, began) for pid, began in found))
    return len(found)
