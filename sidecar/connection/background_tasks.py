"""Work that goes on beside the terminal and must not take it down."""

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
    """Whatever fails here, the person's terminal goes on."""
    while True:
        try:
            return await job()
        except Exception:
            log.exception("a part of the sidecar failed", part=name)
            await asyncio.sleep(RESTART_DELAY_S)


@contextlib.contextmanager
def redirect_errors_to_log() -> Iterator[None]:
    """While the block runs, what nobody caught, and what libraries warn of, goes to the sidecar's log; by themselves
    they print it on standard error, across the agent's picture."""
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
    log.error("nobody caught this", what=context.get("message", ""), exc_info=context.get("exception"))


class _LogHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        log.warning("a library warns", library=record.name, what=record.getMessage(), exc_info=record.exc_info)
