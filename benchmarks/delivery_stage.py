"""A real agent in a real terminal behind the installed sidecar, a gateway process, a model, a person in the room."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.delivery_cast import QUICK, Manner, Player
from benchmarks.delivery_truth import DemoOracle, ModelOracle, Oracle
from gateway.client import Client
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import AskEvent, MemberView, Message, PresenceChanged, Receipt, Welcome
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Cancel
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import Activity, Ask, Composer, Rung
from sidecar.errors import SidecarError
from sidecar.explain_socket import ask_sidecar_for
from tests.fakes.models.model import Model
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import Place
from tests.support.gateways import GatewayProcess

SIDECAR = str(Path(sys.executable).with_name("groupchat-sidecar"))
STARTING = 60.0
CANARY = "canary"
SIZE = (100, 30)
OVER = (Rung.ANSWERED, Rung.FAILED, Rung.EXPIRED, Rung.CANCELLED)
UNTOLD = (*OVER, Rung.SUBMITTED)


@dataclass(frozen=True)
class Told:
    """A delivery step: when it was reported to happen and when the room got it, in wall time."""

    rung: Rung
    reason: str
    at: float
    heard: float


@dataclass
class Story:
    """What the room knows of one message."""

    steps: list[Told] = field(default_factory=list)
    replies: list[tuple[Message, float]] = field(default_factory=list)

    @property
    def rung(self) -> Rung | None:
        return self.steps[-1].rung if self.steps else None

    def has(self, *rungs: Rung) -> bool:
        return any(step.rung in rungs for step in self.steps)


@dataclass
class Room:
    """The events that the person in the room got; `asks` with their wall time."""

    stories: dict[int, Story] = field(default_factory=dict)
    asks: list[tuple[Ask, float]] = field(default_factory=list)
    accepted: dict[int, float] = field(default_factory=dict)
    activity: Activity = Activity.UNKNOWN
    composer: Composer = Composer.UNKNOWN

    def of(self, number: int) -> Story:
        return self.stories.setdefault(number, Story())


def seconds_of(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


class Stage:
    def __init__(self, player: Player, folder: Path, oracle: Oracle, gateway: GatewayProcess) -> None:
        self.player, self.folder, self.oracle, self.gateway = player, folder, oracle, gateway
        self.size = SIZE
        self.room = Room()
        self.person: Client
        self.pane: Terminal
        self._pane_open: contextlib.AsyncExitStack | None = None
        self.starts = self.kills = 0
        self.env: Mapping[str, str] = {}
        self.argv: tuple[str, ...] = ()
        self._agent: int | None = None

    @property
    def name(self) -> str:
        return self.player.name

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def private(self) -> Path:
        return self.gateway.state / "sidecars" / self.name

    # The room

    async def send(self, content: str, manner: Manner = QUICK, *, everyone: bool = False) -> tuple[int, str]:
        """Send a message and return its number and text. It is repeated until the gateway has it, because it has an
        id."""
        said = self.player.says(content, manner)
        self.oracle.expect(said, manner)
        number = (await self.person.send(said, to="@all" if everyone else f"@{self.name}")).seq
        return number, said

    async def cancel(self, numbers: Iterable[int]) -> None:
        """Cancel open deliveries, because they would block later messages."""
        for number in numbers:
            if self.room.of(number).rung not in OVER:
                with contextlib.suppress(GroupChatError):
                    await self.person.request(Cancel(message=number), Done)

    def _shown(self, members: Iterable[MemberView]) -> None:
        for member in members:
            if member.name == self.name:
                self.room.activity, self.room.composer = member.activity, member.composer

    async def listen(self) -> None:
        loop_to_wall = datetime.now().timestamp() - asyncio.get_running_loop().time()
        async for event in self.person.events():
            heard = asyncio.get_running_loop().time() + loop_to_wall
            match event:
                case Receipt() if event.member == self.name:
                    story = self.room.of(event.message)
                    story.steps += [Told(step.rung, step.reason, seconds_of(step.at), heard) for step in event.steps]
                case Message() if event.from_ == self.name:
                    self._reply(event, heard)
                case Message():
                    self.room.accepted[event.seq] = seconds_of(event.timestamp)
                case AskEvent() if event.ask.member == self.name:
                    self.room.asks.append((event.ask, heard))
                case PresenceChanged():
                    self._shown([event.member])
                case Welcome():  # after a reconnect: it contains the events of the meantime, which are not sent again
                    self._shown(event.members)

    def _reply(self, message: Message, heard: float) -> None:
        """One answer may belong to several messages and lists them."""
        also = (message.context or {}).get("answers") or ()
        for number in {message.reply_to, *also} - {None}:
            self.room.of(int(number)).replies.append((message, heard))

    # The agent

    async def start(self) -> None:
        """`join` in a fresh terminal, until the composer is free."""
        await self.stop()
        stack = contextlib.AsyncExitStack()
        command = (SIDECAR, "join", self.name, "--agent", self.name, "--project", str(self.work), "--", *self.argv)
        self.room.activity = Activity.UNKNOWN
        columns, lines = self.size
        self.pane = await stack.enter_async_context(
            terminal(command, self.env, cwd=self.work, columns=columns, lines=lines)
        )
        self._pane_open = stack
        self.starts, self.kills = self.starts + 1, 0

    def resize(self, columns: int, lines: int) -> None:
        self.size = columns, lines
        if self.runs:
            self.pane.resize(columns, lines)

    async def stop(self) -> None:
        if self._pane_open is not None:
            await self.agent_pid()
            await self._pane_open.aclose()
            self._pane_open = None
            _kill_group(self._agent)

    async def ready(self, seconds: float = STARTING) -> None:
        """By the room and by the sidecar: the room may still show the state of an earlier run."""
        until = asyncio.get_running_loop().time() + seconds
        while True:
            left = until - asyncio.get_running_loop().time()
            await retry_until(lambda: self.is_idle or not self.runs, left, describe=self.describe)
            if not self.runs:
                raise AssertionError(f"the sidecar has ended\n{self.describe()}")
            seen = await self.explain()
            if seen.get("verdict", {}).get("activity") in (Activity.IDLE, Activity.ERROR):
                break
            if left < 0:
                raise AssertionError(f"it says {seen.get('verdict')}\n{self.describe()}")
            await asyncio.sleep(0.05)
        await self.agent_pid()

    @property
    def is_idle(self) -> bool:
        calm = self.room.activity in (Activity.IDLE, Activity.ERROR)
        return calm and self.room.composer is Composer.EMPTY and self.runs

    @property
    def runs(self) -> bool:
        return self._pane_open is not None and not self.pane.closed

    async def explain(self) -> dict[str, Any]:
        with contextlib.suppress(SidecarError, OSError, TimeoutError, ValueError):
            async with asyncio.timeout(3):
                async for answer in ask_sidecar_for(self.private, self.name, "explain"):
                    return dict(answer)
        return {}

    async def agent_pid(self) -> int | None:
        """The last one that was seen, if nobody reports one."""
        found = (await self.explain()).get("process") or {}
        self._agent = found.get("pid", self._agent)
        return self._agent

    async def kill_sidecar(self) -> None:
        """-9."""
        self.kills += 1
        parent = _parent(self._agent) if self._agent else None
        if parent:
            with contextlib.suppress(ProcessLookupError):
                os.kill(parent, signal.SIGKILL)

    async def kill_agent(self) -> None:
        self.kills += 1
        _kill_group(self._agent)

    async def kill_gateway(self, away: float) -> None:
        self.gateway.kill()
        await asyncio.sleep(away)
        await asyncio.to_thread(self.gateway.start)

    def transcripts(self) -> list[Path]:
        """The last lines that the agent itself wrote, if it writes a file."""
        found = [path for top in (self.folder / "home", self.private) for path in top.rglob("*.jsonl")]
        return sorted(found, key=lambda path: path.stat().st_mtime)[-2:]

    def describe(self) -> str:
        return f"{self.room.activity} {self.room.composer} after {self.starts} starts\n{self.pane.describe()}"

    def forget_output(self) -> None:
        """A long run prints much."""
        self.pane.output = self.pane.output[-50_000:]


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def _kill_group(pid: int | None) -> None:
    if pid is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def oracle_of(player: Player, folder: Path, seed: int) -> ModelOracle | DemoOracle:
    if player.cli is None:
        return DemoOracle(folder / "state" / "sidecars" / "demo")
    return ModelOracle(player, f"touch {CANARY}-tool", seed)


@contextlib.asynccontextmanager
async def staged(
    player: Player,
    folder: Path,
    seed: int,
    oracle: ModelOracle | DemoOracle | None = None,
    size: tuple[int, int] = SIZE,
) -> AsyncIterator[Stage]:
    """All files are below `folder`, and no other host is reached."""
    oracle = oracle or oracle_of(player, folder, seed)
    for name in ("home", "work"):
        (folder / name).mkdir(parents=True)
    (folder / "work" / "README.md").write_text("Nobody has been asked to read this.\n")  # some texts mention it
    gateway = GatewayProcess(folder / "state")
    async with contextlib.AsyncExitStack() as stack:
        url, env = "", {}
        if isinstance(oracle, ModelOracle) and player.cli:
            oracle.model = await stack.enter_async_context(
                Model(player.cli.dialect(), choose=oracle.choose, forgetful=True)
            )
            url = oracle.model.url
            env = dict((await stack.enter_async_context(outside())).env)
        launch = player.launch(Place(folder / "home", folder / "work", url))
        stack.enter_context(gateway.running())
        stage = Stage(player, folder, oracle, gateway)
        stage.argv, stage.size = launch.argv, size
        stage.env = {**launch.env, **env, "GROUPCHAT_STATE": str(gateway.state)}
        stage.person = await stack.enter_async_context(Client(gateway.operator, Hello(echo=True), patient=True))
        listening = asyncio.get_running_loop().create_task(stage.listen(), name="listen")
        stack.callback(listening.cancel)
        stack.push_async_callback(stage.stop)
        await stage.start()
        await stage.ready()
        yield stage
