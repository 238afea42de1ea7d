"""The start in the README: a fresh copy, an empty home, two commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.client.discovery.running_gateway import read_running

ROOT = Path(__file__).parents[2]
WITHIN = 900.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None or shutil.which("git") is None, reason="tmux or git is missing"),
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no clone, so that there is nothing to clone"),
]


def commands() -> list[str]:
    """The two that a new user types."""
    block = re.search(r"\n\n((?:    .*\n)+)", (ROOT / "README.md").read_text())
    assert block is not None
    return [line.strip() for line in block[1].splitlines()]


@contextmanager
def nobody(folder: Path) -> Iterator[dict[str, str]]:
    """A person with only a shell; the package index is that of this machine."""
    sockets = tempfile.mkdtemp(prefix="gc-")
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "HTTP", "http", "SSL_"))}
    path = os.pathsep.join(one for one in os.environ["PATH"].split(os.pathsep) if ".venv" not in one)
    env = {
        **kept,
        "HOME": str(folder),
        "PATH": path,
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "TMUX_TMPDIR": sockets,
    }
    try:
        yield env
    finally:
        subprocess.run(["tmux", "kill-server"], env=env, capture_output=True, check=False)
        shutil.rmtree(sockets, ignore_errors=True)


def test_the_two_commands_of_the_readme(tmp_path: Path) -> None:
    clone, start = commands()
    assert clone.startswith("git clone <this repository> llm-groupchat && cd llm-groupchat")
    assert start == "bin/start-llm-groupchat"
    with nobody(tmp_path) as env:
        script = f"{clone.replace('<this repository>', str(ROOT))} && {start} --demo --detach --port 0 --json"
        begun = subprocess.run(
            ["sh", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=WITHIN, check=False
        )
        assert begun.returncode == 0, begun.stderr
        assert '"agents":["ada","ben","cleo"],"problems":{}' in begun.stdout
        assert "Installing" in begun.stderr
        program = tmp_path / "llm-groupchat" / ".venv" / "bin" / "groupchat"
        answer = subprocess.run(
            [program, "send", "@ada", "say hello", "--wait-reply"], env=env, capture_output=True, text=True, check=False
        )
        assert answer.stdout.rstrip().endswith(": hello"), answer.stderr
        state = tmp_path / ".local" / "state" / "llm-groupchat"
        running = read_running(state)
        assert running is not None
        ended = subprocess.run([program, "down"], env=env, capture_output=True, text=True, check=False)
        assert ended.stdout == "Stopped: session, ada, ben, cleo, gateway.\n"
        assert state.stat().st_mode & 0o077 == 0
