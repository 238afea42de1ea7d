"""The command: measure the time from a stop order to the key in the agent's terminal, and to the end of its tool."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks import machine, report
from benchmarks.figures import Outcome, Row, Spread, Table, Verdict
from benchmarks.processes import ROOT
from gateway.client import Client
from gateway.protocol.requests.agent_requests import Stop
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.results import MemberList, Stopping
from gateway.protocol.types.core_types import Activity
from gateway.server import log_setup
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.fakes.terminal import terminal
from tests.real_clis.homes import CLIS, Place
from tests.real_clis.long_tools import FREELY, long_tool, running
from tests.support.gateways import GatewayProcess

SIDECAR = str(Path(sys.executable).with_name("groupchat-sidecar"))
DEMO = (sys.executable, "-P", "-m", "sidecar.demo_agent")
LATEST = ROOT / "benchmarks" / "results" / "stop.json"
AT_ONCE = 4
TO_KEY_MS, TO_DEATH_MS = 100, 1000

app = typer.Typer(add_completion=False)


@dataclass
class Times:
    """In seconds, one value per order; the demo agent runs no tools."""

    to_key: list[float] = field(default_factory=list)
    to_death: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Stage:
    name: str
    person: Client
    model: Model | None
    log: Path

    async def activity(self) -> Activity | None:
        found = await self.person.request(Members(), MemberList)
        return next((one.activity for one in found.agents if one.name == self.name), None)

    async def until(self, wanted: Activity) -> None:
        async with asyncio.timeout(60):
            while await self.activity() is not wanted:
                await asyncio.sleep(0.1)

    def keys(self) -> list[float]:
        """When the sidecar pressed the key, in wall time, according to its log."""
        lines = map(_entry, self.log.read_text(encoding="utf-8").splitlines())
        return [datetime.fromisoformat(one["timestamp"]).timestamp() for one in lines if one.get("event") == "stopped"]


def _entry(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@contextlib.asynccontextmanager
async def staged(name: str, folder: Path) -> AsyncIterator[Stage]:
    home, work = folder / "home", folder / "work"
    home.mkdir()
    work.mkdir()
    gateway = GatewayProcess(folder / "state")
    cli = CLIS.get(name)
    async with contextlib.AsyncExitStack() as stack:
        model: Model | None = None
        command: tuple[str, ...] = DEMO
        env: Mapping[str, str] = {"HOME": str(home), "TERM": "xterm-256color"}
        if cli is not None:
            model = await stack.enter_async_context(Model(cli.dialect()))
            world = await stack.enter_async_context(outside())
            launch = cli.launch(Place(home, work, model.url), cli.program)
            command, env = (*launch.argv, *FREELY[name]), {**launch.env, **world.env}
        env = {**env, "GROUPCHAT_STATE": str(gateway.state), "PYTHONPATH": str(ROOT)}
        stack.enter_context(gateway.running())
        join = (SIDECAR, "join", name, "--agent", name, "--", *command)
        await stack.enter_async_context(terminal(join, env, cwd=work))
        person = await stack.enter_async_context(Client(gateway.operator, Hello()))
        log = gateway.state / "sidecars" / name / "sidecar.log"
        stage = Stage(name, person, model, log)
        await stage.until(Activity.IDLE)
        yield stage


async def measured(name: str, folder: Path, wanted: int) -> Times:
    """A few orders per start, because the log counts repeated lines instead of writing them."""
    times = Times()
    for begun in range(0, wanted, AT_ONCE):
        part = folder / str(begun)
        part.mkdir()
        async with staged(name, part) as stage:
            for _ in range(min(AT_ONCE, wanted - begun)):
                await _one(stage, times)
    return times


async def _one(stage: Stage, times: Times) -> None:
    mark, before = uuid.uuid4().hex, len(stage.keys())
    if stage.model is not None:
        stage.model.script(Reply("I wait.", tool=long_tool(stage.name, mark)))
    await stage.person.send("silent 90", to=f"@{stage.name}")
    await stage.until(Activity.BUSY)
    if stage.model is not None:
        await retry_until(lambda: running(mark), 60)
        await asyncio.sleep(0.5)
    began, begun = time.time(), time.monotonic()
    await stage.person.request(Stop(member=stage.name), Stopping)
    if stage.model is not None:
        while running(mark):
            await asyncio.sleep(0.005)
        times.to_death.append(time.monotonic() - begun)
    await retry_until(lambda: len(stage.keys()) > before)
    times.to_key.append(stage.keys()[-1] - began)
    await stage.until(Activity.IDLE)


def _outcome(name: str, times: Times) -> Outcome:
    rows: list[Row] = [_row("its key in its terminal", times.to_key)]
    verdicts = [Verdict("/stop to the key, p95 ms", Spread.of(times.to_key).p95, TO_KEY_MS, at_least=False)]
    if times.to_death:
        rows.append(_row("its tool is dead", times.to_death))
        dead = Spread.of(times.to_death).p95
        verdicts.append(Verdict("/stop to the tool's death, p95 ms", dead, TO_DEATH_MS, at_least=False))
    title = f"{name}: from the request `stop` of a person on"
    return Outcome(f"stop-{name}", (Table(title, tuple(rows)),), tuple(verdicts))


def _row(until: str, seconds: Sequence[float]) -> Row:
    return {"to": until, "n": len(seconds), **Spread.of(seconds).cells()}


@app.command(help=__doc__)
def main(
    only: Annotated[list[str] | None, typer.Option(help="demo, claude, codex or gemini; repeat for more.")] = None,
    count: Annotated[int, typer.Option(min=2, help="So many orders for each.")] = 20,
    json: Annotated[Path, typer.Option(metavar="FILE", help="Where the figures go.")] = LATEST,
) -> None:
    log_setup.configure_logging("warning")
    console = Console()
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="groupchat-stop-", dir="/var/tmp") as folder:
        about = machine.describe(Path(folder))
    report.show_machine(console, about)
    for name in only or ("demo", "claude", "codex", "gemini"):
        with tempfile.TemporaryDirectory(prefix="groupchat-stop-", dir="/var/tmp") as folder:
            outcomes.append(_outcome(name, asyncio.run(measured(name, Path(folder), count))))
        report.show(console, outcomes[-1])
    raise typer.Exit(report.keep(about, outcomes, json, quick=count < 20))


if __name__ == "__main__":
    app()
