"""Real gateways for tests: one in this process, one as a separate process that can be killed."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TextIO

from aiohttp import web_app

from gateway.access.rate_limit import Rate
from gateway.api.mcp_proxy import McpProcess, ProcessStart, start_process
from gateway.client import Endpoint, read_token
from gateway.model.records.operator_settings import RuleSettings
from gateway.operations.dispatch import run_operation
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.results import TokenMade
from gateway.protocol.types.core_types import MemberKind, Scope
from gateway.protocol.types.loop_limits import Limits
from gateway.runtime.config import Config
from gateway.runtime.hub import Hub
from gateway.server import gateway_process, log_setup
from gateway.server.listeners.dialect_listeners import ListenerSetup
from gateway.server.state_folder.open_hub import open_hub
from gateway.server.state_folder.startup_tokens import system_actor
from tests.support import held_ports, warm

OPERATOR = "alice"
TEAM_TOKEN = "team-token-for-tests"
UNLIMITED = Rate(0, 0)
PATIENT = Limits(max_pair=0, max_wakes=0, max_repeats=0)  # tests are faster than agents


@dataclass(frozen=True)
class Gateway:
    """A running gateway and what a test needs to talk to it."""

    url: str
    hub: Hub
    config: Config
    listeners: dict[str, str] = field(default_factory=dict)

    @property
    def operator(self) -> Endpoint:
        token = read_token(self.config.state, OPERATOR, MemberKind.HUMAN)
        assert token is not None
        return Endpoint(self.url, token)

    @property
    def team(self) -> Endpoint:
        return Endpoint(self.url, TEAM_TOKEN)

    async def member(
        self, name: str, kind: MemberKind = MemberKind.AGENT, *scopes: Scope, role: str | None = None
    ) -> Endpoint:
        """A new member's endpoint."""
        wish = CreateToken(name=name, kind=kind, scopes=scopes, role=role)
        made = await run_operation(self.hub, system_actor(), wish)
        assert isinstance(made, TokenMade)
        return Endpoint(self.url, made.token)


def config_for(state: Path, **changes: object) -> Config:
    """`changes` are fields of a config, or of the settings of its rules."""
    base = Config(state=state, port=0, operator=OPERATOR, team_token=TEAM_TOKEN, rate=UNLIMITED)
    of_rules = {one.name: changes.pop(one.name) for one in fields(RuleSettings) if one.name in changes}
    rules = replace(RuleSettings(limits=PATIENT), **of_rules)  # type: ignore[arg-type]
    return replace(base, rules=rules, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def gateway_in_process(
    state: Path, start_mcp: ProcessStart = start_process, /, **changes: object
) -> AsyncIterator[Gateway]:
    config = config_for(state, **changes)
    log_setup.configure_logging("error")
    async with open_hub(config) as hub, gateway_process.run_listeners(config, hub, start_mcp) as found:
        yield Gateway(found.url, hub, config, found.listeners)
    web_app._cached_build_middleware.cache_clear()  # or aiohttp holds on to a hundred gateways of ended tests


def own_address() -> str | None:
    """An address of this machine that others could use; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        found = str(probe.getsockname()[0])
    return None if found.startswith("127.") else found


def doors_of(gateway: Gateway) -> ListenerSetup:
    """For a dialect that a test opens by itself and that uses no tools."""

    async def no_token(wish: CreateToken) -> str:
        raise AssertionError(f"nobody asks for one of {wish.name}")

    return ListenerSetup(gateway.hub, McpProcess(gateway.config.state / "mcp", no_token))


class DidNotStart(AssertionError):
    def __init__(self, code: int, log: str) -> None:
        super().__init__(f"the gateway did not start: exit {code}\n{log}")
        self.code = code
        self.log = log


class GatewayProcess:
    """`groupchat serve` as a process: started, killed, started again on the same port and state. It is a fork of a
    process that has imported it (see `tests/support/warm`), unless a shell runs `begin` first."""

    def __init__(self, state: Path, *arguments: str, env: dict[str, str] | None = None, begin: str = "") -> None:
        """`begin`: what a shell does before it becomes the gateway, such as `ulimit -n 512`."""
        self.state = state
        self.url = ""
        self.listeners: dict[str, str] = {}
        self._arguments = arguments
        self._begin = begin
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CSP_", "GROUPCHAT_"))},
            "GROUPCHAT_OPERATOR": OPERATOR,
            "CSP_AUTH_TOKEN": TEAM_TOKEN,
            **{f"GROUPCHAT_{name.upper()}": "0" for name in ("max_pair", "max_wakes", "max_repeats")},
            **(env or {}),
        }
        self._process: subprocess.Popen[bytes] | warm.Fork | None = None
        self._told: TextIO

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def operator(self) -> Endpoint:
        token = read_token(self.state, OPERATOR, MemberKind.HUMAN)
        assert token is not None
        return Endpoint(self.url, token)

    @property
    def team(self) -> Endpoint:
        return Endpoint(self.url, TEAM_TOKEN)

    @property
    def _log_file(self) -> Path:
        return self.state.parent / f"{self.state.name}.log"

    @property
    def has_log(self) -> bool:
        return self._log_file.exists()

    @property
    def log(self) -> str:
        """All that the gateway has written on standard error so far."""
        return self._log_file.read_text()

    def start(self) -> GatewayProcess:
        port = self.url.rsplit(":", 1)[1] if self.url else "0"
        words = ("serve", "--json", "--state", str(self.state), "--port", port, "--rate", "0", *self._arguments)
        read, write = os.pipe()
        self._told = open(read)  # noqa: SIM115 - for as long as the gateway runs
        with self._log_file.open("a") as log, open(write, "w") as out:
            self._process = self._began(words, out.fileno(), log.fileno())
        line = self._told.readline()
        if not line:
            raise DidNotStart(self.exit_code(10), self.log)
        announced = json.loads(line)
        self.url, self.listeners = announced["url"], announced.get("listeners", {})
        return self

    def _began(self, words: tuple[str, ...], out: int, log: int) -> subprocess.Popen[bytes] | warm.Fork:
        if not self._begin and warm.fits(self._env):
            with open(os.devnull) as nothing:
                return warm.Fork(warm.GATEWAY, words, self._env, (nothing.fileno(), out, log))
        command = [sys.executable, "-P", "-m", warm.GATEWAY, *words]
        if self._begin:
            command = ["sh", "-c", f'{self._begin}; exec "$@"', "sh", *command]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=self._env)

    @property
    def has_ended(self) -> bool:
        """Whether it has ended by itself, or is not started."""
        if isinstance(self._process, subprocess.Popen):
            return self._process.poll() is not None
        return self._process is None or bool(select.select([self._process], [], [], 0)[0])

    def kill(self) -> None:
        """Kill it without a warning, if it has been started."""
        if self._process is not None:
            self._end(signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the process: the system still accepts connections, but nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            if self._process is not None:
                os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self.exit_code(30)

    def exit_code(self, patience_s: float) -> int:
        """Wait until it has ended; a test that is too impatient fails."""
        assert self._process is not None
        process, self._process = self._process, None
        self._told.close()
        code = process.wait(patience_s)
        if self.url:
            held_ports.hold_port(int(self.url.rpartition(":")[2]))
        return code

    @contextmanager
    def running(self) -> Iterator[GatewayProcess]:
        self.start()
        try:
            yield self
        finally:
            if self._process is not None:
                self.kill()
