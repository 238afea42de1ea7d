"""Waits until a condition is true, instead of sleeping for its usual duration."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def retry_until(
    check: Callable[[], T], seconds: float = 60.0, *, describe: Callable[[], object] = lambda: ""
) -> T:
    """The first true result of `check`; after `seconds` an AssertionError with the result of `describe`."""
    deadline = time.monotonic() + seconds
    while not (answer := check()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still not true after {seconds} s\n{describe()}")
        await asyncio.sleep(0.01)
    return answer


async def retry_until_awaited(
    check: Callable[[], Awaitable[bool]], seconds: float = 60.0, *, describe: Callable[[], object] = lambda: ""
) -> None:
    """As `retry_until`, for what has to be asked of a gateway."""
    deadline = time.monotonic() + seconds
    while not await check():
        if time.monotonic() > deadline:
            raise AssertionError(f"still not true after {seconds} s\n{describe()}")
        await asyncio.sleep(0.02)
