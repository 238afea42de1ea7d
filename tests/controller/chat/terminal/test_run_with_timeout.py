"""Programs of the chat: what they print, and that nothing of them outlives their time."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from controller.chat.terminal.run_with_timeout import ProcessResult, run_bounded
from gateway.process_basics.tasks import spawn
from tests.fakes.retry import retry_until

pytestmark = pytest.mark.processes


async def test_what_it_prints_and_how_it_ends() -> None:
    shell = ("sh", "-c", "cat; echo no >&2; exit 3")
    assert await run_bounded(shell, 30, input=b"yes", keep_output=True) == ProcessResult(3, b"yes", b"no\n")
    assert await run_bounded(shell, 30) == ProcessResult(3)
    with pytest.raises(FileNotFoundError):
        await run_bounded(("/no/such/program",), 30)


@pytest.mark.parametrize("script", ["sleep 300 & echo $! > {pid}; wait", "sleep 300 & echo $! > {pid}; exit 0"])
async def test_its_children_end_with_its_time(script: str, tmp_path: Path) -> None:
    """Also the one that holds the output open after its parent has ended."""
    pid = tmp_path / "pid"
    running = spawn(run_bounded(("sh", "-c", script.format(pid=pid)), 2, keep_output=True), "program")
    await retry_until(lambda: pid.exists() and pid.read_text().strip())
    with pytest.raises(TimeoutError):
        await running
    child = int(pid.read_text())
    await retry_until(lambda: _has_ended(child))


def _has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


async def test_who_leaves_meanwhile_leaves_nothing(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    running = spawn(run_bounded(("sh", "-c", f"echo $$ > {pid}; sleep 300"), 300), "program")
    await retry_until(lambda: pid.exists() and pid.read_text().strip())
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await retry_until(lambda: _has_ended(int(pid.read_text())))
