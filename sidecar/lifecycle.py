"""One life of a sidecar: takes its name, cleans up after the one before, waits for the gateway, runs the agent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TextIO, cast

import structlog

from gateway.client import Client, Endpoint, find_endpoint, state_folder
from gateway.client.backoff import delays
from gateway.client.console.console_output import say
from gateway.client.files.capped_log import CappedLog
from gateway.client.files.log_filters import Repeats, hide_secrets, library_handler
from gateway.protocol.errors import GroupChatError, TimedOut, Unavailable
from sidecar.connection.registration import Seat, advice, joined
from sidecar.connection.room_connection import Resident, resident
from sidecar.errors import SidecarError
from sidecar.process.agent_folder import held
from sidecar.process.delivery_journal import JOURNAL
from sidecar.process.orphan_reaping import reap
from sidecar.process.run_journal import resumed
from sidecar.process.run_plan import Plan
from sidecar.process.supervisor_link import Leash, hang_up
from sidecar.runner import Runner
from sidecar.terminal.human_input import human_at

REFUSED_WITHIN = 20.0
log = structlog.get_logger("sidecar")


@dataclass(frozen=True)
class Wish:
    """What `join` was asked for; `go_on`: with the agent's last conversation, if there is one; `tools`: the agent has
    the room's."""

    plan: Plan
    role: str | None
    gateway: str | None
    go_on: bool
    tools: bool = True


async def attend(wish: Wish, leash: Leash, env: Mapping[str, str]) -> int:
    """The agent's exit status."""
    plan = wish.plan
    seat = Seat(plan.name, wish.role, plan.project, state_folder(env), plan.folder / JOURNAL)
    with leash.watched(hang_up):
        try:
            async with held(plan.folder, plan.name), contextlib.AsyncExitStack() as stack:
                log_to(plan.folder / "sidecar.log")
                await _cleaned_up(plan.folder)
                find = partial(find_endpoint, env, gateway=wish.gateway)
                room = await stack.enter_async_context(resident(seat, find, partial(arrived, seat, find, _say)))
                return await _run(_going_on(plan) if wish.go_on else plan, room, leash, wish.tools)
        except GroupChatError as error:
            raise SidecarError(advice(error, plan.name)) from error


async def _cleaned_up(folder: Path) -> None:
    if ended := await asyncio.to_thread(reap, folder):
        log.warning("an earlier run had left processes behind", ended=ended)


def _going_on(plan: Plan) -> Plan:
    found = resumed(plan.folder, plan.agent, plan.command)
    return replace(plan, command=found[0], session=found[1]) if found else plan


async def _run(plan: Plan, room: Resident, leash: Leash, tools: bool) -> int:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with human_at(sys.stdin.fileno(), sys.stdout.fileno()) as human:
        runner = Runner(
            plan, room, human, (lambda: room.endpoint) if tools and plan.agent.launching.tool_patience_s else None
        )
        status = await runner.run()
    if runner.wanted_again:
        leash.ordered()
    elif plan.session and status and not runner.was_recognised and loop.time() - began < REFUSED_WITHIN:
        leash.afresh()
    elif runner.crashed:
        leash.died(status)
    else:
        leash.ended(status)
    return status


async def arrived(
    seat: Seat, find: Callable[[], Endpoint], say: Callable[[str], None], stack: contextlib.AsyncExitStack
) -> Client:
    """In the room; a gateway that is away is waited for, and looked for anew each time."""
    pauses = delays(random.random)
    for number, pause in enumerate(pauses):
        try:
            return await stack.enter_async_context(joined(seat, find()))
        except (Unavailable, TimedOut) as error:
            if number == 0:
                say(f"{seat.name} waits for the gateway. {error.message} It is tried again until it is there.")
            await asyncio.sleep(pause)
    raise AssertionError("the pauses never end")


def _say(text: str) -> None:
    say(f"groupchat: {text}", err=True)


def log_to(path: Path) -> None:
    """Never onto the agent's screen, whoever logs. Names of rungs and reasons, no content and no token."""
    file, repeats = cast(TextIO, CappedLog(path)), Repeats()
    structlog.configure(
        processors=[
            repeats,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            hide_secrets,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=file),
    )
    handler = library_handler(logging.StreamHandler(file), repeats)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
