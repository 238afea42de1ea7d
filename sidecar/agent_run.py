"""One agent, from its start to its end: start, loop and end are the three steps of `Runner.run`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

from gateway.client import Endpoint
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests.connection_requests import Bye
from gateway.protocol.results import Done
from sidecar.agents.adapter.adapter import LaunchContext
from sidecar.connection import agent_mcp_proxy
from sidecar.connection.background_tasks import redirect_errors_to_log, run_guarded
from sidecar.connection.room_reporter import RoomClient
from sidecar.connection.sealed_tools import SealedTools, ToolsRoom
from sidecar.connection.sealing import NO_SEALING
from sidecar.conversation.conversation_preview import can_come_back
from sidecar.conversation.conversation_recorder import ConversationKeeper
from sidecar.conversation.resume_refusal_text import refusal_text
from sidecar.delivery.backlog import EarlierRun
from sidecar.evidence_sources.hook_server import HookAddress, answering, reserved
from sidecar.evidence_sources.last_transcript import earlier
from sidecar.explain_socket import ExplainSocket
from sidecar.messages.recovery import turn_outcomes
from sidecar.run_files.delivery_journal import JOURNAL_FILE, DeliveryJournal
from sidecar.run_files.kept_answers_file import open_kept_answers
from sidecar.run_files.run_plan import RunPlan
from sidecar.run_files.sealed_turn_file import open_sealed_turn
from sidecar.run_files.startup_lock import StartTurn
from sidecar.runtime.agent_input import AT_TERMINAL
from sidecar.runtime.agent_launch import launched, prepared
from sidecar.runtime.assembly import RunContext, RunHistory, SidecarParts, assembled
from sidecar.runtime.shutdown import Shutdown
from sidecar.screen.emulator import rehearse
from sidecar.supervision.exit_report import ConversationChoice, ExitKind, ExitReport
from sidecar.supervision.supervisor import NextRun, SidecarExit, crash_signal_of, decide_next_run
from sidecar.terminal.person_at_terminal import HumanTerminal, follow_into_stop, forward_keys, handle_signals
from sidecar.terminal.raw_terminal import headless_size

GOODBYE_S = 2.0
REFUSAL_TIMEOUT_S = 120.0  # an agent that ends sooner than this did not resume its earlier conversation
__all__ = ["RunPlan", "Runner"]


class Runner:
    def __init__(  # noqa: PLR0913, PLR0917 - its collaborators
        self,
        plan: RunPlan,
        room: RoomClient,
        human: HumanTerminal,
        endpoint: Callable[[], Endpoint] | None = None,
        start_turn: StartTurn | None = None,
        sealing: ToolsRoom | None = None,
    ) -> None:
        """`endpoint` is where the agent's MCP tools reach the room. Without it there are no tools. `start_turn` is
        given back when the agent has started. `sealing` seals what may not leave this machine in plain text."""
        self._sealing = sealing
        self._sealed_turn = open_sealed_turn(plan.folder, begins_anew=_begins_anew(plan))
        self._plan, self._room, self._human, self._endpoint = plan, room, human, endpoint
        self._start_turn = start_turn
        self._size = human.size or headless_size(plan.env)
        self._shutdown = Shutdown()
        self.exit_report = ExitReport(ExitKind.ENDED)

    def stop(self) -> None:
        self._shutdown.stop()

    async def run(self) -> int:
        """Returns the child's exit status; `exit_report` then says how it ended."""
        self._began = asyncio.get_running_loop().time()
        rehearse(*self._size)
        _freeze_garbage()
        with redirect_errors_to_log(), handle_signals(_ends(self.stop)), self._human.raw():
            async with self._start() as parts:
                status = await self._loop(parts)
                await self._end(parts)
        return status

    # Start

    @contextlib.asynccontextmanager
    async def _start(self) -> AsyncIterator[SidecarParts]:
        """The agent runs, its output is shown, its hooks are answered, and a person's keys reach it."""
        async with reserved() as hooks, self._open_tools_proxy() as tools:
            place = await prepared(self._plan, self._place(hooks, tools))
            with contextlib.ExitStack() as stack:
                parts = self._launch(place, stack)
                stack.enter_context(answering(hooks, parts.turn_listener.hook))
                stack.enter_context(handle_signals(self._changes(parts)))
                stack.enter_context(forward_keys(self._human, lambda keys: _pressed(parts, keys), self.stop))
                yield parts

    def _open_tools_proxy(self) -> contextlib.AbstractAsyncContextManager[agent_mcp_proxy.ToolsAddress | None]:
        patience = self._plan.agent.launching.tool_patience_s
        sealed = SealedTools(self._sealing, patience, self._sealed_turn) if self._sealing is not None else None
        return agent_mcp_proxy.open_tools_proxy(self._room, self._endpoint, patience, sealed)

    def _place(self, hooks: HookAddress, tools: agent_mcp_proxy.ToolsAddress | None) -> LaunchContext:
        plan = self._plan
        place = LaunchContext(plan.project, plan.folder, hooks.url, plan.session or str(uuid.uuid4()), plan.env)
        return replace(place, tools=tools.url, key=tools.key) if tools else place

    def _launch(self, place: LaunchContext, stack: contextlib.ExitStack) -> SidecarParts:
        plan, welcome = self._plan, self._room.welcome
        journal = DeliveryJournal(plan.folder / JOURNAL_FILE, welcome.store_id, welcome.run, welcome.began)
        stack.callback(journal.close)
        facts = None if journal.moved else earlier(plan.agent, plan.folder)
        past = EarlierRun(
            None if facts is None else turn_outcomes(facts), journal.record_progress, journal.unfinished()
        )
        sealing = (self._sealing or NO_SEALING, self._sealed_turn)
        given = RunContext(plan, self._room, self._human, self._size, self._shutdown, self._start_turn, *sealing)
        history = RunHistory(journal, past, open_kept_answers(plan.folder, moved=journal.moved))
        parts = assembled(given, launched(plan, place, self._size), history)
        stack.callback(_give_back, parts)
        parts.terminal.begin_output(parts.output_relay.relay)
        return parts

    # Loop

    async def _loop(self, parts: SidecarParts) -> int:
        """Run until the agent ends; return its exit status."""
        self._child_changed(parts)
        parts.observation_loop.soon(0)
        explain_socket = ExplainSocket(parts.inspection.explain, parts.inspection.save, parts.observation_loop.looked)
        async with explain_socket.opened(self._plan.folder), asyncio.TaskGroup() as group:
            jobs = self._jobs(parts).items()
            tasks = [group.create_task(run_guarded(name, job), name=name) for name, job in jobs]
            status = await parts.terminal.exited
            self._note_end(parts, status)
            for task in tasks:
                task.cancel()
        return status

    def _jobs(self, parts: SidecarParts) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "look": parts.observation_handler.run,
            "deliveries": parts.delivery_loop.run,
            "backlog": parts.orders.backlog.run,
            "reports": lambda: parts.reporter.run(parts.progress),
            "approvals": parts.approval_relay.run,
            "stop": parts.stop.run,
            "listen": parts.events.run,
            "follow": lambda: parts.turn_listener.listen(parts.delivery_loop.wait_while_in_hand),
            "ghost": parts.ghost.run,
            "show": parts.terminal_stream.run,
            "work": parts.work.run,
            "end": lambda: self._stop_when_told(parts),
        }

    async def _stop_when_told(self, parts: SidecarParts) -> None:
        await self._shutdown.wait()
        await parts.terminal.stop()

    def _changes(self, parts: SidecarParts) -> dict[signal.Signals, Callable[[], None]]:
        return {
            signal.SIGWINCH: lambda: self._resized(parts),
            signal.SIGCHLD: lambda: self._child_changed(parts),
        }

    def _resized(self, parts: SidecarParts) -> None:
        if size := self._human.size:
            parts.observation_loop.note_resize(*size)
            parts.terminal.resize(*size)

    def _child_changed(self, parts: SidecarParts) -> None:
        follow_into_stop(self._human, parts.terminal, lambda: self._resized(parts))

    # End

    def _note_end(self, parts: SidecarParts, status: int) -> None:
        """The agent crashed if a signal killed it, or if it failed and left terminal modes on: some launchers do not
        report that their worker was killed."""
        left_on = status != 0 and parts.observation_loop.watch.screen.give_back()
        crashed = not self._shutdown.told and bool(crash_signal_of(status) or left_on)
        was_recognised = parts.observation_loop.since_ready() >= 0
        self.exit_report = self._how_it_ended(status, crashed=crashed)
        if self._plan.start.resumes and not was_recognised and not self._shutdown.told:
            self._note_failed_return(parts, crashed=crashed)
        parts.delivery_loop.agent_ended(comes_back=self._conversation_goes_on)

    def _how_it_ended(self, status: int, *, crashed: bool) -> ExitReport:
        if self._shutdown.again:
            return ExitReport(ExitKind.ORDERED)
        return ExitReport(ExitKind.DIED if crashed else ExitKind.ENDED, status)

    def _note_failed_return(self, parts: SidecarParts, *, crashed: bool) -> None:
        """The agent ended before it showed itself with its earlier conversation. If a signal killed it, such as for
        want of memory, the conversation is not at fault; nor if a person ended it by a key."""
        keeper = ConversationKeeper(self._plan.agent, parts.launched.conversation.child.place)
        if crashed:
            keeper.note_cut_start(self._plan.session)
            return
        soon = asyncio.get_running_loop().time() - self._began < REFUSAL_TIMEOUT_S
        if soon and parts.observation_loop.since_key() == float("inf"):
            shown = parts.observation_loop.watch.screen.picture()
            keeper.note_refusal(self._plan.session, refusal_text(shown.rows, shown.columns))
            self.exit_report = ExitReport(ExitKind.AFRESH)

    @property
    def _next_run(self) -> NextRun:
        """What the supervisor will do: the same decision as there."""
        if self._shutdown.told and not self._shutdown.again:
            return NextRun(again=False, status=self.exit_report.status)
        return decide_next_run(self._plan.restart, SidecarExit(self.exit_report, 0), self._plan.name)

    @property
    def _conversation_goes_on(self) -> bool:
        return self._next_run.again and self._next_run.conversation is ConversationChoice.RESUME

    async def _end(self, parts: SidecarParts) -> None:
        await self._report_the_last(parts)
        await _leave_screen(parts)
        if not self._conversation_goes_on:
            parts.attached.clear()
        if not self._shutdown.told and self.exit_report.kind is not ExitKind.DIED:
            parts.launched.conversation.run_journal.record_end()

    async def _report_the_last(self, parts: SidecarParts) -> None:
        """An agent that comes back says no goodbye: it has not left the room."""
        parts.observation_handler.last()
        await parts.delivery_loop.step()
        with contextlib.suppress(TimeoutError, OSError, GroupChatError):
            async with asyncio.timeout(GOODBYE_S):
                await parts.reporter.flush(parts.progress)
                await parts.ghost.close()
                if not self._next_run.again:
                    await self._room.request(Bye(), Done)


def _begins_anew(plan: RunPlan) -> bool:
    """Whether the agent certainly has nothing of an earlier conversation. A command of a person's may come back to
    one."""
    return can_come_back(plan.agent, plan.command) and not plan.start.resumes


def _freeze_garbage() -> None:
    """Objects made at the start stay, so no later garbage collection walks them while a person types."""
    gc.collect()
    gc.freeze()


def _ends(stop: Callable[[], None]) -> dict[signal.Signals, Callable[[], None]]:
    return dict.fromkeys((signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT), stop)


def _pressed(parts: SidecarParts, keys: bytes) -> None:
    parts.keys.pressed(keys, AT_TERMINAL)
    parts.approval_relay.note_key_pressed(keys)
    parts.work.pressed(keys)


async def _leave_screen(parts: SidecarParts) -> None:
    """Show everything that was printed, and reset the modes that a killed program left on."""
    parts.output_relay.say(parts.observation_loop.watch.screen.give_back())
    await parts.output_relay.wait_until_drained(GOODBYE_S)


def _give_back(parts: SidecarParts) -> None:
    parts.observation_loop.close()
    parts.turn_listener.close()
    parts.terminal.close()
    parts.output_relay.close()
    parts.observation_loop.watch.screen.close()
