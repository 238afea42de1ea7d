"""One run of a connector: takes its name, waits for the gateway, joins, and answers until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import typer

from gateway.client import find_endpoint, state_folder
from gateway.console.console_output import print_lines
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests.connection_requests import Bye
from gateway.protocol.results import Done
from sidecar.connection.background_tasks import run_guarded
from sidecar.connection.registration import Registration, connect_and_register, registration_advice
from sidecar.connection.room_connection import RoomConnection, connect_to_room
from sidecar.connection.room_reporter import RoomReporter
from sidecar.connectors.connector_events import ConnectorEvents
from sidecar.connectors.connector_interface import Connector, close_connector
from sidecar.connectors.connector_loop import ConnectorLoop, ConnectorPlan
from sidecar.connectors.connector_reports import ConnectorReports
from sidecar.connectors.turn_log import TurnLog
from sidecar.conversation.conversation_file import iso_time
from sidecar.errors import SidecarError
from sidecar.run_files.agent_folder import hold_name
from sidecar.run_files.delivery_journal import JOURNAL_FILE, DeliveryJournal
from sidecar.run_files.sidecar_log import log_to_file
from sidecar.runtime.room_members import RoomMembers
from sidecar.runtime.shutdown import Shutdown
from sidecar.supervision.exit_report import ExitKind, ExitReport
from sidecar.supervision.supervisor_link import SidecarSupervisorLink, signal_hang_up
from sidecar.terminal.person_at_terminal import handle_signals

GOODBYE_S = 2.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


@dataclass(frozen=True)
class ConnectorRun:
    """`reader` is who reads the room; `asks` says what is asked, as in `gpt-5 at OpenAI`."""

    plan: ConnectorPlan
    connector: Connector
    reader: str
    asks: str
    folder: Path
    gateway: str | None


async def run_connector(wish: ConnectorRun, link: SidecarSupervisorLink, env: Mapping[str, str]) -> int:
    plan = wish.plan
    registration = Registration(
        *(plan.me, plan.role or None, Path.cwd(), state_folder(env), wish.folder / JOURNAL_FILE, wish.reader),
        may_seal=False,  # what it streams while a model answers is readable at the gateway
    )
    turn_log = TurnLog(_print_if_somebody_reads)
    with link.watch_supervisor(signal_hang_up):
        try:
            async with hold_name(wish.folder, plan.me):
                log_to_file(wish.folder / "sidecar.log")
                find = partial(find_endpoint, env, gateway=wish.gateway)
                enter = partial(connect_and_register, registration, find, turn_log.line)
                async with connect_to_room(registration, find, enter) as room:
                    shutdown = await _serve(wish, room, turn_log)
                await close_connector(wish.connector)
        except GroupChatError as error:
            raise SidecarError(registration_advice(error, plan.me)) from error
    link.report(ExitReport(ExitKind.ORDERED if shutdown.again else ExitKind.ENDED, 0))
    return 0


def _print_if_somebody_reads(line: str) -> None:
    """The pane may be gone, when the whole session is closed; the room is still told what is to be told."""
    with contextlib.suppress(typer.Exit, OSError):
        print_lines(line)


async def _serve(wish: ConnectorRun, room: RoomConnection, turn_log: TurnLog) -> Shutdown:
    welcome, shutdown = room.welcome, Shutdown()
    journal = DeliveryJournal(wish.folder / JOURNAL_FILE, welcome.store_id, welcome.run, welcome.began)
    reporter = RoomReporter(room, lambda: iso_time(datetime.now(UTC).timestamp()))
    reports = ConnectorReports(reporter, journal, wish.folder, wish.asks)
    members = RoomMembers(Path("/nonexistent"), welcome)
    loop = ConnectorLoop(wish.plan, room, wish.connector, reports, members, turn_log)
    events = ConnectorEvents(wish.plan.me, room, loop, reports, members, turn_log, shutdown.restart)
    turn_log.line(f"{wish.plan.me} is in the room and asks {wish.asks}; what it may read goes there")
    try:
        with handle_signals(dict.fromkeys(STOP_SIGNALS, shutdown.stop)):
            await _run_until(
                shutdown, {"reports": lambda: reporter.run(reports), "listen": events.run, "answer": loop.run}
            )
    finally:
        journal.close()
    await _say_goodbye(room, reporter, reports, shutdown)
    turn_log.line("ended")
    return shutdown


async def _run_until(shutdown: Shutdown, jobs: Mapping[str, Callable[[], Coroutine[Any, Any, None]]]) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run_guarded(name, job), name=name) for name, job in jobs.items()]
        await shutdown.wait()
        for task in tasks:
            task.cancel()


async def _say_goodbye(
    room: RoomConnection, reporter: RoomReporter, reports: ConnectorReports, shutdown: Shutdown
) -> None:
    """One that is started again has not left. A question under way stays so: the next run goes on with it."""
    with contextlib.suppress(TimeoutError, OSError, GroupChatError):
        async with asyncio.timeout(GOODBYE_S):
            await reporter.flush(reports)
            if not shutdown.again:
                await room.request(Bye(), Done)
