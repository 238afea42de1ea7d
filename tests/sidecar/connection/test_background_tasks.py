"""Failures of background tasks are logged and never reach the person's screen."""

import asyncio
import gc
import logging

import pytest
from structlog.testing import capture_logs

from sidecar.connection.background_tasks import redirect_errors_to_log
from tests.fakes.retry import retry_until


async def fails() -> None:
    raise RuntimeError("lost")


async def test_an_uncaught_exception_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    with redirect_errors_to_log(), capture_logs() as logged:
        task = asyncio.get_running_loop().create_task(fails(), name="fails")
        await retry_until(task.done)
        del task
        gc.collect()
    assert [(one["event"], str(one["exc_info"])) for one in logged] == [("uncaught exception", "lost")]
    assert capfd.readouterr() == ("", "")


async def test_a_library_warning_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    with redirect_errors_to_log(), capture_logs() as logged:
        logging.getLogger("asyncio").warning("socket.send() raised %s", "an exception")
    assert [one["what"] for one in logged] == ["socket.send() raised an exception"]
    assert capfd.readouterr() == ("", "")
