"""`join` with a real gateway, headless: register, deliver, answer, take the name over, survive a killed gateway."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.client import Client, find_endpoint, token_file
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import Message, Receipt
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.results import MemberList
from gateway.protocol.types.core_types import MemberKind
from tests.support import warm
from tests.support.held_ports import free_port

ROOT = Path(__file__).parents[2]
DEMO = (sys.executable, "-P", "-m", "sidecar.demo_agent")
PATIENCE_S = 60


def environment(state: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GROUPCHAT", "CSP", "TMUX"))}
    return {**kept, "GROUPCHAT_STATE": str(state), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}


@pytest.fixture
def port() -> int:
    return free_port()


@contextlib.contextmanager
def process(state: Path, module: str, *words: str, ends_by: signal.Signals = signal.SIGTERM) -> Iterator[warm.Fork]:
    with (state.parent / f"{module}.log").open("ab") as log, open(os.devnull) as nothing:
        running = warm.Fork(module, words, environment(state), (nothing.fileno(), log.fileno(), log.fileno()))
    try:
        yield running
    finally:
        running.send_signal(ends_by)
        running.wait(PATIENCE_S)


def gateway(
    state: Path, port: int, ends_by: signal.Signals = signal.SIGTERM
) -> contextlib.AbstractContextManager[warm.Fork]:
    return process(state, warm.GATEWAY, "serve", "--port", str(port), ends_by=ends_by)


def sidecar(state: Path, *options: str) -> contextlib.AbstractContextManager[warm.Fork]:
    return process(state, warm.SIDECAR, "join", "demo", *options, "--project", str(state.parent), "--", *DEMO)


@contextlib.asynccontextmanager
async def person(state: Path) -> AsyncIterator[Client]:
    """As soon as the gateway answers."""
    async with contextlib.AsyncExitStack() as stack:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    endpoint = find_endpoint(environment(state))
                    client = await stack.enter_async_context(Client(endpoint, Hello()))
                    break
                except (GroupChatError, OSError):
                    await asyncio.sleep(0.05)
        yield client


async def is_idle(client: Client) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            members = (await client.request(Members(), MemberList)).agents
            if any(one.name == "demo" and one.activity == "idle" for one in members):
                return
            await asyncio.sleep(0.05)


async def story(client: Client, number: int) -> tuple[list[str], str]:
    """The delivery states and the answer of one message."""
    rungs, answer = [], ""
    async with asyncio.timeout(PATIENCE_S):
        async for event in client.events():
            if isinstance(event, Message) and event.reply_to == number:
                answer = event.content
            if isinstance(event, Receipt) and event.message == number:
                rungs += [str(step.rung) for step in event.steps]
            if rungs and rungs[-1] in ("answered", "failed"):
                return rungs, answer
    raise AssertionError(rungs)


async def test_a_message_is_delivered_and_answered(tmp_path: Path, port: int) -> None:
    state = tmp_path / "state"
    with gateway(state, port):
        async with person(state) as client:
            with sidecar(state, "--role", "coder"):
                await is_idle(client)
                sent = await client.send("hello", to="@role:coder")
                rungs, answer = await story(client, sent.seq)
    assert rungs[-5:] == ["verified", "submitted", "accepted", "seen", "answered"]
    assert answer.endswith("hello")
    assert token_file(state, "demo", MemberKind.AGENT).stat().st_mode & 0o777 == 0o600


async def test_the_name_is_taken_over_and_what_waited_is_delivered(tmp_path: Path, port: int) -> None:
    state = tmp_path / "state"
    with gateway(state, port):
        async with person(state) as client:
            with sidecar(state):
                await is_idle(client)
            sent = await client.send("while you were away", to="@demo")
            with sidecar(state):
                rungs, answer = await story(client, sent.seq)
    assert rungs[-1] == "answered"
    assert answer.endswith("while you were away")


async def test_a_killed_gateway_is_outlived(tmp_path: Path, port: int) -> None:
    state = tmp_path / "state"
    with contextlib.ExitStack() as sidecars:
        with gateway(state, port, signal.SIGKILL):
            async with person(state) as client:
                sidecars.enter_context(sidecar(state))
                await is_idle(client)
        with gateway(state, port):
            async with person(state) as client:
                sent = await client.send("hello again", to="@demo")
                rungs, _ = await story(client, sent.seq)
                assert rungs[-1] == "answered"
            sidecars.close()


async def test_a_gateway_that_began_anew_is_joined_again(tmp_path: Path, port: int) -> None:
    """A gateway with another store, where the token is invalid and number N is another message."""
    state = tmp_path / "state"
    with contextlib.ExitStack() as sidecars:
        with gateway(state, port, signal.SIGKILL):
            async with person(state) as client:
                sidecars.enter_context(sidecar(state))
                await is_idle(client)
                before = await client.send("hello", to="@demo")
                await story(client, before.seq)
        for file in state.glob("groupchat.db*"):
            file.unlink()
        with gateway(state, port):
            async with person(state) as client:
                await is_idle(client)
                number = 0
                while number < before.seq:
                    number = (await client.send("hello again", to="@demo")).seq
                rungs, answer = await story(client, before.seq)
                assert (rungs[-1], answer[-11:]) == ("answered", "hello again")
            sidecars.close()
    assert "Traceback" not in (tmp_path / "sidecar.cli.log").read_text()
    assert "Traceback" not in (state / "sidecars" / "demo" / "sidecar.log").read_text()


def test_without_a_token_it_says_what_to_do_and_ends(tmp_path: Path) -> None:
    sidecar, join = (sys.executable, "-P", "-m", "sidecar.cli"), ("join", "demo", "--gateway", "127.0.0.1:1")
    for before, as_json in (((), False), (("--json",), True)):
        command = (*sidecar, *before, *join, "--", *DEMO)
        done = subprocess.run(command, env=environment(tmp_path), capture_output=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 1
        said = json.loads(done.stderr)["error"]["message"] if as_json else done.stderr.decode()
        assert said.strip().endswith(".") and "CSP_AUTH_TOKEN" in said


async def test_a_person_who_is_not_there_needs_no_terminal(tmp_path: Path, port: int) -> None:
    """The agent's exit status is the sidecar's."""
    state = tmp_path / "state"
    code = "import sys; sys.exit(5)"
    with gateway(state, port):
        async with person(state):
            options = ("join", "quick", "--", sys.executable, "-c", code)
            with process(state, warm.SIDECAR, *options) as running:
                assert await asyncio.to_thread(running.wait, PATIENCE_S) == 5
