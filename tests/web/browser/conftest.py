"""One Chromium for all tests of a worker, one gateway for those of a file, and a fresh context for each person."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support.chromium import CHROMIUM, WITHOUT, chromium
from tests.support.gateways import GatewayProcess
from tests.support.web_visits import Visit, visiting

Visits = Callable[..., Awaitable[Visit]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip(WITHOUT)
    async with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("page") / "state").running() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, gateway: GatewayProcess) -> AsyncIterator[Visits]:
    """`await visit(scope, **options)` is a person at the page. The test fails if a page did what it must not do."""
    async with AsyncExitStack() as stack:

        async def begin(scope: str = "member", **options: Any) -> Visit:
            return await stack.enter_async_context(visiting(browser, options.pop("at", gateway), scope, **options))

        yield begin
