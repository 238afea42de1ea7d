"""Calls blocking code with a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from gateway.protocol.errors import TimedOut

T = TypeVar("T")


async def call_with_timeout(call: Callable[[], T], seconds: float, what: str) -> T:
    """The result of a blocking call, or an error after `seconds`; then its thread is abandoned."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if answer.done():
            return
        answer.set_exception(error) if error is not None else answer.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, error = None, None
        try:
            result = call()
        except BaseException as caught:
            error = caught
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, daemon=True, name=what).start()
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        raise TimedOut(f"tmux did not answer within {seconds:g} s ({what}). Is its server stopped?") from None
