"""One run of a sidecar: takes its name, cleans up after the last run, waits for the gateway, runs the agent."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import structlog

from gateway.client import find_endpoint, state_folder
from gateway.console.console_output import print_lines
from gateway.protocol.errors import GroupChatError
from sidecar.agent_run import Runner
from sidecar.agents.adapter.adapter import LaunchContext
from sidecar.connection.registration import Registration, connect_and_register, registration_advice
from sidecar.connection.room_connection import RoomConnection, connect_to_room
from sidecar.conversation.conversation_preview import can_come_back
from sidecar.conversation.conversation_recorder import ConversationKeeper
from sidecar.conversation.start_choice import WantedStart
from sidecar.errors import SidecarError
from sidecar.run_files.agent_folder import hold_name
from sidecar.run_files.delivery_journal import JOURNAL_FILE
from sidecar.run_files.run_plan import RunPlan
from sidecar.run_files.sidecar_log import log_to_file
from sidecar.run_files.startup_lock import StartTurn
from sidecar.supervision.orphan_reaping import reap_orphans
from sidecar.supervision.supervisor_link import SidecarSupervisorLink, signal_hang_up
from sidecar.terminal.person_at_terminal import open_human_terminal

log = structlog.get_logger("sidecar")


@dataclass(frozen=True)
class JoinOptions:
    """The options of `join`. `wanted`: a new conversation, or the last one. `tools`: the agent gets the room's MCP
    tools."""

    plan: RunPlan
    role: str | None
    gateway: str | None
    wanted: WantedStart
    tools: bool = True


async def run_sidecar(wish: JoinOptions, link: SidecarSupervisorLink, env: Mapping[str, str]) -> int:
    """Returns the agent's exit status."""
    plan = wish.plan
    registration = Registration(plan.name, wish.role, plan.project, state_folder(env), plan.folder / JOURNAL_FILE)
    with link.watch_supervisor(signal_hang_up):
        try:
            async with hold_name(plan.folder, plan.name), contextlib.AsyncExitStack() as stack:
                log_to_file(plan.folder / "sidecar.log")
                await _clean_up(plan.folder)
                find = partial(find_endpoint, env, gateway=wish.gateway)
                room = await stack.enter_async_context(
                    connect_to_room(registration, find, partial(connect_and_register, registration, find, _print_line))
                )
                turn = StartTurn(registration.state, plan.name, _print_line)
                stack.callback(turn.give_back)
                await turn.take()
                plan = await asyncio.to_thread(plan_of_start, plan, wish.wanted)
                return await _run_agent(plan, room, link, wish.tools, turn)
        except GroupChatError as error:
            raise SidecarError(registration_advice(error, plan.name)) from error


async def _clean_up(folder: Path) -> None:
    if ended := await asyncio.to_thread(reap_orphans, folder):
        log.warning("ended processes that an earlier run had left", ended=ended)


def plan_of_start(plan: RunPlan, wanted: WantedStart) -> RunPlan:
    """The plan with the command that comes back to the agent's conversation, if it has one to come back to."""
    plan = replace(plan, is_restart=wanted.restarted)
    if not can_come_back(plan.agent, plan.command):
        return plan
    keeper = ConversationKeeper(plan.agent, LaunchContext(plan.project, plan.folder, "", "", plan.env))
    start = keeper.choose(wanted)
    log.info("conversation", start=str(start.start), session=start.session, moved_from=keeper.moved_from)
    if not start.resumes:
        return replace(plan, start=start)
    command = plan.agent.launching.resumed(plan.command, start.session)
    return replace(plan, command=command or plan.command, session=start.session, start=start)


async def _run_agent(
    plan: RunPlan, room: RoomConnection, link: SidecarSupervisorLink, tools: bool, turn: StartTurn
) -> int:
    with open_human_terminal(sys.stdin.fileno(), sys.stdout.fileno()) as human:
        endpoint = (lambda: room.endpoint) if tools and plan.agent.launching.tool_patience_s else None
        runner = Runner(plan, room, human, endpoint, turn, room)
        status = await runner.run()
    link.report(runner.exit_report)
    return status


def _print_line(text: str) -> None:
    print_lines(f"groupchat: {text}", err=True)
