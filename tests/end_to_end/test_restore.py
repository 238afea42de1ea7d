"""The state folder is gone, and a snapshot brings it back: people, a sidecar with its agent, and programs go on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.client import Client, Endpoint
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Message
from gateway.protocol.requests.agent_requests import Pause, Resume
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.room_requests import SetRetention
from gateway.protocol.results import Done, TokenMade
from gateway.protocol.types.core_types import MemberKind
from tests.end_to_end.test_sidecar_join import DEMO, environment, gateway, is_idle, person, port, story
from tests.fakes.retry import retry_until
from tests.support import warm
from tests.support.gateways import GatewayProcess
from tests.support.redis_server import RedisServer

__all__ = ["port"]  # a fixture
COMMAND = (sys.executable, "-P", "-m", "gateway.cli")
PATIENCE_S = 60.0


def groupchat(state: Path, *words: str) -> dict[str, object]:
    done = subprocess.run(
        [*COMMAND, *words, "--state", str(state), "--json"],
        env=environment(state),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@contextlib.contextmanager
def distant_sidecar(own: Path, url: str, token: str) -> Iterator[None]:
    """As on another machine: with a state folder of its own, the address and its token."""
    own.mkdir(mode=0o700)
    words = ("join", "demo", "--gateway", url, "--project", str(own), "--", *DEMO)
    env = {**environment(own / "state"), "CSP_AUTH_TOKEN": token}
    with (own / "sidecar.log").open("ab") as log, open(os.devnull) as nothing:
        running = warm.Fork(warm.SIDECAR, words, env, (nothing.fileno(), log.fileno(), log.fileno()))
    try:
        yield
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(PATIENCE_S)


async def test_a_sidecar_and_a_program_go_on_after_the_state_folder_was_removed(  # noqa: PLR0915 - one story
    tmp_path: Path, port: int
) -> None:
    """The sidecar lives through it: its journal knows messages that the restored log does not have."""
    state, own, kept = tmp_path / "state", tmp_path / "own", tmp_path / "snapshots"
    with ExitStack() as sidecars:
        with gateway(state, port, signal.SIGKILL):
            async with person(state) as client:
                made = await client.request(CreateToken(name="board", kind=MemberKind.TOOL), TokenMade)
                agent = await client.request(CreateToken(name="demo", kind=MemberKind.AGENT), TokenMade)
                sidecars.enter_context(distant_sidecar(own, f"http://127.0.0.1:{port}", agent.token))
                await is_idle(client)
                first = await client.send("before", to="@demo")
                await story(client, first.seq)
                waiting = await client.send("answered later", to="@board")
                snapshot = str(groupchat(state, "snapshot", "now", "--to", str(kept))["snapshot"])
                lost = await client.send("after the snapshot", to="@demo")
                rungs, _ = await story(client, lost.seq)
                assert rungs[-1] == "answered"
                known = client.welcome.store_id
        shutil.rmtree(state)
        done = groupchat(state, "restore", snapshot)
        assert isinstance(done["numbers"], dict) and done["numbers"]["last_seq"] >= waiting.seq
        with gateway(state, port):
            async with person(state) as client:
                assert client.welcome.store_id == known
                await is_idle(client)
                new = await client.send("hello again", to="@demo")
                rungs, answer = await story(client, new.seq)
                assert new.seq > lost.seq and rungs[-1] == "answered" and answer.endswith("hello again")
                board = Endpoint(client.endpoint.url, made.token)
                async with Client(board, Hello(since=lost.seq, store_id=known, known=lost.seq)) as program:
                    async with asyncio.timeout(PATIENCE_S):
                        async for event in program.events():
                            if isinstance(event, Message):
                                assert event.context is not None and "restored" in event.context
                                break
            sidecars.close()
    typed = (own / "state" / "sidecars" / "demo" / "journal.jsonl").read_text()
    assert typed.count(f"[{lost.seq}, 1]") == 1, "what was read after the snapshot is not typed again"


async def test_what_waited_in_the_snapshot_and_was_read_since_is_not_typed_again(tmp_path: Path, port: int) -> None:
    state, own, url = tmp_path / "state", tmp_path / "own", f"http://127.0.0.1:{port}"
    with ExitStack() as sidecars:
        with gateway(state, port, signal.SIGKILL):
            async with person(state) as client:
                agent = await client.request(CreateToken(name="demo", kind=MemberKind.AGENT), TokenMade)
                sidecars.enter_context(distant_sidecar(own, url, agent.token))
                await is_idle(client)
                await client.request(Pause(member="demo"), Done)
                waiting = await client.send("it waits", to="@demo")
                snapshot = str(groupchat(state, "snapshot", "now", "--to", str(tmp_path / "kept"))["snapshot"])
                await client.request(Resume(member="demo"), Done)
                rungs, _ = await story(client, waiting.seq)
                assert rungs[-1] == "answered"
        shutil.rmtree(state)
        groupchat(state, "restore", snapshot)
        with gateway(state, port):
            async with person(state) as client:
                await client.request(Resume(member="demo"), Done)
                rungs, _ = await story(client, (await client.send("and now", to="@demo")).seq)
                assert rungs[-1] == "answered"
            sidecars.close()
    typed = (own / "state" / "sidecars" / "demo" / "journal.jsonl").read_text()
    assert typed.count(f"[{waiting.seq}, 1]") == 1


async def test_a_snapshot_of_a_log_in_redis_is_a_way_out(tmp_path: Path, port: int, server: RedisServer) -> None:
    state, back = tmp_path / "state", tmp_path / "back"
    options = ("--store", server.url, "--snapshots", str(tmp_path / "kept"), "--every", "1h")
    with GatewayProcess(state, *options).running() as one:
        async with Client(one.operator) as alice:
            said = (await alice.send("kept in two places")).seq
            known = alice.welcome.store_id
            with pytest.raises(BadRequest, match="log in Redis"):
                await alice.request(SetRetention(room="general", keep="90d"), Done)
            snapshot = str(groupchat(state, "snapshot", "now")["snapshot"])
    assert snapshot.startswith(str(tmp_path / "kept"))
    server.ask("FLUSHALL")
    groupchat(back, "restore", snapshot)
    with gateway(back, port):
        async with person(back) as client:
            assert client.welcome.store_id == known
            assert (await client.send("on its own disk")).seq > said


async def test_a_gateway_takes_snapshots_and_ends_while_one_is_taken(tmp_path: Path) -> None:
    state, kept = tmp_path / "state", tmp_path / "kept"
    with GatewayProcess(state, "--snapshots", str(kept), "--every", "10s", "--keep", "1").running() as one:
        async with Client(one.operator) as alice:
            await alice.send("hello")
        await retry_until(lambda: bool(list(kept.glob("groupchat-*"))), PATIENCE_S)
    assert [path.name[:10] for path in kept.iterdir()] == ["groupchat-"]
