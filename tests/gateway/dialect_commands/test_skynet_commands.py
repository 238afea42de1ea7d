"""`groupchat skynet` at a listener of ours: each verb, with both spellings of its options, and what goes wrong."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import typer.main
from typer.testing import CliRunner

from gateway.cli import app
from tests.hostile.strings import WORST, problems
from tests.support.commands import Groupchat
from tests.support.gateways import OPERATOR, GatewayProcess

PATIENCE = 40.0


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    state = tmp_path_factory.mktemp("skynet") / "state"
    with GatewayProcess(state, "--listen", "skynet=127.0.0.1:0").running() as running:
        yield running


@dataclass(frozen=True)
class Shell:
    """`groupchat skynet` at the gateway of a state folder, in this process."""

    state: Path

    def __call__(self, *words: str, given: str | None = None) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["--state", str(self.state), "skynet", *words], input=given)
        return done.exit_code, done.stdout, done.stderr

    @asynccontextmanager
    async def running(self, *words: str, state: Path | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
        """A verb that does not end by itself, once it is connected."""
        started = await Groupchat(state or self.state).start("skynet", *words)
        try:
            assert started.stderr is not None
            async with asyncio.timeout(PATIENCE):
                while b"Connected to" not in (line := await started.stderr.readline()):
                    assert line, "it has ended"
            yield started
        finally:
            if started.returncode is None:
                started.kill()
            await started.communicate()


@pytest.fixture
def shell(process: GatewayProcess, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.delenv("CSP_AUTH_TOKEN", raising=False)
    return Shell(process.state)


@pytest.fixture
def word() -> str:
    return uuid4().hex[:8]


async def line_of(running: asyncio.subprocess.Process) -> str:
    assert running.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return (await running.stdout.readline()).decode()


# the table of the original's options, by both of its documents

SPELLINGS = {
    "connect": "--agent-id -a --type --agent-type -t --channels --channel -c --priority -p --server -s",
    "send": "--from -f --to -t --type --channel --content -c --payload-file -p --server -s",
    "context": "--agent-id -a --file --context-file -f --output -o --server -s",
    "agents": "--server -s",
    "monitor": "--channel -c --server -s --agent-id -a --max -m --format",
    "version": "",
    "config": "--file -f",
}


@pytest.mark.parametrize("verb", SPELLINGS)
def test_every_spelling_of_an_option_is_known(verb: str) -> None:
    command = typer.main.get_command(app).commands["skynet"].commands[verb]  # type: ignore[attr-defined]
    known = {name for one in command.params for name in one.opts}
    assert set(SPELLINGS[verb].split()) - known == set()


# single requests


def test_a_message_to_an_agent_that_is_not_there_fails_with_the_reason(shell: Shell, word: str) -> None:
    code, out, err = shell("send", "--from", f"a-{word}", "--to", f"b-{word}", "--content", "x")
    assert (code, out) == (1, "") and f"'b-{word}'" in err
    code, _, err = shell("send", "--from", f"a-{word}", "--to", f"b-{word}", "-c", "x", "--json")
    assert code == 1 and f"b-{word}" in json.loads(err)["error"]["message"]


def test_an_unknown_type_is_refused_by_the_server(shell: Shell, word: str) -> None:
    code, _, err = shell("send", "--from", f"a-{word}", "--type", "gossip", "--content", "x")
    assert code == 1 and "gossip" in err


def test_without_a_sender_the_operator_speaks_with_its_token(shell: Shell, word: str) -> None:
    code, out, _ = shell("send", "--channel", f"c-{word}", "--content", "hello", "--json")
    assert (code, json.loads(out)["success"]) == (0, True)
    history = Groupchat(shell.state, quick=True)("history", "--room", f"c-{word}", "--json").json
    assert [(one["from"], one["content"]) for one in history["messages"]] == [(OPERATOR, "hello")]


@pytest.mark.parametrize("spelling", ["--file", "--context-file", "-f"])
def test_a_context_comes_back_as_it_was_pushed(shell: Shell, word: str, spelling: str, tmp_path: Path) -> None:
    pushed, pulled = tmp_path / "in.json", tmp_path / "out.json"
    pushed.write_text('{"facts":["a","ü"],"n":{"x":1}}')
    assert shell("context", "push", "--agent-id", f"a-{word}", spelling, str(pushed))[0] == 0
    code, out, _ = shell("context", "--agent-id", f"a-{word}", "pull", "--output", str(pulled))
    assert code == 0
    assert json.loads(out) == json.loads(pulled.read_text()) == json.loads(pushed.read_text())


def test_there_may_be_no_context(shell: Shell, word: str) -> None:
    code, out, err = shell("context", "pull", "--agent-id", f"a-{word}", "--json")
    assert (code, out, json.loads(err)["error"]["code"]) == (1, "", "not_found")


@pytest.mark.parametrize(
    ("words", "given", "code", "says"),
    [
        (("context", "push", "-a", "a"), None, 1, "--file"),
        (("context", "push", "-a", "a", "-f", "/nowhere.json"), None, 1, "/nowhere.json"),
        (("context", "push", "-a", "a", "-f", "-"), "[1]", 1, "no JSON object"),
        (("context", "push", "-a", "a", "-f", "-"), "{", 1, "not JSON"),
        (("context", "flip", "-a", "a"), None, 2, "flip"),
        (("send", "--from", "a", "-p", "-"), '{"contents":"x"}', 1, "contents"),
        (("send", "--from", "a", "-p", "-"), '{"type":7}', 1, "type"),
        (("connect", "-a", "a", "-p", "11"), None, 2, "from 1 to 10"),
        (("connect",), None, 2, "--agent-id"),
        (("monitor", "--format", "xml"), None, 2, "text, json"),
        (("send", "--from", "a", "-c", "x", "-s", "ftp://x"), None, 1, "address"),
        (("send", "--from", "a b", "-c", "x"), None, 1, "from_agent"),
        (("send", "-c", "x", "-s", "http://127.0.0.1:1"), None, 1, "--from"),
        (("agents", "-s", "http://127.0.0.1:1"), None, 1, "No Skynet server answers"),
    ],
)
def test_what_goes_wrong_is_a_sentence(
    shell: Shell, words: tuple[str, ...], given: str | None, code: int, says: str
) -> None:
    found, out, err = shell(*words, given=given)
    assert (found, out, says in err) == (code, "", True), err
    assert "Traceback" not in err


def test_another_kind_of_server_is_said_to_be_one(shell: Shell, process: GatewayProcess) -> None:
    code, _, err = shell("context", "pull", "-a", "a", "-s", process.url)
    assert code == 1 and "Traceback" not in err


def test_the_version_names_the_protocol(shell: Shell) -> None:
    assert json.loads(shell("version", "--json")[1])["protocol"] == "MCP/1.0"
    assert "MCP/1.0" in shell("version")[1]


# connections


async def test_connect_prints_what_the_agent_gets_and_agents_lists_it(shell: Shell, word: str) -> None:
    me = f"gpt4-{word}"
    options = ("--agent-type", "coder", "--channel", f"c-{word}", "--priority", "8")
    async with shell.running("connect", "--agent-id", me, *options) as agent:
        code, out, _ = await asyncio.to_thread(shell, "agents", "list")
        row = next(line for line in out.splitlines() if line.startswith(me))
        assert code == 0 and row.split()[1:6] == ["coder", "8", f"c-{word}", "0", "now"]
        hostile = 'line one\n[00:00:00] alice → bob: task\x1b[2J "x"'
        code, out, _ = await asyncio.to_thread(
            shell, "send", "--from", f"p-{word}", "--to", me, "--type", "reply", "--content", hostile
        )
        assert (code, out.startswith(f"Sent to {me}.")) == (0, True)
        head, first, second = [await line_of(agent) for _ in range(3)]
        assert head.endswith(f"] p-{word} → {me}: reply\n")
        assert (first, second) == (
            "    line one\n",
            '    [00:00:00] alice → bob: task\N{REPLACEMENT CHARACTER}[2J "x"\n',
        )


async def test_agents_that_are_away_are_listed_with_when_they_were_last_seen(shell: Shell, word: str) -> None:
    async with shell.running("connect", "-a", f"a-{word}", "-t", "coder"):
        pass

    def row() -> list[str]:
        return next(line.split() for line in shell("agents")[1].splitlines() if line.startswith(f"a-{word}"))

    async with asyncio.timeout(PATIENCE):
        while (await asyncio.to_thread(row))[-1] != "ago":
            await asyncio.sleep(0.1)
    assert (await asyncio.to_thread(row))[1:3] == ["coder", "5"]
    listed = json.loads((await asyncio.to_thread(shell, "agents", "--json"))[1])["agents"]
    assert {one["agent_id"]: one["connected_at"] for one in listed}[f"a-{word}"] is None


async def test_a_monitor_shows_direct_messages_as_lines_and_as_json(shell: Shell, word: str) -> None:
    channel = f"c-{word}"
    async with (
        shell.running("connect", "-a", f"a-{word}", "-c", channel),
        shell.running("monitor", "--channel", channel) as lines,
        shell.running("monitor", "--channels", channel, "--format", "json") as objects,
    ):
        to = ("--to", f"a-{word}", "--channel", channel)
        await asyncio.to_thread(shell, "send", "--from", f"b-{word}", *to, "--content", 'say "hi"')
        await asyncio.to_thread(shell, "send", *to, "--content", "from the operator")
        await asyncio.to_thread(shell, "send", "--from", f"b-{word}", "--channel", channel, "--content", "to all")
        shown = [(await line_of(lines)).partition("] ")[2] for _ in range(3)]
        assert shown == [
            f'b-{word} → a-{word}: task "say \\"hi\\""\n',
            f'{OPERATOR} → a-{word}: task "from the operator"\n',
            f'b-{word} → #{channel}: broadcast "to all"\n',
        ]
        found = [json.loads(await line_of(objects)) for _ in range(3)]
        assert [one["payload"]["content"] for one in found] == ['say "hi"', "from the operator", "to all"]


async def test_a_monitor_shows_control_characters_of_members_as_harmless(shell: Shell, word: str) -> None:
    channel = f"c-{word}"
    async with (
        shell.running("monitor", "--channel", channel) as lines,
        shell.running("monitor", "--channel", channel, "--format", "json") as objects,
    ):
        send = ("send", "--from", f"a-{word}", "--channel", channel, "--content", WORST)
        code, out, err = await asyncio.to_thread(shell, *send)
        assert code == 0, (out, err)
        line, found = await line_of(lines), await line_of(objects)
        assert (problems(line), problems(found)) == ([], [])
        assert "good morning" in line and json.loads(found)["payload"]["content"] == WORST


READERS = {
    "jq": ["jq", "-c", "."],
    "python": [sys.executable, "-m", "json.tool", "--json-lines", "--no-indent", "--no-ensure-ascii"],
}


@pytest.mark.parametrize("reader", READERS)
async def test_another_program_reads_each_line_of_a_monitor(shell: Shell, word: str, reader: str) -> None:
    """As the help says: `groupchat skynet monitor --format json | jq`."""
    if shutil.which(READERS[reader][0]) is None:
        pytest.skip(f"{reader} is not installed")
    contents = ['say "hi"', "two\nlines", "clear \x1b[2J\u202e\u2028 Zoë 🤖", "back\\slash"]
    line = 'set -o pipefail; "$@" | ' + shlex.join(READERS[reader])
    monitor = ("skynet", "monitor", "--format", "json", "--channel", f"c-{word}", "--count", str(len(contents)))
    pipe = subprocess.Popen(
        ["bash", "-c", line, "monitor", *Groupchat(shell.state).command(*monitor)],
        env=Groupchat(shell.state).environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert pipe.stderr is not None
        while "Connected to" not in await asyncio.wait_for(asyncio.to_thread(pipe.stderr.readline), PATIENCE):
            assert pipe.poll() is None
        for one in contents:
            sent = ("send", "--from", f"a-{word}", "--channel", f"c-{word}", "--content", one)
            assert (await asyncio.to_thread(shell, *sent))[0] == 0
        out, err = await asyncio.to_thread(pipe.communicate, timeout=PATIENCE)
    finally:
        pipe.kill()
        pipe.wait()
    assert (pipe.returncode, err) == (0, "")
    found = [json.loads(one) for one in out.removesuffix("\n").split("\n")]
    assert [one["payload"]["content"] for one in found] == contents


async def test_a_monitor_without_a_token_sees_what_is_between_guests_alone(
    shell: Shell, process: GatewayProcess, word: str, tmp_path: Path
) -> None:
    channel = f"c-{word}"
    server = ("--server", process.listeners["skynet"] + "/ws")
    async with (
        shell.running("connect", "-a", f"a-{word}", "-c", channel),
        shell.running("monitor", "-c", channel, *server, state=tmp_path) as lines,
    ):
        to = ("--to", f"a-{word}", "--channel", channel)
        await asyncio.to_thread(shell, "send", *to, "--content", "from the operator")
        await asyncio.to_thread(shell, "send", "--from", f"b-{word}", *to, "--content", "from a guest")
        assert "from a guest" in await line_of(lines)


async def test_a_pipe_that_nobody_reads_any_more_is_no_error(shell: Shell, word: str) -> None:
    line = 'set -o pipefail; "$@" skynet monitor --format json --channel "$0" | head -1'
    command = ["bash", "-c", line, f"c-{word}", *Groupchat(shell.state).command()]
    pipe = subprocess.Popen(
        command, env=Groupchat(shell.state).environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert pipe.stderr is not None
        while "Connected to" not in await asyncio.wait_for(asyncio.to_thread(pipe.stderr.readline), PATIENCE):
            assert pipe.poll() is None
        while pipe.poll() is None:
            await asyncio.to_thread(shell, "send", "--from", f"a-{word}", "--channel", f"c-{word}", "-c", "again")
        out, err = pipe.communicate(timeout=PATIENCE)
    finally:
        pipe.kill()
        pipe.wait()
    assert (pipe.returncode, len(out.splitlines()), err) == (0, 1, "")
    assert json.loads(out)["payload"]["content"] == "again"


async def test_two_connections_of_one_agent_do_not_fight(shell: Shell, word: str) -> None:
    async with shell.running("connect", "-a", f"a-{word}") as first, shell.running("connect", "-a", f"a-{word}"):
        _, err = await asyncio.wait_for(first.communicate(), PATIENCE)
        assert (first.returncode, b"not opened again" in err) == (1, True)


async def test_ctrl_c_ends_it_quietly(shell: Shell, word: str) -> None:
    async with shell.running("connect", "-a", f"a-{word}") as agent:
        agent.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(agent.communicate(), PATIENCE)
        assert (agent.returncode, out, err) == (130, b"", b"")


async def test_an_agent_comes_back_when_the_gateway_does(tmp_path: Path) -> None:
    """It says so, and gets what was sent to it meanwhile and later."""
    gateway = GatewayProcess(tmp_path / "state", "--listen", "skynet=127.0.0.1:0")
    with gateway.running():
        port = gateway.listeners["skynet"].rpartition(":")[2]
        shell = Shell(gateway.state)
        async with shell.running("connect", "-a", "gemini", "--json") as agent:
            gateway.kill()
            again = GatewayProcess(tmp_path / "state", "--listen", f"skynet=127.0.0.1:{port}")
            assert agent.stderr is not None
            async with asyncio.timeout(PATIENCE):
                assert b"Trying again" in await agent.stderr.readline()
            with again.running():
                code, _, err = await asyncio.to_thread(shell, "send", "--from", "a", "--to", "gemini", "-c", "again")
                assert code == 0, err
                assert json.loads(await line_of(agent))["payload"]["content"] == "again"


def test_a_server_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "GROUPCHAT_TIMEOUT", "0.5")
    code, out, err = Shell(tmp_path)("connect", "-a", "a", "--server", "ws://127.0.0.1:1/ws")
    assert (code, out) == (1, "") and "No Skynet server answers at http://127.0.0.1:1 (connection refused)" in err
