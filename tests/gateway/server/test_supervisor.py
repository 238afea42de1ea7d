"""A team's gateway that dies is there again, on the same port, said once; and a crash loop ends visibly."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from controller.workspace.child_processes import is_alive
from gateway.client import Client, Endpoint, find_endpoint
from gateway.client.discovery.running_gateway import has_live_gateway, read_running, start_remedy
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import MessageList
from gateway.protocol.types.core_types import SYSTEM_NAME
from gateway.server.supervisor import (
    CrashHistory,
    GatewayExit,
    RestartDecision,
    RestartLimits,
    decide_restart,
    exit_text,
)
from gateway.server.supervisor_link import LastCrash, parse_last_crash
from tests.fakes.retry import retry_until
from tests.support.port_thief import PortThief

BOUNDS = RestartLimits()
LISTENED, NEVER = GatewayExit(True, 90.0, -9), GatewayExit(False, 0.3, 1)


@pytest.mark.parametrize(
    ("life", "past", "wanted"),
    [
        (GatewayExit(True, 90.0, 0), CrashHistory(True, 0, 1), RestartDecision(False)),  # it was asked to end
        (NEVER, CrashHistory(False, 1, 0), RestartDecision(False)),  # a first start that cannot be
        (LISTENED, CrashHistory(True, 0, 1), RestartDecision(True, 0.0)),
        (GatewayExit(True, 90.0, 70), CrashHistory(True, 0, 1), RestartDecision(True, 0.0)),
        (GatewayExit(True, 0.1, -11), CrashHistory(True, 0, 1), RestartDecision(True, BOUNDS.breath_s)),
        (NEVER, CrashHistory(True, 1, 1), RestartDecision(True, 0.25)),
        (NEVER, CrashHistory(True, 3, 1), RestartDecision(True, 1.0)),
        (NEVER, CrashHistory(True, 9, 1), RestartDecision(True, BOUNDS.longest_pause_s)),
        (
            NEVER,
            CrashHistory(True, 12, 1),
            RestartDecision(False, gives_up="failed to start 12 times in a row"),
        ),
        (LISTENED, CrashHistory(True, 0, 60), RestartDecision(False, gives_up="died 60 times within 10 minutes")),
    ],
)
def test_what_follows_the_end_of_a_gateway(life: GatewayExit, past: CrashHistory, wanted: RestartDecision) -> None:
    assert decide_restart(life, past, BOUNDS) == wanted


def test_a_crash_loop_is_bounded_in_time() -> None:
    pauses = [
        decide_restart(NEVER, CrashHistory(True, failed, 1), BOUNDS).pause
        for failed in range(1, BOUNDS.most_failed_starts)
    ]
    assert sum(pauses) < 120 and pauses == sorted(pauses)


@pytest.mark.parametrize(("code", "words"), [(-9, "SIGKILL"), (-11, "SIGSEGV"), (70, "status 70"), (-99, "signal 99")])
def test_how_it_ended(code: int, words: str) -> None:
    assert exit_text(code) == words


def test_a_death_is_told_and_a_crash_loop_does_not_fill_the_chat() -> None:
    assert parse_last_crash("") is None
    assert parse_last_crash("12.5 2 status 70") == LastCrash("status 70", 2, 12.5)
    assert LastCrash("SIGKILL", 1, 10.0).text(11.04) == (
        "The gateway ended unexpectedly (SIGKILL) and runs again after 1.0 s. No accepted message is lost."
    )
    told = [bool(LastCrash("SIGKILL", times, 0.0).text(1.0)) for times in range(1, 61)]
    assert sum(told) == 9


# real processes


SERVE = (sys.executable, "-P", "-m", "gateway.cli", "serve", "--json", "--port", "0")


SUPERVISE = (
    "import sys; from pathlib import Path; from gateway.server.supervisor import RestartLimits, GatewaySupervisor; "
    "state, log, *command = sys.argv[1:]; "
    "raise SystemExit(GatewaySupervisor(Path(state), Path(log), command, RestartLimits({bounds})).run())"
)


@asynccontextmanager
async def supervised(
    state: Path, command: Sequence[str] = SERVE, bounds: str = ""
) -> AsyncIterator[subprocess.Popen[str]]:
    """The supervisor's process; afterwards nothing of it is left."""
    state.mkdir(mode=0o700, exist_ok=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CSP_", "GROUPCHAT_"))}
    code = SUPERVISE.replace("{bounds}", bounds)
    with subprocess.Popen(
        [sys.executable, "-P", "-c", code, str(state), str(state / "gateway.log"), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**env, "GROUPCHAT_STATE": str(state)},
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            await asyncio.to_thread(process.wait, 30)


async def announced(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return str(json.loads(await asyncio.to_thread(process.stdout.readline))["url"])


def gateway_of(state: Path) -> int:
    running = read_running(state)
    return running.pid if running is not None and has_live_gateway(state) else 0


async def test_a_killed_gateway_is_back_on_its_port_and_says_so_once(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with supervised(state) as process:
        url, first = await announced(process), gateway_of(state)
        async with Client(find_endpoint({}, state=state)) as client:
            said = await client.send("before")
            os.kill(first, signal.SIGKILL)
            await retry_until(lambda: gateway_of(state) not in (0, first))
            assert (await client.send("after")).seq > said.seq
            told = await retry_for_notice(client)
        assert len(told) == 1 and "SIGKILL" in told[0]
        second = read_running(state)
        assert second is not None and second.url == url
        process.terminate()
        assert await asyncio.to_thread(process.wait, 30) == 0
        assert not is_alive(second.pid) and not has_live_gateway(state)


async def retry_for_notice(client: Client, words: str = "ended unexpectedly") -> list[str]:
    while True:
        found = (await client.request(History(limit=50), MessageList)).messages
        if told := [one.content for one in found if one.from_ == SYSTEM_NAME and words in one.content]:
            return told


async def test_a_port_that_another_process_has_taken_is_told_and_waited_for(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with supervised(state) as process:
        url, first = await announced(process), gateway_of(state)
        async with Client(find_endpoint({}, state=state)) as client:
            os.kill(process.pid, signal.SIGSTOP)
            os.kill(first, signal.SIGKILL)
            async with PortThief(url) as thief:
                os.kill(process.pid, signal.SIGCONT)
                assert len(await retry_for_notice(client, "Another process listens on")) == 1
                assert thief.came == 0
            assert len(await retry_for_notice(client, "again.")) == 1
            token = find_endpoint({}, state=state).token
            async with Client(Endpoint(url, token)) as by_port:
                assert by_port.welcome.you.name == client.welcome.you.name


async def test_a_gateway_ends_with_its_supervisor_and_with_an_order(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with supervised(state) as process:
        await announced(process)
        gateway = gateway_of(state)
        process.kill()
        await retry_until(lambda: not is_alive(gateway) and not has_live_gateway(state))
    async with supervised(state) as process:
        await announced(process)
        os.kill(gateway_of(state), signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 30) == 0
        assert not has_live_gateway(state)


LISTENS = "import os, socket; s = socket.socket(fileno=int(os.environ['GROUPCHAT_GATEWAY_LEASH'].partition(':')[0])); "
ONCE = LISTENS + "print('{\"url\": \"here\"}', flush=True); s.send(b'listening 7\\n') if {first} else None; os.abort()"


ALWAYS, AT_FIRST = "True", "os.environ['GROUPCHAT_GATEWAY_DIED'] == ''"


@pytest.mark.parametrize(
    ("listens", "why"), [(ALWAYS, "died 4 times within 10 minutes"), (AT_FIRST, "3 times in a row")]
)
async def test_a_crash_loop_ends_and_says_where_to_look(tmp_path: Path, listens: str, why: str) -> None:
    state = tmp_path / "state"
    command = [sys.executable, "-c", ONCE.replace("{first}", listens)]
    bounds = "most_deaths=4, most_failed_starts=3, first_pause_s=0.01, breath_s=0.01"
    async with supervised(state, command, bounds) as process:
        assert await announced(process) == "here"
        assert await asyncio.to_thread(process.wait, 30) == 128 + signal.SIGABRT
    said = start_remedy(state)
    assert why in said and str(state / "gateway.log") in said and said.endswith("Start it with `groupchat serve`.")
    lines = [json.loads(line) for line in (state / "gateway.log").read_text().splitlines()]
    assert len([one for one in lines if one["event"] == "! the gateway process ended"]) == 4


async def test_a_start_that_cannot_be_is_not_tried_again(tmp_path: Path) -> None:
    async with supervised(tmp_path / "state", [*SERVE, "--store", "nonsense:"]) as process:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == ""
        assert await asyncio.to_thread(process.wait, 30) == 1
        assert not (tmp_path / "state" / "gateway.failed").exists()
