"""A real CLI under the sidecar's eyes: what they say and what is true, and all of it as a recording.

True is what keystrokes and the model server tell: busy from the Enter, idle from the last byte of the last answer,
asking from the last byte of the tool call, busy again from the key that approves.
"""

import asyncio
import codecs
import contextlib
import json
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.process_basics.tasks import spawned_vital
from sidecar.activity.agent_observer import AgentObserver, AgentSnapshot
from sidecar.activity.observation_loop import ObservationLoop
from sidecar.agents import REGISTRY
from sidecar.evidence.escape_sequences import ProbeFilter
from sidecar.evidence.turn_evidence import Evidence
from sidecar.terminal.asciicast import SIGNAL_KIND, signal_data
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.fakes.terminal import Terminal, is_shown, terminal
from tests.real_clis.homes import Cli, Place
from tests.real_clis.recorded_status import recorded_status
from tests.real_clis.running import Running, running
from tests.real_clis.unprepared import Change

State = tuple[float, str]
_OVER, _READS = "\x1b]9;4;0", "\x1b[?2004h"
_TITLE = re.compile(r"\x1b\][02];([^\x07\x1b]*)")


@dataclass
class Timeline:
    """Seconds since the start, in events of a recording, states that are true, and states that were seen."""

    began: float
    events: list[tuple[float, str, str]] = field(default_factory=list)
    true: list[State] = field(default_factory=lambda: [(0.0, "starting")])
    seen: list[State] = field(default_factory=list)
    drawn: list[list[float]] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)

    def at(self, when: float) -> float:
        return round(when - self.began, 4)


class Watched:
    """Types as a person would and keeps the books."""

    def __init__(self, cli: Cli, size: tuple[int, int], *, probed: bool = True) -> None:
        self.cli, self.size = cli, size
        self._loop = asyncio.get_running_loop()
        self._adapter = REGISTRY[cli.agent]
        self.line = Timeline(self._loop.time())
        self.observer = AgentObserver(self._adapter, *size)
        self.eyes: ObservationLoop
        self._attached = asyncio.Event()
        self._probe = ProbeFilter(self._adapter.probe if probed else None)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.agent: Running
        self.listener: Callable[[AgentSnapshot], None] = lambda moment: None

    @property
    def terminal(self) -> Terminal:
        return self._terminal

    def attach(self, terminal: Terminal) -> None:
        self._terminal = terminal
        terminal.watcher = self._passed
        self.eyes = ObservationLoop(self.observer, None, recorded_status(self._adapter, terminal, self._note_status))
        self._attached.set()
        self.eyes.soon(0)

    def _note_status(self, status: Evidence) -> None:
        self.line.events.append((self.line.at(status.at), SIGNAL_KIND, signal_data(status).decode()))

    def _passed(self, kind: str, data: bytes) -> None:
        text = self._decode(data) if kind == "o" else data.decode()
        self.line.events.append((self.now(), kind, text))
        if kind == "o":
            _, answer = self._probe.feed(data)
            if answer:
                self._terminal.write(answer)
            self.eyes.note_output(data)
        elif kind == "i":
            self.eyes.keys(data)
        else:
            columns, _, rows = text.partition("x")
            self.eyes.note_resize(int(columns), int(rows))

    async def look(self) -> None:
        await self._attached.wait()
        while True:
            self._looked(await self.eyes.next())

    def _looked(self, moment: AgentSnapshot) -> None:
        self.listener(moment)
        state = str(moment.verdict.activity)
        if not self.line.seen or self.line.seen[-1][1] != state:
            self.line.seen.append((self.now(), state))

    def now(self) -> float:
        return self.line.at(self._loop.time())

    def true(self, state: str, at: float | None = None) -> None:
        self.line.true.append((self.now() if at is None else at, state))

    def answer(self, state: str, at: float) -> None:
        """What is true from the last byte of an answer on."""
        self.true(state, at)
        self.line.answers.append(at)

    @property
    def sees(self) -> str:
        return self.line.seen[-1][1] if self.line.seen else "starting"

    async def settles(self, state: str = "idle", seconds: float = 60) -> None:
        await retry_until(lambda: self.sees == state, seconds, describe=self._describe)

    def _describe(self) -> str:
        return f"{self.eyes.look().verdict}\n{self._terminal.describe()}"

    async def begin(self) -> None:
        """At rest, and seen to be: a timeline of its own begins, as after a start."""
        await self.agent.begin()
        await self.settles()
        self.line = Timeline(self._loop.time(), seen=[(0.0, self.sees)])
        self.true("idle")

    # A person

    async def submit(self, text: str) -> None:
        """Busy is true from the Enter that was taken."""
        model, asked = self.agent.model, len(self.agent.model.turns)
        self._terminal.paste(text)
        await retry_until(lambda: text[:12] in self._terminal.screen)
        await asyncio.sleep(0.2)
        for _ in range(3):
            pressed = self.now()
            self._terminal.write("\r")
            with contextlib.suppress(AssertionError):
                await retry_until(lambda: len(model.turns) > asked, self.cli.asks_within)
                break
        self.true("busy", pressed)

    async def answered(self, turns: int) -> None:
        """Waits for the last byte of that many answers; what they leave is true from then on."""
        model = self.agent.model
        await retry_until(lambda: len(model.turns) >= turns and model.turns[-1].finished_at, 90)
        last = model.turns[-1]
        asks = last.reply is not None and last.reply.tool is not None
        self.answer("approval" if asks else "idle", self.line.at(last.finished_at or 0))

    async def turn(self, text: str, *replies: Reply, look: float = 0.8) -> None:
        """One turn and a rest; each tool call is looked at for a while and approved."""
        asked = len(self.agent.model.turns)
        if not self.cli.continues:
            replies = replies[: 1 + next((n for n, one in enumerate(replies) if one.tool), len(replies))]
        self.agent.model.script(*replies)
        await self.submit(text)
        for number, reply in enumerate(replies, start=1):
            await self.answered(asked + number)
            if reply.tool:
                await self.approve(look)
                if not self.cli.continues:
                    await self.ends_with_tool(look)
        await self.settles()
        await asyncio.sleep(look)

    async def approve(self, look: float) -> None:
        begun = self.line.true[-1][0]
        await retry_until(self._shows_dialog, 30, describe=self._terminal.describe)
        if begun not in (one for one, _ in self.line.drawn):
            self.line.drawn.append([begun, self.now()])
        await asyncio.sleep(look)
        for _ in range(5):
            pressed = self.now()
            self._terminal.write("\r")
            with contextlib.suppress(AssertionError):
                await retry_until(lambda: not self._shows_dialog(), 1)
                break
        self.true("busy", pressed)

    async def ends_with_tool(self, look: float) -> None:
        """A prompt after the tool, or first a question about what it has printed, to which a person says yes."""
        await retry_until(
            lambda: is_shown(self.cli.ready, self._terminal.screen) or self._asks_further(),
            60,
            describe=self._terminal.describe,
        )
        if self._asks_further():
            self.true("approval")
            await asyncio.sleep(look)
            self.true("busy")
            self._terminal.write("\r")
            await self._terminal.shows(self.cli.ready, 30)
        self.true("idle")

    def _asks_further(self) -> bool:
        """It may be wrapped."""
        return self.cli.further_dialog in "".join(self._terminal.screen.rstrip().splitlines()[-3:])

    def _shows_dialog(self) -> bool:
        return self.cli.shows_dialog(self._terminal.screen)

    async def modal(self, command: str, shows: str, *, seconds: float = 1.5, keys: str = "\x1b") -> None:
        """A picker opened by a command of the CLI's own, and closed again."""
        for character in command:
            self._terminal.write(character)
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        self._terminal.write("\r")
        if not self.cli.tells_when_over:
            self.true("busy" if self.cli.titles else "approval")
        begun = self.now()
        await self._terminal.shows(shows, 20)
        if self.cli.titles or self.cli.tells_when_over:
            begun = self.now()
            self.true("approval", begun)
        self.line.drawn.append([begun, self.now()])
        await asyncio.sleep(seconds)
        for _ in range(4):
            pressed = self.now()
            self._terminal.write(keys)
            with contextlib.suppress(AssertionError):
                if self.cli.tells_when_over:
                    await retry_until(lambda: shows not in self._terminal.screen, 1)
                    pressed = self.now()
                await self.settles(seconds=1)
                break
        self.true("idle", pressed)
        await asyncio.sleep(0.5)

    # A recording

    def _told(self, state: State) -> State:
        if state[0] not in self.line.answers:
            return state
        if self.cli.prints:
            return told_by_paste_mode(self.line.events, state)
        drawn = {begun: seen for begun, seen in self.line.drawn}.get(state[0])
        if drawn is not None and (self.cli.tells_when_over or self.cli.draws_late):
            return drawn, state[1]
        if self.cli.tells_when_over:
            told = told_by_status if self.cli.status else told_by_progress
            return told(self.line.events, state)
        return told_by_title(self.line.events, state, self.cli.titles) if self.cli.titles else state

    def save(self, path: Path, notes: list[str]) -> None:
        columns, rows = self.size
        header = {"version": 2, "width": columns, "height": rows, "env": {"TERM": "xterm-256color"}}
        lines = [header, *([at, kind, text] for at, kind, text in self.line.events)]
        path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines), encoding="utf-8")
        truth = {
            "cli": REGISTRY[self.cli.agent].name,
            "version": self.cli.version,
            "scenario": path.stem.partition("-")[2],
            "columns": columns,
            "rows": rows,
            "end": self.now(),
            "states": sorted(self._told(state) for state in self.line.true),
            "notes": [*notes, f"drawn: [label, first seen] (screen-derived, information only) {self.line.drawn}"],
        }
        path.with_suffix(".json").write_text(json.dumps(truth, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def told_by_title(events: Sequence[tuple[float, str, str]], state: State, signs: str) -> State:
    """The state from when the CLI's own title says so: with the sign of a question, or without a sign."""
    when, name = state
    works, asks = signs[0], signs[1]
    for at, kind, text in events:
        for title in _TITLE.findall(text) if kind == "o" and at >= when else ():
            if title[:1] == asks if name == "approval" else title[:1] not in (works, asks):
                return at, name
    return state


def told_by_progress(events: Sequence[tuple[float, str, str]], state: State) -> State:
    """The state from when the CLI's own progress is over."""
    when, name = state
    return next(((at, name) for at, kind, text in events if kind == "o" and at >= when and _OVER in text), state)


def told_by_paste_mode(events: Sequence[tuple[float, str, str]], state: State) -> State:
    """The state from when the CLI reads a line again."""
    when, name = state
    return next(((at, name) for at, kind, text in events if kind == "o" and at >= when and _READS in text), state)


def told_by_status(events: Sequence[tuple[float, str, str]], state: State) -> State:
    """The state from when the CLI's status file says that it works no more."""
    when, name = state
    over = (at for at, kind, text in events if kind == SIGNAL_KIND and at >= when and "running" not in text)
    return next(((at, name) for at in over), state)


Scenario = Callable[[Watched], Awaitable[None]]


@contextlib.asynccontextmanager
async def watched(
    cli: Cli, folder: Path | None = None, size: tuple[int, int] = (100, 30), *, probed: bool = True
) -> AsyncIterator[Watched]:
    eyes = Watched(cli, size, probed=probed)
    with contextlib.ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gc-rec-", dir="/var/tmp")))
        async with spawned_vital(eyes.look(), "look"), running(cli, place, size, eyes.attach) as eyes.agent:
            eyes.true("idle")
            await eyes.settles()
            await asyncio.sleep(2.0)
            yield eyes
            eyes.eyes.close()


@contextlib.asynccontextmanager
async def unprepared(cli: Cli, size: tuple[int, int], change: Change) -> AsyncIterator[Watched]:
    """Before it can be talked to: something of what it needs is missing."""
    eyes = Watched(cli, size)
    with tempfile.TemporaryDirectory(prefix="gc-rec-", dir="/var/tmp") as folder:
        place = Place(Path(folder, "home"), Path(folder, "work"), "")
        place.home.mkdir()
        place.work.mkdir()
        async with Model(cli.dialect()) as model, outside() as world:
            place = replace(place, model=model.url)
            launch = cli.launch(place, cli.program)
            env = {**launch.env, **world.env}
            change(place, env)
            async with terminal(launch.argv, env, cwd=place.work, columns=size[0], lines=size[1]) as pty:
                eyes.attach(pty)
                async with spawned_vital(eyes.look(), "look"):
                    yield eyes
                eyes.eyes.close()
