"""The sidecar's private folder (mode 0700): one per name, held by one process at a time."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from gateway.client import state_folder
from gateway.files.private_files import make_private_folder
from gateway.protocol.types.core_types import canonical_name
from sidecar.errors import AlreadyRunning
from sidecar.supervision.orphan_reaping import LOCK_FILE

LEAVE_TIMEOUT_S = 3.0
RETRY_DELAY_S = 0.05


def agent_folder(env: Mapping[str, str], name: str) -> Path:
    return state_folder(env) / "sidecars" / canonical_name(name)


def make_agent_folder(env: Mapping[str, str], name: str) -> Path:
    return make_private_folder(agent_folder(env, name))


def private_tmux_folder(folder: Path) -> Path:
    """Where an agent's `tmux` looks for a server, so that it never finds the person's server with the chat in it."""
    own = folder / "tmux"
    own.mkdir(exist_ok=True, mode=0o700)
    return own


def read_line(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


@contextlib.asynccontextmanager
async def hold_name(folder: Path, name: str, patience: float = LEAVE_TIMEOUT_S) -> AsyncIterator[None]:
    """The name is ours as long as the block runs, or the process. One that is just leaving is waited for."""
    with os.fdopen(os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "a+") as file:
        until = asyncio.get_running_loop().time() + patience
        while not _try_lock(file.fileno()):
            if asyncio.get_running_loop().time() > until:
                file.seek(0)
                raise AlreadyRunning(name, file.read().strip())
            await asyncio.sleep(RETRY_DELAY_S)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
