"""The only place where loop, terminal, room and decisions meet."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from gateway.client import write_private
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import Control, Message, Receipt, Welcome
from gateway.protocol.nouns import Activity, Composer
from gateway.protocol.requests import Bye
from gateway.protocol.results import Done
from sidecar.agents import Agent, Launch, plain_environment
from sidecar.agents.agent import Place
from sidecar.courier import Courier, Me
from sidecar.ghost import Ghost, PaneBorder, WindowTitle, ghost_text
from sidecar.hooks import listening
from sidecar.human import Human
from sidecar.jobs import guarded
from sidecar.orders import Orders
from sidecar.private import read_line
from sidecar.room import Outbox, Room
from sidecar.signals import ProbeFilter, TurnFact
from sidecar.terminal import CHUNK, HIGH_WATER, Terminal
from sidecar.transcript import Tail, consumed
from sidecar.tty import GIVE_BACK, Output, headless_size
from sidecar.watch import PAUSE, Moment, Watch
from sidecar.writer import Writer

TAIL_EVERY = 0.05
PROBE_WAIT = 0.02
GOODBYE = 2.0
log = structlog.get_logger("sidecar")


@dataclass(frozen=True)
class Plan:
    """What to run, as whom, where. `folder` is ours alone."""

    name: str
    agent: Agent
    command: tuple[str, ...]
    project: Path
    folder: Path
    env: Mapping[str, str]


def wall() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Runner:
    """One agent, from its start to its end."""

    def __init__(self, plan: Plan, room: Room, human: Human) -> None:
        self._plan, self._room, self._human = plan, room, human
        self._loop = asyncio.get_running_loop()
        size = human.size or headless_size(plan.env)
        reply = (lambda _: None) if human.size else self._answer
        self._watch = Watch(plan.agent, *size, reply=reply)
        self._probe = ProbeFilter(plan.agent.probe)
        self._probe_timer: asyncio.TimerHandle | None = None
        self._outbox = Outbox(room, wall)
        self._look_timer: asyncio.TimerHandle | None = None
        self._told: tuple[Activity, Composer] | None = None
        self._size = size
        self._note = plan.folder / "transcript"
        self._tail = Tail(plan.agent, None)
        self._before: frozenset[int] | None = None
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._output = Output(human.screen, self._loop, self._drained) if human.screen is not None else None
        self._ghost: Ghost = (
            PaneBorder(plan.env)
            if plan.env.get("TMUX") and plan.env.get("TMUX_PANE") and human.screen is not None
            else WindowTitle(self._write_title)
        )

    async def run(self) -> int:
        """The child's exit status."""
        async with listening(self._hook) as address:
            launch = self._launch(address)
            env = {**plain_environment(self._plan.env), **launch.env}
            self._terminal = Terminal(launch.command, env, self._plan.project, self._size, self._printed)
            self._writer = Writer(self._terminal.write, lambda: self._terminal.unwritten)
            me = Me(self._plan.name, self._plan.agent, self._names, self._haunt)
            self._courier = Courier(me, self, self._writer, self._outbox, self._loop.time)
            self._orders = Orders(self._plan.name, self._courier, self, self._before)
            with self._signals(), self._keyboard():
                try:
                    return await self._live()
                finally:
                    self._give_back()

    async def _live(self) -> int:
        jobs = {
            "courier": self._courier.run,
            "outbox": self._outbox.run,
            "listen": self._listen,
            "follow": self._follow,
            "ghost": self._ghost.run,
        }
        self._look_soon(0)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(guarded(name, job), name=name) for name, job in jobs.items()]
            status = await self._terminal.exited
            for task in tasks:
                task.cancel()
        await self._say_goodbye()
        await self._leave_screen()
        return status

    def _launch(self, address: str) -> Launch:
        plan = self._plan
        place = Place(plan.project, plan.folder, address, str(uuid.uuid4()), plan.env)
        launch = plan.agent.launch(plan.command, place)
        for path, text in launch.files.items():
            write_private(path, text)
        if (earlier := read_line(self._note)) and Path(earlier).is_file():
            self._before = frozenset(consumed(plan.agent, Path(earlier)))
        self._tail.follow(launch.transcript)
        if launch.transcript:
            write_private(self._note, str(launch.transcript))
        return launch

    async def _say_goodbye(self) -> None:
        self._watch.exited()
        self._look()
        await self._courier.step()
        with contextlib.suppress(TimeoutError, OSError, GroupChatError):
            async with asyncio.timeout(GOODBYE):
                await self._outbox.flush()
                await self._ghost.close()
                await self._room.request(Bye(), Done)

    async def _leave_screen(self) -> None:
        """All that was printed is shown, and a program that was killed leaves no mode behind."""
        if self._output is None:
            return
        picture = self._watch.screen.picture()
        if picture.alternate or picture.bracketed_paste or not picture.cursor_visible:
            self._output.write(GIVE_BACK)
        await self._output.drained(GOODBYE)

    def _give_back(self) -> None:
        for timer in (self._look_timer, self._probe_timer):
            if timer:
                timer.cancel()
        self._terminal.close()
        if self._output:
            self._output.close()
        self._watch.screen.close()

    # Eyes, for the courier

    def look(self) -> Moment:
        return self._watch.look(self._loop.time())

    def since_key(self) -> float:
        return self._loop.time() - self._watch.last_key

    def since_ready(self) -> float:
        return self._loop.time() - self._watch.ready_at

    def in_foreground(self) -> bool:
        return self._plan.agent.submit.echoes or self._terminal.in_foreground()

    def entered(self) -> None:
        self._watch.entered(self._loop.time())

    # From the agent

    def _printed(self, data: bytes) -> None:
        if self._probe_timer:
            self._probe_timer.cancel()
            self._probe_timer = None
        visible, answer = self._probe.feed(data)
        if answer:
            self._writer.answer(answer)
        self._show(visible)
        if self._probe.holding:
            self._probe_timer = self._loop.call_later(PROBE_WAIT, self._let_through)

    def _let_through(self) -> None:
        self._probe_timer = None
        self._show(self._probe.flush())

    def _show(self, data: bytes) -> None:
        if self._output:
            self._output.write(data)
            if self._output.pending > HIGH_WATER:
                self._terminal.hold_output()
        self._watch.output(data, self._loop.time())
        self._look_soon(PAUSE)

    def _drained(self) -> None:
        self._terminal.resume_output()

    def _answer(self, data: bytes) -> None:
        self._writer.answer(data)

    def _look_soon(self, seconds: float) -> None:
        when = self._loop.time() + seconds
        if self._look_timer is None or self._look_timer.when() > when + 1e-4:
            if self._look_timer:
                self._look_timer.cancel()
            self._look_timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        if self._look_timer:
            self._look_timer.cancel()
        self._look_timer = None
        now = self._loop.time()
        verdict = self._watch.look(now).verdict
        if verdict.look_again is not None:
            self._look_soon(verdict.look_again - now)
        if (verdict.activity, verdict.composer) != self._told:
            self._told = (verdict.activity, verdict.composer)
            self._outbox.activity(verdict.activity, verdict.composer, "; ".join(verdict.because))
            log.info("=", activity=str(verdict.activity), composer=str(verdict.composer), because=verdict.because)
            self._courier.wake()

    def _haunt(self) -> None:
        self._ghost.show(ghost_text(self._courier.inbox.waiting()))

    def _hook(self, event: Mapping[str, object]) -> Mapping[str, object]:
        path = event.get("transcript_path")
        if isinstance(path, str) and path and Path(path) != self._tail.path:
            self._tail.follow(Path(path))
            write_private(self._note, path)
        fact = self._plan.agent.hook(event)
        if fact:
            self._fact(fact)
        return {}

    def _fact(self, fact: TurnFact) -> None:
        log.info("fact", kind=str(fact.kind), source=str(fact.source))
        self._courier.fact(fact)

    async def _follow(self) -> None:
        """The transcript is read only while something waits for its proof."""
        while True:
            await self._courier.something_in_hand()
            await asyncio.sleep(TAIL_EVERY)
            for fact in self._tail.new():
                self._fact(fact)

    # From the person

    @contextlib.contextmanager
    def _keyboard(self) -> Iterator[None]:
        if self._human.keys is None:
            yield
            return
        self._loop.add_reader(self._human.keys, self._pressed, self._human.keys)
        try:
            yield
        finally:
            self._loop.remove_reader(self._human.keys)

    def _pressed(self, fd: int) -> None:
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._watch.keys(data, self._loop.time())
            self._writer.keys(data)
        else:
            self._loop.remove_reader(fd)
            self.stop()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        handlers = {
            signal.SIGWINCH: self._resized,
            signal.SIGTERM: self.stop,
            signal.SIGHUP: self.stop,
            signal.SIGINT: self.stop,
        }
        for number, handler in handlers.items():
            self._loop.add_signal_handler(number, handler)
        try:
            yield
        finally:
            for number in handlers:
                self._loop.remove_signal_handler(number)

    def _resized(self) -> None:
        if size := self._human.size:
            self._watch.resize(*size)
            self._terminal.resize(*size)
            self._look_soon(PAUSE)

    _stopping: asyncio.Task[int] | None = None

    def stop(self) -> None:
        if self._stopping is None:
            self._stopping = self._loop.create_task(self._terminal.stop(), name="stop")

    def _write_title(self, text: str) -> None:
        """Only between two sequences of the agent; without a message, the agent's own title again."""
        if self._output and self._watch.screen.at_ground:
            title = text or self._watch.title
            self._output.write(b"\x1b]0;" + title.encode() + b"\x07")

    # From the room

    def _names(self) -> list[str]:
        return [member.name for member in self._room.welcome.members]

    async def _listen(self) -> None:
        await self._orders.welcome(self._room.welcome)
        async for event in self._room.events():
            await self._handle(event)

    async def _handle(self, event: Any) -> None:
        match event:
            case Message():
                self._orders.message(event)
            case Control():
                await self._orders.control(event)
            case Receipt():
                self._orders.receipt(event)
            case Welcome():
                self._told = None
                self._look_soon(0)
                await self._orders.welcome(event)
        self._look_soon(PAUSE)

    # Hands, for orders

    async def fetch(self, number: int) -> Message | None:
        return await self._outbox.fetch(number)

    def press(self, keys: Sequence[bytes]) -> None:
        for key in keys:
            self._writer.keys(key)
