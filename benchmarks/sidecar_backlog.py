"""The cost of a long backlog for a sidecar: time until it is ready, until an urgent message is answered, and until a
key is echoed.

The same agent with nothing waiting is the baseline of each figure. It is paused, so that the backlog stays; it has no
thinking time, so that only the delivery is measured.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import processes, sidecar_ways
from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.processes import Server
from benchmarks.sidecar_ways import Window, sidecar, window
from gateway.client import Client, find_endpoint
from gateway.protocol.events import Message, PresenceChanged
from gateway.protocol.requests.agent_requests import Pause
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import Accepted, Done, MemberList
from gateway.protocol.types.core_types import Activity

MANY = 20_000
WAITING, QUICK_WAITING = (0, 2000, MANY, 50_000), (0, 2000)
WORKED_OFF, QUICK_WORKED_OFF = (1000, 4000), (500, 1000)
WORKED_OFF_WITHIN, TYPES_EVERY = 120.0, 4.0
NAME = "claude"
TOGETHER = 500
READY_WITHIN, ANSWER_WITHIN = 90.0, 60.0
URGENT, KEYS, ARRIVING = 40, 150, 1000
REST = 0.02
PROMPT = "✳ demo".encode()
TEXT = "The build of the branch is green again; please look at the two notes in the review when you have time. " * 2


@dataclass
class WatchedTerminal:
    """A person at the agent's terminal, which is read all the time."""

    window: Window
    news: threading.Event = field(default_factory=threading.Event)

    def watched(self) -> AbstractContextManager[None]:
        return self.window.read_meanwhile(self._show)

    def _show(self, data: bytes) -> None:
        self.window.seen = (self.window.seen + data)[-65536:]
        self.news.set()

    def echo(self, key: bytes) -> float:
        """The time from a key to its echo by the agent."""
        self.news.clear()
        begun = time.perf_counter()
        self.window.press(key)
        self.news.wait(5)
        return time.perf_counter() - begun

    def echoes(self, count: int) -> list[float]:
        times = []
        for _ in range(count):
            for key in (b"x", b"\x7f"):
                times.append(self.echo(key))
                time.sleep(REST)
        return times


def measure(folder: Path, *, quick: bool) -> Outcome:
    state = folder / "state"
    with processes.gateway(state) as gateway:
        rows = asyncio.run(_all(folder, gateway, QUICK_WAITING if quick else WAITING))
    worked = []
    for count in QUICK_WORKED_OFF if quick else WORKED_OFF:
        with processes.gateway(folder / f"state-{count}") as gateway:
            worked.append(asyncio.run(_worked_off(folder / f"state-{count}", gateway, count)))
    most, many = rows[-1], next((row for row in rows if row["waiting"] == MANY), rows[-1])
    return Outcome(
        "backlog",
        (
            Table(
                "A sidecar that is started while messages wait",
                tuple(rows),
                "`urgent` is from send to the answer, `key` from a key to its echo in the first seconds, `arriving` "
                f"the same while {ARRIVING} more messages come; cpu is of sidecar and gateway until all was measured.",
            ),
            Table(
                "A backlog that is worked off",
                tuple(worked),
                "From the start of the sidecar, as catch-ups of 100. Now and then a person types: messages wait for "
                "that, and a key waits for a prompt that is just being typed, at most half a second.",
            ),
        ),
        (
            Verdict("s until ready with the most waiting", _figure(most, "ready s"), 3, False),
            Verdict("ms p95 to the answer of an urgent message", _figure(many, "urgent p95 ms"), 300, False),
            Verdict("ms p95 from a key to its echo", _figure(many, "key p95 ms"), 20, False),
            Verdict(
                "cpu of a message of the larger backlog over that of one of the smaller",
                _figure(worked[-1], "cpu ms each") / _figure(worked[0], "cpu ms each"),
                1.3,
                False,
            ),
        ),
    )


def _figure(row: dict[str, Cell], name: str) -> float:
    found = row[name]
    return float(found) if isinstance(found, int | float) else float("inf")


async def _all(folder: Path, gateway: Server, counts: tuple[int, ...]) -> list[dict[str, Cell]]:
    env = sidecar_ways.environment(folder / "state")
    command = _demo(folder)
    endpoint = find_endpoint(env)
    async with Client(endpoint) as client:
        async with _in_a_terminal(command, env):
            await _ready(endpoint)
        await client.request(Pause(member=NAME), Done)
        rows, waiting = [], 0
        for count in counts:
            await _say(client, count - waiting)
            waiting = count
            rows.append(await _one(client, gateway, command, env, count))
            waiting += ARRIVING
        return rows


async def _worked_off(state: Path, gateway: Server, count: int) -> dict[str, Cell]:
    env = sidecar_ways.environment(state)
    command = _demo(state)
    async with Client(find_endpoint(env)) as client:
        async with _in_a_terminal(command, env):
            await _ready(client.endpoint)
        await _say(client, count)
        before, begun, keys = gateway.cpu_seconds(), time.monotonic(), list[float]()
        async with _in_a_terminal(command, env) as pane:
            while await _queued(client) and time.monotonic() - begun < WORKED_OFF_WITHIN:
                keys += await asyncio.to_thread(pane.echoes, 3)
                await asyncio.sleep(TYPES_EVERY)
            taken, own = time.monotonic() - begun, pane.window.sidecar()
            cpu, rss, left = own.cpu_seconds(), own.rss(), await _queued(client)
    typed = Spread.of(keys)
    return {
        "waiting": count,
        "seconds": round(taken, 1),
        "left": left,
        "key p95 ms": round(typed.p95, 2),
        "key max ms": round(typed.worst, 1),
        "cpu ms each": round(1000 * cpu / count, 3),
        "gateway cpu ms each": round(1000 * (gateway.cpu_seconds() - before) / count, 3),
        "MB": round(rss, 1),
    }


async def _queued(client: Client) -> int:
    found = await client.request(Members(), MemberList)
    return next(one.queued for one in found.agents if one.name == NAME)


def _demo(folder: Path) -> Sequence[str]:
    script = folder / "script.jsonl"
    script.write_text('{"match": "", "manner": "stream 0"}\n')
    return sidecar(NAME)((sys.executable, "-P", "-m", "sidecar.demo_agent", "--script", str(script)))


async def _one(
    client: Client, gateway: Server, command: Sequence[str], env: dict[str, str], count: int
) -> dict[str, Cell]:
    endpoint = client.endpoint
    before, begun = gateway.cpu_seconds(), time.monotonic()
    async with _in_a_terminal(command, env) as pane:
        found, keys = await asyncio.gather(_ready(endpoint), asyncio.to_thread(pane.echoes, KEYS))
        readied = None if found is None else found - begun
        urgent = await _urgent(endpoint)
        _, while_arriving = await asyncio.gather(_say(client, ARRIVING), asyncio.to_thread(pane.echoes, KEYS // 3))
        own = pane.window.sidecar()
        cpu, rss = own.cpu_seconds(), own.rss()
    taken, typed, came = Spread.of(urgent or [float("inf")] * 2), Spread.of(keys), Spread.of(while_arriving)
    return {
        "waiting": count,
        "ready s": None if readied is None else round(readied, 2),
        "urgent p50 ms": round(taken.p50, 1),
        "urgent p95 ms": round(taken.p95, 1),
        "key p95 ms": round(typed.p95, 2),
        "key max ms": round(typed.worst, 1),
        "arriving p95 ms": round(came.p95, 2),
        "arriving max ms": round(came.worst, 1),
        "cpu s": round(cpu, 2),
        "gateway cpu s": round(gateway.cpu_seconds() - before, 2),
        "MB": round(rss, 1),
    }


@asynccontextmanager
async def _in_a_terminal(command: Sequence[str], env: dict[str, str]) -> AsyncIterator[WatchedTerminal]:
    with window(command, env) as one:
        await asyncio.to_thread(one.until, PROMPT)
        pane = WatchedTerminal(one)
        with pane.watched():
            yield pane
    await asyncio.sleep(1)


async def _ready(endpoint: object) -> float | None:
    """The time at which the room shows it as ready."""
    deadline = time.monotonic() + READY_WITHIN
    async with Client(endpoint) as client:  # type: ignore[arg-type]
        for one in client.welcome.members:
            if one.name == NAME and one.activity is Activity.IDLE and one.presence == "online":
                return time.monotonic()
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + deadline - time.monotonic()):
                async for event in client.events():
                    if (
                        isinstance(event, PresenceChanged)
                        and event.member.name == NAME
                        and event.member.activity is Activity.IDLE
                    ):
                        return time.monotonic()
        except TimeoutError:
            return None
    return None


async def _say(client: Client, count: int) -> None:
    for begin in range(0, count, TOGETHER):
        many = range(begin, min(begin + TOGETHER, count))
        await asyncio.gather(*(client.send(f"{TEXT} ({number})", to=f"@{NAME}") for number in many))


async def _urgent(endpoint: object) -> list[float]:
    """Send one after the other, each after the answer to the one before."""
    times: list[float] = []
    async with Client(endpoint, Hello()) as client:  # type: ignore[arg-type]
        events = client.events()
        for number in range(URGENT):
            begun = time.perf_counter()
            request = Send(content=f"are you there? ({number})", to=(f"@{NAME}",), urgent=True)
            accepted = await client.request(request, Accepted)
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    async for event in events:
                        if isinstance(event, Message) and event.reply_to == accepted.seq:
                            break
            except TimeoutError:
                return [*times, ANSWER_WITHIN]
            times.append(time.perf_counter() - begun)
            await asyncio.sleep(0.2)
    return times
