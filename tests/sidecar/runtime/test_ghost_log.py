"""The ghost log in the border of a real tmux pane."""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.runtime.ghost_log import PANE_OPTION, PaneBorder
from tests.fakes.retry import retry_until

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Tmux:
    def __init__(self, socket: Path) -> None:
        self.socket = socket

    def __call__(self, *arguments: str) -> str:
        command = ("tmux", "-S", str(self.socket), "-f", "/dev/null", *arguments)
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.strip()


@contextlib.contextmanager
def tmux(folder: Path) -> Iterator[Tmux]:
    one = Tmux(folder / "tmux.sock")
    one("new-session", "-d", "sleep 600")
    try:
        yield one
    finally:
        one("kill-server")


async def test_text_left_in_the_border_by_a_killed_sidecar_is_cleared(tmp_path: Path) -> None:
    with tmux(tmp_path) as server:
        pane = server("display-message", "-p", "#{pane_id}")
        server("set-option", "-p", "-t", pane, PANE_OPTION, "[CSP queued 2 msg(s) waiting for idle] busy")
        env = {**os.environ, "TMUX": f"{server.socket},1,0", "TMUX_PANE": pane}
        showing = asyncio.get_running_loop().create_task(PaneBorder(env).run(), name="border")
        try:
            await retry_until(lambda: not server("show-options", "-p", "-v", "-t", pane, PANE_OPTION))
        finally:
            showing.cancel()
