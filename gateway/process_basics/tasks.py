"""Starts tasks. Each has a name, is referenced until it ends, and never fails unnoticed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_TASKS: set[asyncio.Task[Any]] = set()  # the loop holds only weak references: a task that nobody keeps can be collected


class TaskDied(RuntimeError):
    """A task that must run has ended; the cause says why."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The task {name!r} ended, and nothing works without it.")


def spawn(work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
    """Start `work`. A failure is logged at once with its traceback, whoever awaits the result."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _TASKS.add(task)
    task.add_done_callback(_log_failure)
    return task


def spawn_vital(work: Coroutine[Any, Any, T], name: str, failed: Callable[[BaseException], None]) -> asyncio.Task[T]:
    """Start `work` that must not end early: if it fails or is cancelled, `failed` gets the reason."""
    task = spawn(work, name)
    task.add_done_callback(lambda ended: _report_death(ended, failed))
    return task


@contextlib.asynccontextmanager
async def spawned_vital(work: Coroutine[Any, Any, T], name: str) -> AsyncIterator[None]:
    """Run `work` beside the block, which must not go on without it: if `work` dies, the block raises TaskDied."""
    block, deaths, leaving = asyncio.current_task(), list[BaseException](), False

    def failed(error: BaseException) -> None:
        if block is not None and not leaving:
            deaths.append(error)
            block.cancel()

    task = spawn_vital(work, name, failed)
    try:
        yield
    except asyncio.CancelledError:
        if block is not None and deaths and block.uncancel() == 0:
            raise TaskDied(name) from deaths[0]
        raise
    finally:
        leaving = True
        task.cancel()
        await asyncio.wait([task])


def _log_failure(task: asyncio.Task[Any]) -> None:
    _TASKS.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        context = {"message": f"the task {task.get_name()!r} failed", "exception": error, "task": task}
        task.get_loop().call_exception_handler(context)


def _report_death(task: asyncio.Task[Any], failed: Callable[[BaseException], None]) -> None:
    if task.cancelled():
        failed(asyncio.CancelledError(f"the task {task.get_name()!r} was cancelled"))
    elif (error := task.exception()) is not None:
        failed(error)
