"""Tested like a person: through the sidecar, a program looks and behaves as without it."""

import contextlib
import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from pathlib import Path

import pexpect  # type: ignore[import-untyped]
import pytest

from sidecar.activity.recording_score import score_spans, states_seen, truth_of
from sidecar.agents import REGISTRY
from tests.end_to_end.test_sidecar_join import PATIENCE_S, environment, gateway, process
from tests.fakes.retry import retry_until
from tests.fakes.terminal import Terminal, terminal
from tests.support.held_ports import free_port

DEMO = (sys.executable, "-P", "-m", "sidecar.demo_agent")
SIDECAR = (sys.executable, "-P", "-m", "sidecar.cli")
JOIN = (*SIDECAR, "join", "demo", "--")
needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
STORY: tuple[tuple[str, str], ...] = (
    ("hello there", "› hello there"),
    ("\x7f\x7f\x7f\x7f\x7f\x1b[D", "› hello"),
    ("\r", "hello"),
    ("\x1b[200~one\ntwo\x1b[201~", "two"),
    ("\x15\x15\x15ask\r", "Do you want to run this?"),
    ("\r", "? for help"),
)


@pytest.fixture
def port() -> int:
    return free_port()


async def story(agent: Terminal) -> list[list[str]]:
    """The screen after each step of the person."""
    screens = []
    await agent.shows("? for help")
    for keys, shown in STORY:
        agent.write(keys)
        await agent.shows(shown)
        await retry_until(lambda: "esc to interrupt" not in agent.screen, describe=agent.describe)
        screens.append(agent.rows)
    return screens


async def test_in_a_plain_terminal_every_screen_is_that_of_the_program_alone(tmp_path: Path, port: int) -> None:
    env = environment(tmp_path / "state")
    with gateway(tmp_path / "state", port):
        await retry_until((tmp_path / "state" / "gateway.json").exists)
        async with terminal(DEMO, env, cwd=tmp_path) as alone, terminal((*JOIN, *DEMO), env, cwd=tmp_path) as wrapped:
            assert await story(alone) == await story(wrapped)
            assert alone.title == wrapped.title
            assert [alone.mode(mode) for mode in (25, 1049, 2004)] == [wrapped.mode(mode) for mode in (25, 1049, 2004)]
            for one in (alone, wrapped):
                one.write("/exit\r")
            assert [await alone.ends(), await wrapped.ends()] == [0, 0]
            assert not wrapped.mode(1049)


@contextlib.contextmanager
def tmux(folder: Path, *options: str) -> Iterator["Tmux"]:
    one = Tmux(folder)
    one("new-session", "-d", "-x", "200", "-y", "30", "sleep 1000")
    for option in options:
        one(*option.split())
    try:
        yield one
    finally:
        one("kill-server")


class Tmux:
    def __init__(self, folder: Path) -> None:
        self._socket, self._env = folder / "tmux.sock", environment(folder / "state")

    def __call__(self, *arguments: str) -> str:
        command = ("tmux", "-S", str(self._socket), "-f", "/dev/null", *arguments)
        return subprocess.run(command, env=self._env, capture_output=True, text=True, timeout=120, check=False).stdout

    def run(self, command: Sequence[str]) -> str:
        """A window for the command; its pane."""
        return self("new-window", "-d", "-P", "-F", "#{pane_id}", *command).strip()

    def screen(self, pane: str) -> str:
        return self("capture-pane", "-e", "-p", "-t", pane)


@needs_tmux
async def test_in_tmux_every_pane_is_that_of_the_program_alone(tmp_path: Path, port: int) -> None:
    with gateway(tmp_path / "state", port), tmux(tmp_path) as server:
        await retry_until((tmp_path / "state" / "gateway.json").exists)
        panes = [server.run(DEMO), server.run((*JOIN, *DEMO))]
        for keys in (["hello", "Enter"], ["ask", "Enter"], ["Enter"], ["draft"]):
            for pane in panes:
                await retry_until(lambda pane=pane: "demo agent" in server.screen(pane))  # type: ignore[misc]
                server("send-keys", "-t", pane, *keys)
            await retry_until(
                lambda: (
                    "esc to interrupt" not in server.screen(panes[0])
                    and len({server.screen(pane) for pane in panes}) == 1
                ),
                describe=lambda: "\n".join(server.screen(pane) for pane in panes),
            )
        titles = [server("display-message", "-p", "-t", pane, "#{pane_title}") for pane in panes]
        assert titles == ["✳ demo\n"] * 2


@needs_tmux
@pytest.mark.slow
async def test_no_byte_is_lost_in_a_flood_in_tmux(tmp_path: Path, port: int) -> None:
    lines = 80_000
    code = f"for n in range({lines}): print(f'{{n:<8}}' + 'x' * 180)\nprint('the end', flush=True); input()"
    expected = "".join(f"{n:<8}{'x' * 180}\n" for n in range(lines)) + "the end\n"
    with gateway(tmp_path / "state", port), tmux(tmp_path, "set -g history-limit 200000") as server:
        await retry_until((tmp_path / "state" / "gateway.json").exists)
        pane = server.run((*JOIN, sys.executable, "-c", code))
        await retry_until(lambda: "the end" in server.screen(pane), 300)
        text = server("capture-pane", "-p", "-S", "-", "-t", pane).rstrip("\n") + "\n"
        assert hashlib.sha256(text.encode()).digest() == hashlib.sha256(expected.encode()).digest()


async def test_the_second_of_a_name_is_refused_with_a_sentence(tmp_path: Path, port: int) -> None:
    state = tmp_path / "state"
    with gateway(state, port):
        await retry_until((state / "gateway.json").exists)
        with process(state, "sidecar.cli", "join", "demo", "--", *DEMO):
            await retry_until((state / "sidecars" / "demo" / "peephole").exists)
            command = (*JOIN, *DEMO)
            second = subprocess.run(
                command, env=environment(state), capture_output=True, timeout=PATIENCE_S, check=False
            )
        assert second.returncode == 1
        assert b"demo is already running on this machine, as process" in second.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_given_back_when_the_sidecar_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (30, 100))
    before = termios.tcgetattr(slave)
    command = (*SIDECAR, "record", "-o", str(tmp_path / "cast"), "--", *DEMO)
    with subprocess.Popen(command, env=environment(tmp_path), stdin=slave, stdout=slave, stderr=slave) as running:
        seen = b""
        while "✳ demo".encode() not in seen:
            seen += os.read(master, 65536)
        assert termios.tcgetattr(slave) != before
        running.send_signal(number)
        assert running.wait(PATIENCE_S) == 0
    assert termios.tcgetattr(slave) == before
    seen = os.read(master, 65536)
    assert b"\x1b[?1049l" in seen
    os.close(master)
    os.close(slave)


def test_a_stopped_program_gives_the_shell_back_and_fg_goes_on(tmp_path: Path) -> None:
    """In a real shell with job control."""
    program = f"{shlex.quote(sys.executable)} -P -m sidecar.cli record -o {tmp_path}/cast -- sh -c"
    shell = pexpect.spawn(
        "bash", ["--norc", "--noediting", "-i"], env={**environment(tmp_path), "PS1": "ready> "}, timeout=PATIENCE_S
    )
    try:
        shell.expect_exact("ready> ")
        shell.sendline(f"{program} 'echo be''gun; kill -STOP $$; echo went on; exit 4'")
        shell.expect_exact("begun")
        shell.expect("Stopped")
        shell.sendline("echo shell $((40 + 2))")
        shell.expect_exact("shell 42")
        shell.sendline("fg")
        shell.expect_exact("went on")
        shell.sendline("echo status $?")
        shell.expect_exact("status 4")
    finally:
        shell.close(force=True)


def test_a_recording_of_a_session_replays(tmp_path: Path) -> None:
    """Recorded like a person, in a terminal."""
    cast = tmp_path / "demo.cast"
    shell = pexpect.spawn(
        sys.executable,
        [*SIDECAR[1:], "record", "-o", str(cast), "--", *DEMO],
        env=environment(tmp_path),
        timeout=PATIENCE_S,
        dimensions=(30, 100),
    )
    shell.expect("for help")
    shell.send("hello")
    shell.expect("hello")
    shell.send("\r")
    shell.expect("esc to interrupt")
    shell.expect("for help")
    shell.send("/exit\r")
    shell.expect("Recorded to ")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0
    command = (*SIDECAR, "replay", str(cast), "--agent", "demo")
    told = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=True).stdout
    activities = re.findall(r"^ +[\d.]+  (\w+)", told, re.MULTILINE)
    assert "busy" in activities
    assert activities[-1] in ("idle", "busy", "unknown")


def test_a_person_is_guided_through_the_scenes_of_a_kit(tmp_path: Path) -> None:
    """Two scenes with the demo agent: one as told, one in which a mark is forgotten at first."""
    kit = tmp_path / "kit"
    shell = pexpect.spawn(
        sys.executable,
        [*SIDECAR[1:], "record", "--kit", "mine", "-o", str(kit), "--", *DEMO],
        env=environment(tmp_path),
        timeout=PATIENCE_S,
        dimensions=(24, 80),
    )
    shell.expect("Scene 1 of 8")
    shell.send("s\r")
    for marks in (1, 2):
        shell.expect("Scene 2 of 8: a short answer")
        shell.expect("q ends: ")
        shell.send("\r")
        shell.expect("for help")
        shell.send("\x1d")
        shell.send("hello\r")
        shell.expect("esc to interrupt")
        shell.expect("for help")
        shell.send("\x1d/exit\r" if marks == 2 else "/exit\r")
        if marks == 1:
            shell.expect("Nothing was kept")
    shell.expect("Scene 3 of 8")
    shell.send("q\r")
    shell.expect("Recorded:")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0
    assert sorted(path.name for path in kit.iterdir()) == ["mine-turn.cast", "mine-turn.json"]
    assert "\\u001d" not in (kit / "mine-turn.cast").read_text(), "the program does not get the mark"
    truth = truth_of(kit / "mine-turn.cast")
    assert [state for _, state in truth.states] == ["starting", "idle", "busy", "idle", "gone"]
    score = score_spans(truth, states_seen(kit / "mine-turn.cast", REGISTRY["demo"]))
    assert score.false_idle <= 0.15
