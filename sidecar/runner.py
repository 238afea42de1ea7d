"""The only place where loop, terminal, room and decisions meet."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog

from gateway.client import Endpoint, write_private
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import Control, ControlAction, MemberAction, MemberEvent, Message, Receipt, Welcome
from gateway.protocol.requests import Bye
from gateway.protocol.results import DeliveryList, Done, MessageDetail, WaitingList
from gateway.protocol.types import EVERYONE, Activity
from sidecar.activity.activity import CALM
from sidecar.activity.explain import explanation
from sidecar.activity.observation_loop import Lookout
from sidecar.activity.observer import Moment, Watch
from sidecar.agents import plain_environment
from sidecar.agents.adapter.adapter import Child, Place
from sidecar.approvals.approval_relay import Asking
from sidecar.connection import tools_proxy
from sidecar.connection.background_tasks import guarded, nothing_on_the_screen
from sidecar.connection.room_connection import Forgotten
from sidecar.connection.room_reporter import Outbox, Room
from sidecar.delivery.attachment_files import AttachedFiles
from sidecar.delivery.backlog import Past
from sidecar.delivery.delivery_loop import Courier
from sidecar.delivery.delivery_progress import Ledger, Me
from sidecar.delivery.ghost_log import ghost_for, ghost_text
from sidecar.delivery.stop_rules import StopOrder
from sidecar.delivery.terminal_writer import Writer
from sidecar.delivery.typist import Hands
from sidecar.inspect_socket import Peephole
from sidecar.messages.plain_output import PlainTurns
from sidecar.messages.recovery import outcomes
from sidecar.messages.replies import Reply
from sidecar.orders.room_orders import Orders
from sidecar.orders.stop_order import Stop
from sidecar.process.agent_folder import private_tmux
from sidecar.process.delivery_journal import JOURNAL, Journal
from sidecar.process.run_journal import Diary
from sidecar.process.run_plan import Plan
from sidecar.process.supervisor import crash_of
from sidecar.screen.evidence import TurnFact, is_abort, keys_in
from sidecar.screen.rule_files import Rulebook
from sidecar.screen.rules import Rules
from sidecar.sources.hook_server import listening
from sidecar.sources.status_file import StatusFile
from sidecar.sources.turn_listener import Ears
from sidecar.terminal.host_terminal import headless_size
from sidecar.terminal.human_input import Human, follow_into_stop, keys_of, signalled
from sidecar.terminal.output_relay import Passage
from sidecar.terminal.pty import Terminal

GOODBYE = 2.0
BY_NOBODY_KNOWN, AT_TERMINAL = "before an answer", "at its terminal"
WRITTEN_BY = 0.2  # after its turn an agent writes its transcript
__all__ = ["Plan", "Runner"]
log = structlog.get_logger("sidecar")


def wall() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _unheard(_: bytes) -> None:
    """The emulator's answers, where a real terminal gives its own."""


def _settle_memory() -> None:
    """What was made at the start stays: no collection while a person types walks it again."""
    gc.collect()
    gc.freeze()


def _is_prompt(rules: Rules, row: str) -> bool:
    idle = (one for one in rules.rules if one.region == "cursor_row" and one.says is Activity.IDLE)
    return any(rule.matcher.matches(row) for rule in idle)


class Runner:
    """One agent, from its start to its end."""

    def __init__(self, plan: Plan, room: Room, human: Human, endpoint: Callable[[], Endpoint] | None = None) -> None:
        """`endpoint` is where the agent's own tools reach the room; without it there are none."""
        self._plan, self._room, self._human, self._endpoint = plan, room, human, endpoint
        self._loop = asyncio.get_running_loop()
        self._size = human.size or headless_size(plan.env)
        alone = human.size is None
        rulebook = Rulebook.of(plan.agent.rules, plan.env)
        watch = Watch(plan.agent, *self._size, reply=self._answer if alone else _unheard, rulebook=rulebook)
        self._eyes = Lookout(watch, self._changed, self._in_foreground, prompt=alone)
        self._plain = (
            None
            if plan.agent.proves
            else PlainTurns(partial(_is_prompt, plan.agent.rules), lambda: self._eyes.watch.screen.size[0])
        )
        shown = self._eyes.shown if self._plain is None else self._shown_and_heard
        self._passage = Passage(human.screen, plan.agent.probe, shown, self._answer)
        self._ears = Ears(plan, self._eyes.signal)
        self._diary = Diary(plan.folder, plan.agent.name)
        self._ears.in_session = self._diary.session
        self._outbox = Outbox(room, wall)
        self._ghost = ghost_for(plan.env, self._write_title, somebody=human.screen is not None)
        self._trouble, self._haunting, self._ends_turn = "", False, BY_NOBODY_KNOWN
        self._ending = asyncio.Event()
        self._present = {one.name for one in room.welcome.members}
        self.was_recognised = self.crashed = self.wanted_again = self._welcomed = False

    async def run(self) -> int:
        """The child's exit status."""
        self._eyes.watch.screen.rehearse()
        _settle_memory()
        with nothing_on_the_screen(), signalled(self._ends()), self._human.raw():
            async with listening(self._ears.hook) as address, self._door() as door:
                self._start(await self._prepared(self._place(address, door)))
                try:
                    with signalled(self._changes()), keys_of(self._human, self._pressed, self.stop):
                        return await self._live()
                finally:
                    self._give_back()

    def _door(self) -> AbstractAsyncContextManager[tools_proxy.Door | None]:
        return tools_proxy.opened(self._room, self._endpoint, self._plan.agent.tool_patience)

    def _place(self, address: str, door: tools_proxy.Door | None) -> Place:
        plan = self._plan
        place = Place(plan.project, plan.folder, address, plan.session or str(uuid.uuid4()), plan.env)
        return replace(place, tools=door.url, key=door.key) if door else place

    async def _prepared(self, place: Place) -> Place:
        """What takes its time to find out before a launch must not hold up the loop."""
        known = await asyncio.to_thread(self._plan.agent.prepare, self._plan.command, place)
        return replace(place, known=known)

    def _start(self, place: Place) -> None:
        plan = self._plan
        welcome = self._room.welcome
        self._journal = Journal(plan.folder / JOURNAL, welcome.house, welcome.run, welcome.began)
        before = None if self._journal.moved else self._ears.earlier()
        launch = plan.agent.launch(plan.command, place)
        for path, text in launch.files.items():
            write_private(path, text)
        self._ears.follow(launch.transcript)
        self._ears.call_session(launch.session)
        own = {"TMUX_TMPDIR": str(private_tmux(plan.folder))}
        env = {**plain_environment(plan.env), **own, **launch.env, **self._diary.begins(launch.command)}
        started = time.time()
        self._terminal = Terminal(
            launch.command, env, plan.project, self._size, self._passage.printed, inherited=plan.inherited
        )
        self._diary.began(self._terminal.pid)
        self._eyes.unread = self._terminal.unread
        self._passage.source = self._terminal
        self._eyes.reader = self._terminal.reader
        self._ears.child = child = Child(place, self._terminal.pid, started)
        self._eyes.status = StatusFile(plan.agent, child)
        self._attached = AttachedFiles(partial(plan.agent.reads_in, child))
        self._bring(before)

    def _bring(self, before: Sequence[TurnFact] | None) -> None:
        """What types and tells, now that there is somebody to type to."""
        plan = self._plan
        self._writer = Writer(self._typed, lambda: self._terminal.unwritten)
        shown = (self._names, self._haunt, self._attached)
        me = Me(plan.name, plan.agent, *shown, plan.interrupts, self._plain, plan.envelope, self._is_name)
        self._ledger = ledger = Ledger(me, self._outbox, self._journal, self._loop.time)
        hands = Hands(plan.agent, self._eyes, self._writer, ledger, self._loop.time)
        self._stop = Stop(plan.name, plan.agent, self, self._terminal.pid, self._loop.time)
        self._courier = Courier(me, self._eyes, hands, ledger, self._loop.time, self._stop.order)
        self._ears.heard = self._told_of_turn
        self._asks = Asking(
            plan.name, plan.agent, self._eyes, self._writer, self._room, self._loop.time, ledger.refused_question
        )
        self._eyes.watching, self._ears.questioned = self._looked, self._asks.questioned
        self._ears.prompted, self._ears.spent = ledger.prompted, ledger.spend
        past = Past(None if before is None else outcomes(before), self._journal.reached, self._journal.unfinished())
        self._orders = Orders(plan.name, self._courier, self, past)

    async def _live(self) -> int:
        self._child_changed()
        self._eyes.soon(0)
        async with self._peephole().opened(self._plan.folder), asyncio.TaskGroup() as group:
            tasks = [group.create_task(guarded(name, job), name=name) for name, job in self._jobs().items()]
            status = await self._terminal.exited
            self._note_end(status)
            for task in tasks:
                task.cancel()
        await self._say_goodbye()
        await self._leave_screen()
        if not (self.crashed or self.wanted_again):
            self._attached.clear()
        if not self._ending.is_set() and not self.crashed:
            self._diary.ended()
        return status

    def _note_end(self, status: int) -> None:
        """Killed; or failed with the terminal still in its modes: a launcher says so little of its worker's death."""
        left_on = status != 0 and self._eyes.watch.screen.give_back()
        self.crashed = not self._ending.is_set() and bool(crash_of(status) or left_on)
        self._courier.agent_ended(comes_back=self.crashed or self.wanted_again)
        self.was_recognised = self._eyes.since_ready() >= 0

    def _jobs(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "courier": self._courier.run,
            "backlog": self._orders.backlog.run,
            "outbox": lambda: self._outbox.run(self._ledger),
            "asks": self._asks.run,
            "stop": self._stop.run,
            "listen": self._listen,
            "follow": lambda: self._ears.listen(self._courier.something_in_hand),
            "ghost": self._ghost.run,
            "end": self._end,
        }

    # Going

    def stop(self) -> None:
        self._ending.set()

    def restart(self) -> None:
        """The agent ends, and the supervisor starts it again with its conversation."""
        self.wanted_again = True
        self.stop()

    async def _end(self) -> None:
        await self._ending.wait()
        await self._terminal.stop()

    async def _say_goodbye(self) -> None:
        self._eyes.exited()
        await self._courier.step()
        with contextlib.suppress(TimeoutError, OSError, GroupChatError):
            async with asyncio.timeout(GOODBYE):
                await self._outbox.flush(self._ledger)
                await self._ghost.close()
                await self._room.request(Bye(), Done)

    async def _leave_screen(self) -> None:
        """All that was printed is shown, and a program that was killed leaves no mode behind."""
        self._passage.say(self._eyes.watch.screen.give_back())
        await self._passage.drained(GOODBYE)

    def _give_back(self) -> None:
        self._eyes.close()
        self._ears.close()
        self._terminal.close()
        self._passage.close()
        self._eyes.watch.screen.close()
        self._journal.close()

    # From the agent

    def _shown_and_heard(self, data: bytes) -> None:
        self._eyes.shown(data)
        if self._plain:
            self._plain.feed(data)

    def _answer(self, data: bytes) -> None:
        self._writer.answer(data)

    def _peephole(self) -> Peephole:
        return Peephole(self._explain, self._save, self._eyes.looked)

    def _explain(self) -> dict[str, Any]:
        moment = self._eyes.look()
        waiting = [
            {"number": one.number, "from": one.message.from_, "rung": str(one.rung), "reason": one.reason}
            for one in self._courier.inbox.waiting()
        ]
        process = {"pid": self._terminal.pid, "stopped": self._terminal.stopped, "reads": self._in_foreground()}
        own = {"name": self._plan.name, "command": list(self._plan.command), "process": process, "waiting": waiting}
        return {**own, **explanation(self._eyes.watch, moment, self._loop.time())}

    def _save(self) -> dict[str, Any]:
        return {**self._explain(), "cast": "".join(self._eyes.recent.cast(self._loop.time()))}

    def _changed(self, moment: Moment) -> None:
        verdict = moment.verdict
        self._outbox.activity(verdict.activity, verdict.composer, "; ".join(verdict.because))
        log.info("=", activity=str(verdict.activity), composer=str(verdict.composer), because=verdict.because)
        self._courier.wake()
        if verdict.activity in CALM and self._courier.ledger.share == "all":
            self._loop.call_later(WRITTEN_BY, self._ears.catch_up)

    def _told_of_turn(self, fact: TurnFact) -> None:
        self._stop.fact(fact)
        self._courier.fact(fact)

    def _looked(self, moment: Moment) -> None:
        self._asks.looked(moment)
        self._stop.looked(moment)
        if title := self._eyes.watch.signals.get("title"):
            self._ghost.overwritten(title.at)

    def _in_foreground(self) -> bool:
        """Whether what is typed is read by the agent itself, and read at all."""
        mine = self._plan.agent.submit.echoes or self._terminal.in_foreground()
        return mine and not self._terminal.stopped

    def _haunt(self) -> None:
        """Shown once for all that changes in one turn of the loop."""
        if not self._haunting:
            self._haunting = True
            self._loop.call_soon(self._show_what_waits)

    def _show_what_waits(self) -> None:
        self._haunting = False
        inbox = self._courier.inbox
        self._ghost.show(self._trouble or ghost_text(inbox.waiting(), inbox.count))

    def _write_title(self, text: str) -> bool:
        """Only between two sequences of the agent; without a message, the agent's own title again."""
        watch = self._eyes.watch
        if watch.screen.at_ground:
            self._passage.say(b"\x1b]0;" + (text or watch.title).encode() + b"\x07")
        return watch.screen.at_ground

    # From the person

    def _pressed(self, data: bytes) -> None:
        self._pressed_by(data, AT_TERMINAL)
        self._asks.pressed(data)

    def _pressed_by(self, data: bytes, how: str) -> None:
        self._put_in(data, how)
        self._eyes.keys(data)

    def _put_in(self, keys: bytes, how: str) -> None:
        self._ends_turn = how
        self._writer.keys(keys)
        self._ends_turn = BY_NOBODY_KNOWN

    def _typed(self, data: bytes) -> None:
        """The one way into the terminal: whoever ends a turn by a key is known here."""
        if is_abort(keys_in(data)):
            self._courier.cut(self._ends_turn)
        self._terminal.write(data)

    def _ends(self) -> dict[signal.Signals, Callable[[], None]]:
        return dict.fromkeys((signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT), self.stop)

    def _changes(self) -> dict[signal.Signals, Callable[[], None]]:
        return {signal.SIGWINCH: self._resized, signal.SIGCHLD: self._child_changed}

    def _resized(self) -> None:
        if size := self._human.size:
            self._eyes.resized(*size)
            self._terminal.resize(*size)

    def _child_changed(self) -> None:
        follow_into_stop(self._human, self._terminal, self._resized)

    # From the room

    def _names(self) -> list[str]:
        return sorted(self._present)

    def _is_name(self, word: str) -> bool:
        """Whether `@word` means somebody here, and no file that the agent could read instead."""
        known = word.lower() == EVERYONE or word.lower() in self._present
        return known and not os.path.lexists(self._plan.project / word)

    async def _listen(self) -> None:
        """The first welcome counts once: what it says may have changed since."""
        if not self._welcomed:
            self._asks.welcome(self._room.welcome)
            self._present = {one.name for one in self._room.welcome.members}
            self._orders.welcome(self._room.welcome)
            self._welcomed = True
        async for event in self._room.events():
            await self._heard(event)

    async def _heard(self, event: Any) -> None:
        """One event that fails takes no other with it."""
        try:
            await self._handle(event)
        except Exception:
            log.exception("an event was lost", kind=type(event).__name__)

    async def _handle(self, event: Any) -> None:
        match event:
            case Message():
                self._orders.message(event)
            case Control(action=ControlAction.ANSWER):
                self._asks.order(event)
            case Control():
                await self._orders.control(event)
            case Receipt():
                self._orders.receipt(event)
            case MemberEvent():
                here = event.action is not MemberAction.LEFT
                (self._present.add if here else self._present.discard)(event.member.name)
            case Forgotten():
                self._trouble = f"[CSP not in the room] {event.reason}"
                self._haunt()
            case Welcome():
                self._trouble = ""
                self._haunt()
                self._present = {one.name for one in event.members}
                self._eyes.again()
                self._asks.welcome(event)
                self._orders.connected(event.last_seq)
                self._orders.welcome(event)
        self._eyes.soon()

    # Hands, for orders

    async def fetch(self, number: int) -> MessageDetail | None:
        return await self._outbox.fetch(number)

    async def begun_after(self, number: int) -> DeliveryList:
        return await self._outbox.begun_after(number)

    async def waiting_after(self, number: int, limit: int) -> WaitingList:
        return await self._outbox.waiting_after(number, limit)

    def press(self, keys: Sequence[bytes], by: str) -> None:
        """As a person's: whoever looks at the screen must know that it is not the agent who typed."""
        for key in keys:
            self._pressed_by(key, f"by {by}")

    def stop_turn(self, order: StopOrder) -> None:
        if self._stop.order(order):
            self._courier.may_come_back()

    def end_turn(self, how: str) -> None:
        """A message that is being typed is put back, and delivered next."""
        self._asks.refused(how)
        self._put_in(self._plan.agent.interrupt, how)
        self._eyes.soon(0)

    def tell(self, name: str, text: str, number: int) -> None:
        """To one member alone, of an order that it gave."""
        self._outbox.say(Reply(text, (f"@{name}",), "", None, f"order-{self._plan.name}-{number}"))

    def look(self) -> Moment:
        return self._eyes.look()
