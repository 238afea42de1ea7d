"""Starting tasks: each has a name, is kept until it ends, and never fails unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_RUNNING: set[asyncio.Task[Any]] = set()  # the loop holds tasks weakly, and would let one that nobody keeps disappear


def spawn(work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
    """Start `work`; if it fails, that is logged at once, with its traceback, whoever asks for the result."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _RUNNING.add(task)
    task.add_done_callback(_ended)
    return task


def spawn_vital(work: Coroutine[Any, Any, T], name: str, failed: Callable[[BaseException], None]) -> asyncio.Task[T]:
    """Start `work` that must not die: when it fails or is cancelled, `failed` is told why."""
    task = spawn(work, name)
    task.add_done_callback(lambda ended: _tell_death(ended, failed))
    return task


def _ended(task: asyncio.Task[Any]) -> None:
    _RUNNING.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        context = {"message": f"the task {task.get_name()!r} failed", "exception": error, "task": task}
        task.get_loop().call_exception_handler(context)


def _tell_death(task: asyncio.Task[Any], failed: Callable[[BaseException], None]) -> None:
    if task.cancelled():
        failed(asyncio.CancelledError(f"the task {task.get_name()!r} was cancelled"))
    elif (error := task.exception()) is not None:
        failed(error)
