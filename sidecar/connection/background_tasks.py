"""Runs background tasks so that their failures never take the terminal down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import structlog

RESTART_DELAY_S = 1.0
log = structlog.get_logger("sidecar")


async def run_guarded(name: str, job: Callable[[], Awaitable[None]]) -> None:
    """Run the job again after each failure, so that the person's terminal keeps working."""
    while True:
        try:
            return await job()
        except Exception:
            log.exception("a background task failed", part=name)
            await asyncio.sleep(RESTART_DELAY_S)


@contextlib.contextmanager
def redirect_errors_to_log() -> Iterator[None]:
    """While the block runs, uncaught exceptions and warnings of libraries go to the sidecar's log. Otherwise they would
    be printed on standard error, across the agent's screen."""
    loop, root, handler = asyncio.get_running_loop(), logging.getLogger(), _LogHandler(logging.WARNING)
    before = loop.get_exception_handler()
    loop.set_exception_handler(_log_uncaught)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        loop.set_exception_handler(before)


def _log_uncaught(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    log.error("uncaught exception", what=context.get("message", ""), exc_info=context.get("exception"))


class _LogHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        log.warning("library warning", library=record.name, what=record.getMessage(), exc_info=record.exc_info)
