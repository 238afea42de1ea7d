"""`join` in a real terminal with a real gateway while its processes die: it restarts, or leaves no process behind."""

import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
import termios
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pexpect  # type: ignore[import-untyped]
import pytest

from gateway.client import Client
from gateway.protocol import codec
from gateway.protocol.events import MemberEvent
from gateway.protocol.requests.agent_requests import Restart
from gateway.protocol.requests.connection_requests import Events
from gateway.protocol.requests.member_requests import Members, SetRole
from gateway.protocol.results import Done, EventPage, MemberList
from sidecar.supervision.process_table import find_process
from tests.end_to_end.test_sidecar_join import DEMO, PATIENCE_S, environment, gateway, is_idle, person, sidecar, story
from tests.fakes.retry import retry_until
from tests.fakes.terminal import Terminal, terminal
from tests.support.held_ports import free_port

JOIN = (sys.executable, "-P", "-m", "sidecar.cli", "join")
READY = "? for help"
PATIENCE = 30.0


@pytest.fixture
def port() -> int:
    return free_port()


@dataclass
class Pane:
    """A terminal with `join` in it. Its process is the supervisor."""

    folder: Path
    terminal: Terminal

    @property
    def supervisor(self) -> int:
        return int(self.terminal.process.pid)

    @property
    def sidecar(self) -> int:
        return int((self.folder / "lock").read_text() or 0)

    @property
    def agent(self) -> int:
        with contextlib.suppress(OSError, ValueError):
            return int(json.loads((self.folder / "run.json").read_text())["pid"])
        return 0

    @property
    def kept(self) -> str:
        """The conversation to which a start comes back."""
        with contextlib.suppress(OSError):
            (project,) = json.loads((self.folder / "conversation.json").read_text())["projects"]
            return str(project.get("kept", {}).get("session", ""))
        return ""

    async def has_agent(self, other_than: int = 0) -> None:
        await retry_until(lambda: self.agent not in (0, other_than), PATIENCE, describe=self.terminal.describe)
        await self.terminal.shows(READY, PATIENCE)

    async def tells(self, text: str) -> None:
        await retry_until(lambda: text in printed(self.terminal), PATIENCE, describe=lambda: printed(self.terminal))


def printed(pane: Terminal) -> str:
    return pane.output.decode(errors="replace")


def alive(*pids: int) -> list[int]:
    return [pid for pid in pids if pid and find_process(pid)]


@contextlib.asynccontextmanager
async def pane(folder: Path, *options: str, command: tuple[str, ...] = DEMO) -> AsyncIterator[Pane]:
    state = folder / "state"
    async with terminal((*JOIN, "demo", *options, "--", *command), environment(state), cwd=folder) as one:
        yield Pane(state / "sidecars" / "demo", one)


@contextlib.asynccontextmanager
async def in_the_room(folder: Path, port: int, *options: str) -> AsyncIterator[tuple[Pane, Client]]:
    state = folder / "state"
    with gateway(state, port):
        async with person(state) as client, pane(folder, *options) as one:
            await one.has_agent()
            await is_idle(client)
            yield one, client


async def is_answered(client: Client, text: str) -> None:
    sent = await client.send(text, to="@demo")
    rungs, answer = await story(client, sent.seq)
    assert rungs[-1] == "answered", rungs
    assert answer.endswith(text)


def kill(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


Victims = Callable[[Pane], tuple[int, ...]]


@pytest.mark.parametrize(
    ("victims", "told"),
    [
        (lambda one: (one.sidecar,), "the sidecar of demo died (SIGKILL); starting it again in 0.2 s."),
        (lambda one: (one.agent,), "demo died (SIGKILL); starting it again in 0.2 s."),
        (lambda one: (one.agent, one.sidecar), "the sidecar of demo died (SIGKILL); starting it again in 0.2 s."),
    ],
    ids=["sidecar", "agent", "both"],
)
async def test_the_conversation_goes_on_after_a_kill(tmp_path: Path, port: int, victims: Victims, told: str) -> None:
    async with in_the_room(tmp_path, port) as (one, client):
        await is_answered(client, "before the crash")
        agent = one.agent
        kill(*victims(one))
        await one.tells(told)
        await one.has_agent(other_than=agent)
        await is_idle(client)
        assert not alive(agent)
        await one.terminal.shows("● You said")
        await one.terminal.shows("before the crash")
        await is_answered(client, "after the crash")
        assert len(list(one.folder.glob("demo-*.jsonl"))) == 1
        one.terminal.write("/exit\r")
        assert await one.terminal.ends() == 0
    assert not (one.folder / "run.json").exists()


async def comings_and_goings(client: Client, since: int) -> list[str]:
    page = await client.request(Events(since=since, limit=1000), EventPage)
    assert not page.more
    events = [codec.decode_durable(bytes(one)) for one in page.events]
    return [str(one.action) for one in events if isinstance(one, MemberEvent) and one.action != "changed"]


@pytest.mark.parametrize(
    ("victims", "told"),
    [
        (lambda one: (one.agent,), "demo died (SIGKILL)"),
        (lambda one: (one.sidecar,), "the sidecar of demo died (SIGKILL)"),
        (None, "demo is restarted by an order from the room"),
    ],
    ids=["agent", "sidecar", "order"],
)
async def test_who_comes_back_has_not_left_and_keeps_its_role(
    tmp_path: Path, port: int, victims: Victims | None, told: str
) -> None:
    async with in_the_room(tmp_path, port, "--role", "coder") as (one, client):
        given = await client.request(SetRole(member="demo", role="critic"), Done)
        agent = one.agent
        if victims is None:
            await client.request(Restart(member="demo"), Done)
        else:
            kill(*victims(one))
        await one.tells(told)
        await one.has_agent(other_than=agent)
        await is_answered(client, "after it came back")
        members = (await client.request(Members(), MemberList)).agents
        assert [member.role for member in members if member.name == "demo"] == ["critic"]
        assert await comings_and_goings(client, given.seq or 0) == []
        one.terminal.write("/exit\r")
        assert await one.terminal.ends() == 0
        assert await comings_and_goings(client, given.seq or 0) == ["left"]


async def test_who_is_not_started_again_says_goodbye(tmp_path: Path, port: int) -> None:
    async with in_the_room(tmp_path, port, "--restart", "never") as (one, client):
        kill(one.agent)
        assert await one.terminal.ends() == 128 + signal.SIGKILL
        assert (await comings_and_goings(client, 0))[-1] == "left"


@pytest.mark.parametrize("policy", ["crash", "never"])
async def test_an_ordered_restart_goes_on_with_the_conversation(tmp_path: Path, port: int, policy: str) -> None:
    async with in_the_room(tmp_path, port, "--restart", policy) as (one, client):
        await is_answered(client, "before the order")
        agent, sidecar = one.agent, one.sidecar
        await client.request(Restart(member="demo"), Done)
        await one.tells("groupchat: demo is restarted by an order from the room")
        await one.has_agent(other_than=agent)
        await is_idle(client)
        assert not alive(agent, sidecar)
        await one.terminal.shows("before the order")
        await is_answered(client, "after the order")
        assert len(list(one.folder.glob("demo-*.jsonl"))) == 1
        assert printed(one.terminal).count("is restarted") == 1
        one.terminal.write("/exit\r")
        assert await one.terminal.ends() == 0


async def test_what_waits_when_a_restart_is_ordered_is_delivered_after_it(tmp_path: Path, port: int) -> None:
    async with in_the_room(tmp_path, port) as (one, client):
        await client.send("slow 30", to="@demo")
        await one.terminal.shows("esc to interrupt", PATIENCE)
        waits = await client.send("the next", to="@demo")
        agent = one.agent
        await client.request(Restart(member="demo"), Done)
        await one.has_agent(other_than=agent)
        rungs, answer = await story(client, waits.seq)
        assert (rungs[-1], answer.endswith("the next")) == ("answered", True), rungs


async def test_what_was_consumed_by_a_turn_that_died_is_not_typed_again(tmp_path: Path, port: int) -> None:
    async with in_the_room(tmp_path, port) as (one, client):
        sent = await client.send("slow 30", to="@demo")
        await one.terminal.shows("esc to interrupt", PATIENCE)
        await retry_until(lambda: any(f"#{sent.seq}" in path.read_text() for path in one.folder.glob("demo-*.jsonl")))
        agent = one.agent
        kill(one.sidecar)
        rungs, _ = await story(client, sent.seq)
        assert rungs[-1] == "failed"
        await one.has_agent(other_than=agent)
        await is_answered(client, "next")
        transcript = "".join(path.read_text() for path in one.folder.glob("demo-*.jsonl"))
        assert transcript.count(f"#{sent.seq}]") == 1


async def test_a_conversation_that_is_gone_is_begun_anew_once(tmp_path: Path, port: int) -> None:
    async with in_the_room(tmp_path, port) as (one, client):
        await is_answered(client, "before it was deleted")
        agent = one.agent
        for path in one.folder.glob("demo-*.jsonl"):
            path.unlink()
        kill(one.sidecar)
        await one.tells("demo could not resume its earlier conversation and begins a new one")
        await one.has_agent(other_than=agent)
        await is_answered(client, "hello")


async def test_it_comes_back_to_its_last_conversation_unless_a_new_one_is_wanted(tmp_path: Path, port: int) -> None:
    async with in_the_room(tmp_path, port) as (one, client):
        await is_answered(client, "yesterday")
        one.terminal.write("/exit\r")
        assert await one.terminal.ends() == 0
        async with pane(tmp_path, "--fresh") as fresh:
            await fresh.has_agent()
            assert "yesterday" not in fresh.terminal.screen
            before = fresh.kept
            fresh.terminal.write("today\r")
            await fresh.terminal.shows("● You said: today")
            await retry_until(lambda: fresh.kept != before, PATIENCE)  # only then does a start come back to it
            fresh.terminal.write("/exit\r")
            assert await fresh.terminal.ends() == 0
        async with pane(tmp_path) as resumed:
            await resumed.has_agent()
            await resumed.terminal.shows("● You said: today")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_told_to_stop_everything_is_gone_and_the_terminal_as_before(
    tmp_path: Path, port: int, number: signal.Signals
) -> None:
    async with in_the_room(tmp_path, port) as (one, _):
        pids = (one.supervisor, one.sidecar, one.agent)
        assert not termios.tcgetattr(one.terminal.process.fd)[3] & termios.ICANON
        os.kill(one.supervisor, number)
        await retry_until(lambda: not alive(*pids))
        assert termios.tcgetattr(one.terminal.process.fd)[3] & termios.ICANON
        await retry_until(lambda: not one.terminal.mode(1049))
        assert not one.terminal.mode(2004)
        assert "died" not in printed(one.terminal)
        assert await one.terminal.ends() == 0


def hang_up(master: int) -> None:
    """Like a closed terminal window. The descriptor number stays in use until the fixture closes it."""
    asyncio.get_running_loop().remove_reader(master)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, master)
    os.close(nothing)


async def test_a_closed_terminal_leaves_nothing_behind(tmp_path: Path, port: int) -> None:
    async with in_the_room(tmp_path, port) as (one, _):
        pids = (one.supervisor, one.sidecar, one.agent)
        hang_up(one.terminal.process.fd)
        await retry_until(lambda: not alive(*pids), describe=lambda: alive(*pids))


async def test_without_its_supervisor_the_sidecar_goes_too(tmp_path: Path, port: int) -> None:
    async with in_the_room(tmp_path, port) as (one, _):
        pids = (one.sidecar, one.agent)
        kill(one.supervisor)
        await retry_until(lambda: not alive(*pids), describe=lambda: alive(*pids))


STUBBORN = (
    "import os, signal, time\n"
    "signal.signal(signal.SIGHUP, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "open({file!r}, 'a').write(f'{{os.getpid()}}\\n'); print('on', flush=True); time.sleep(600)"
)


async def test_an_agent_that_will_not_go_is_ended_before_it_comes_back(tmp_path: Path, port: int) -> None:
    names = tmp_path / "pids"
    command = (sys.executable, "-c", STUBBORN.format(file=str(names)))
    with gateway(tmp_path / "state", port):
        async with pane(tmp_path, command=command) as one:
            await retry_until(names.exists, PATIENCE)
            first = one.agent
            kill(one.sidecar)
            await retry_until(lambda: len(names.read_text().split()) == 2, PATIENCE, describe=one.terminal.describe)
            assert not alive(first)
            pids = [int(pid) for pid in names.read_text().split()]
            os.kill(one.supervisor, signal.SIGTERM)
            await retry_until(lambda: not alive(*pids, one.supervisor))


async def test_a_crash_loop_slows_down_and_says_so_until_ctrl_c(tmp_path: Path, port: int) -> None:
    command = (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    with gateway(tmp_path / "state", port):
        async with pane(tmp_path, command=command) as one:
            for pause in ("0.2", "0.4", "0.8"):
                await one.tells(f"demo died (SIGKILL); starting it again in {pause} s.")
            await one.tells("in 1.6 s.")
            one.terminal.write("\x03")
            await retry_until(lambda: not one.terminal.process.isalive())
            assert "in 3.2 s." not in printed(one.terminal)


async def test_a_launcher_that_ends_when_its_worker_was_killed_is_a_crash(tmp_path: Path, port: int) -> None:
    code = "printf '\\033[?2004hon'; sleep 600 & echo $! > worker; wait $!; exit 1"
    with gateway(tmp_path / "state", port):
        async with pane(tmp_path, command=("sh", "-c", code)) as one:
            worker = tmp_path / "worker"
            await retry_until(lambda: worker.exists() and worker.read_text().endswith("\n"), PATIENCE)
            await one.terminal.shows("on")
            kill(int(worker.read_text()))
            await one.tells("demo died (status 1); starting it again in 0.2 s.")


async def test_an_agent_that_ends_by_itself_is_not_started_again(tmp_path: Path, port: int) -> None:
    command = (sys.executable, "-c", "import sys; sys.exit(3)")
    with gateway(tmp_path / "state", port):
        async with pane(tmp_path, command=command) as one:
            assert await one.terminal.ends(PATIENCE) == 3
        async with pane(tmp_path, "--restart", "always", command=command) as one:
            await one.tells("demo ended with status 3; starting it again in 0.2 s.")
        crash = (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
        async with pane(tmp_path, "--restart", "never", command=crash) as one:
            assert await one.terminal.ends(PATIENCE) == 128 + signal.SIGKILL


async def test_a_gateway_that_is_away_is_waited_for(tmp_path: Path, port: int) -> None:
    async with pane(tmp_path) as one:
        await one.terminal.shows("groupchat: demo waits for the gateway.", PATIENCE)
        with gateway(tmp_path / "state", port):
            await one.has_agent()
            assert printed(one.terminal).count("waits for the gateway") == 1
            async with person(tmp_path / "state") as client:
                await is_answered(client, "hello")


async def test_the_supervisor_is_small(tmp_path: Path) -> None:
    async with pane(tmp_path) as one:
        await one.terminal.shows("waits for the gateway", PATIENCE)
        assert "supervisor.py" in Path(f"/proc/{one.supervisor}/cmdline").read_text()
        status = Path(f"/proc/{one.supervisor}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        assert resident < 16_000, f"{resident} kB"


async def test_ctrl_c_ends_the_waiting(tmp_path: Path) -> None:
    async with pane(tmp_path) as one:
        await one.terminal.shows("waits for the gateway", PATIENCE)
        one.terminal.write("\x03")
        assert await one.terminal.ends() == 128 + signal.SIGINT
        assert "Traceback" not in printed(one.terminal)


async def test_under_job_control_everything_stops_and_goes_on(tmp_path: Path, port: int) -> None:
    """In a real shell: the agent is stopped, the prompt appears, and `fg` continues all processes."""
    with gateway(tmp_path / "state", port):
        await retry_until((tmp_path / "state" / "gateway.json").exists)
        code = "echo be''gun; kill -STOP $$; echo went on; exit 4"
        command = shlex.join((*JOIN, "demo", "--", "sh", "-c", code))
        env = {**environment(tmp_path / "state"), "PS1": "ready> "}
        shell = pexpect.spawn("bash", ["--norc", "--noediting", "-i"], env=env, timeout=PATIENCE_S)
        try:
            shell.expect_exact("ready> ")
            shell.sendline(command)
            shell.expect_exact("begun")
            shell.expect("Stopped")
            shell.sendline("echo shell $((40 + 2))")
            shell.expect_exact("shell 42")
            shell.sendline("fg")
            shell.expect_exact("went on\r\n")  # the word itself; `fg` shows the whole command before
            shell.expect_exact("ready> ")
            shell.sendline("echo status $?")
            shell.expect_exact("status 4")
        finally:
            shell.close(force=True)


async def test_without_a_terminal_it_comes_back_as_well(tmp_path: Path, port: int) -> None:
    state = tmp_path / "state"
    lock = state / "sidecars" / "demo" / "lock"
    with gateway(state, port):
        async with person(state) as client:
            with sidecar(state) as running:
                await is_idle(client)
                first = int(lock.read_text())
                assert first != running.pid
                kill(first)
                await retry_until(lambda: lock.read_text() not in ("", str(first)), PATIENCE)
                await is_answered(client, "still there")
        told = (tmp_path / "sidecar.cli.log").read_text()
        assert told == "groupchat: the sidecar of demo died (SIGKILL); starting it again in 0.2 s.\n"
