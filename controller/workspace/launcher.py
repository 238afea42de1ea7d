"""Starts and ends what a team needs: gateway, registered agents, tmux session. Each step waits for a signal of the one
before."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from controller.team import pane_scripts, workspace_record
from controller.team.pane_scripts import PaneEnvironment
from controller.team.room_plan import plan_room_changes, plan_rooms
from controller.team.team import CHAT_PANE, AgentSpec, Team
from controller.team.workspace_record import StartedProcess, WorkspaceRecord
from controller.tmux.panes import SessionSetup
from controller.tmux.session import Workspace, socket_path
from controller.workspace.child_processes import end_process, is_alive, process_start_time, wait_until_ended
from controller.workspace.gateway_process import (
    END_TIMEOUT_S,
    START_TIMEOUT_S,
    find_restarting_gateway,
    find_supervisor,
    restart_gateway,
    start_gateway,
    wait_until_no_gateway,
)
from controller.workspace.startup import agent_registration
from controller.workspace.startup.agent_keys import make_agent_keys
from controller.workspace.startup.pane_plans import (
    agent_plan,
    environment_for_agents,
    join_options,
    pane_plan,
    with_absolute_project,
    write_agent_scripts,
    write_recorded_script,
)
from controller.workspace.startup.readiness import start_order_text, wait_and_prompt_agents, wait_until_ready
from controller.workspace.startup.team_rooms import carry_out_room_plan, require_rooms
from controller.workspace.team_location import PrintLine, TeamLocation, connect_to_team, print_nothing
from controller.workspace.team_lock import hold_team_lock
from controller.workspace.team_ownership import (
    is_own_session,
    refuse_other_team,
    require_own_session,
    site_of_record,
)
from gateway.client import Client, find_endpoint
from gateway.console.client_options import PASSPHRASE_VARIABLE
from gateway.files.private_files import make_private_folder, write_private
from gateway.protocol.errors import Conflict, NotFound, Unavailable

GATEWAY_PANE = "gateway"
TOKEN_VARIABLE = "CSP_AUTH_TOKEN"


@dataclass(frozen=True)
class StartedTeam:
    """What was started. `problems` lists, per agent, what failed; `conversations`, how each began."""

    url: str
    session: str
    agents: tuple[str, ...]
    problems: Mapping[str, str]
    team: str = ""
    conversations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TeamGateway:
    """`process`: its supervisor, if this or an earlier `up` started it. `begun`: this one did."""

    url: str
    process: StartedProcess | None = None
    begun: bool = False


# up


async def start_team(
    team: Team, site: TeamLocation, tell: PrintLine = print_nothing, *, fresh: bool = False
) -> StartedTeam:
    """Start everything that does not run yet; the rest of this team keeps running. Its agents come back to their
    conversations, or, with `fresh`, begin new ones."""
    make_private_folder(site.state)
    async with contextlib.AsyncExitStack() as changing:
        await changing.enter_async_context(hold_team_lock(site.state))
        before = workspace_record.read_workspace_record(site.state)
        if before is not None:
            await refuse_other_team(before, site, team.name, team.file)
            there = site_of_record(site, before)
            if before.born and await is_own_session(before, there):
                return await _restart_ended(before, team, there, tell, fresh=fresh)
        await _remove_interrupted(before, site)
        team = replace(team, agents=tuple(with_absolute_project(agent, site.cwd) for agent in team.agents))
        environment = PaneEnvironment(sys.executable, site.state, team.gateway.url, join_options(fresh=fresh))
        gateway = await _start_and_record(team, site, environment, before, tell)
        if team.encryption:
            make_agent_keys(site.state, [agent.name for agent in team.agents if not agent.connector], tell)
        async with connect_to_team(site, team.gateway.url) as (client, endpoint):
            await agent_registration.register_agents(client, endpoint, site.state, team.agents)
            await carry_out_room_plan(client, plan_rooms(team.rooms, team.agents), tell)
            write_private(site.state / pane_scripts.CHAT_OPEN_FILE, "everybody has a seat\n")
            await site.workspace.add([agent_plan(site, environment, agent) for agent in team.agents], team.layout)
            workspace_record.write_workspace_record(site.state, await _complete_record(team, site, gateway))
            await changing.aclose()  # the rest changes nothing, so `down` may interrupt it
            if team.agents:
                tell(start_order_text([one.name for one in team.agents], fresh=fresh))
            begun = await wait_and_prompt_agents(client, site, team.agents, team.ready_within, tell)
        if fresh:
            write_agent_scripts(site, replace(environment, options=()), team.agents)
    names = tuple(one.name for one in team.agents)
    return StartedTeam(gateway.url, team.session, names, begun.problems, team.name, begun.conversations)


async def _remove_interrupted(before: WorkspaceRecord | None, site: TeamLocation) -> None:
    """Remove the session that an interrupted `up` has left; its gateway keeps running."""
    if before is None:
        return
    if not before.born:
        await _end_session(before, site_of_record(site, before))


async def _start_and_record(
    team: Team, site: TeamLocation, environment: PaneEnvironment, before: WorkspaceRecord | None, tell: PrintLine
) -> TeamGateway:
    """Record the team before starting it, so that `down` finds what an interrupted start has left."""
    workspace_record.write_workspace_record(
        site.state, _new_record(team, site, TeamGateway(team.gateway.url, find_supervisor(site.state)))
    )
    try:
        gateway = await _start_gateway_and_session(team, site, environment, tell)
    except Exception:
        workspace_record.write_workspace_record(
            site.state, before
        ) if before is not None else workspace_record.remove_workspace_record(site.state)
        raise
    workspace_record.write_workspace_record(site.state, _new_record(team, site, gateway))
    return gateway


async def _start_gateway_and_session(
    team: Team, site: TeamLocation, environment: PaneEnvironment, tell: PrintLine
) -> TeamGateway:
    """Start the gateway, and a session with the chat, which waits for it. If one fails, the other is stopped too,
    unless it ran before."""
    if team.gateway.url:
        there = find_endpoint(site.env, gateway=team.gateway.url, state=site.state)
        write_private(site.state / pane_scripts.CHAT_TOKEN_FILE, there.token)
    (site.state / pane_scripts.CHAT_OPEN_FILE).unlink(missing_ok=True)
    write_private(site.state / pane_scripts.CHAT_SETTINGS_FILE, msgspec.json.encode(team.chat).decode())
    passphrase_file = site.env.get(PASSPHRASE_VARIABLE, "")
    text = pane_scripts.chat_script(environment, team.session, site.workspace.socket, site.cwd, passphrase_file)
    chat = pane_plan(site, CHAT_PANE, CHAT_PANE, text)
    outfit = SessionSetup(site.size, environment_for_agents(site.env), {"mouse": "on"} if team.layout.mouse else {})
    building = site.workspace.build(chat, outfit, site.state)
    started, built = await asyncio.gather(_ensure_gateway(team, site, tell), building, return_exceptions=True)
    if isinstance(started, BaseException):
        if built is None:
            await site.workspace.kill()
        raise started
    if built is not None:
        if started.begun and started.process is not None:
            await end_process(started.process.pid, started.process.started, END_TIMEOUT_S)
        raise built
    await warn_of_tokens(site.workspace, tell)
    return started


async def _complete_record(team: Team, site: TeamLocation, gateway: TeamGateway) -> WorkspaceRecord:
    """Record the session's birth when all panes exist."""
    place, born = await site.workspace.place(), await site.workspace.born()
    return msgspec.structs.replace(_new_record(team, site, gateway), socket=place, born=born)


def _new_record(team: Team, site: TeamLocation, gateway: TeamGateway) -> WorkspaceRecord:
    return WorkspaceRecord(
        team=team.name,
        session=team.session,
        born="",
        socket=socket_path(site.env, site.workspace.socket, os.geteuid()),
        agents=team.agents,
        rooms=team.rooms,
        layout=team.layout,
        chat=team.chat,
        gateway=gateway.process,
        port=team.gateway.port,
        url=gateway.url,
        rate=team.gateway.rate,
        burst=team.gateway.burst,
        limits=team.gateway.limits,
        modes=team.gateway.modes,
        file=team.file,
        encryption=team.encryption,
        since=time.time(),
    )


async def _restart_ended(
    record: WorkspaceRecord, team: Team, site: TeamLocation, tell: PrintLine, *, fresh: bool
) -> StartedTeam:
    """Restart panes whose program has ended, in place, and adjust the rooms to the team file."""
    tell(f"{record.session} runs already; of its team file, rooms take effect now, the rest after `groupchat down`")
    gateway = record.gateway
    if gateway is not None and not is_alive(gateway.pid, gateway.started):
        await restart_gateway(site, tell)
    await find_restarting_gateway(site.state, gateway)
    dead = [one.name for one in await site.workspace.panes() if one.dead]
    for name in dead:
        write_recorded_script(site, record, name, fresh=fresh)
        await site.workspace.respawn(name)
        tell(f"{name} is started again")
    async with connect_to_team(site, "" if gateway else record.url) as (client, _):
        record = await _adjust_rooms(client, record, team, site, tell)
        again = [agent for agent in record.agents if agent.name in dead]
        begun = await wait_and_prompt_agents(client, site, again, START_TIMEOUT_S, tell)
    for name in dead:
        write_recorded_script(site, record, name)
    names = tuple(one.name for one in record.agents)
    return StartedTeam(record.url, record.session, names, begun.problems, record.team, begun.conversations)


async def _adjust_rooms(
    client: Client, record: WorkspaceRecord, team: Team, site: TeamLocation, tell: PrintLine
) -> WorkspaceRecord:
    await carry_out_room_plan(client, plan_room_changes(team.rooms, team.agents, record.rooms, record.agents), tell)
    rooms_of = {one.name: one.rooms for one in team.agents}
    agents = tuple(replace(one, rooms=rooms_of.get(one.name, one.rooms)) for one in record.agents)
    record = msgspec.structs.replace(record, agents=agents, rooms=team.rooms)
    workspace_record.write_workspace_record(site.state, record)
    return record


async def warn_of_tokens(workspace: Workspace, tell: PrintLine) -> None:
    """Warn if the tmux server has the token in its environment. The server is not ours to change."""
    if TOKEN_VARIABLE in await workspace.inherited():
        tell(
            f"tmux was started with {TOKEN_VARIABLE} in its environment, and every pane outside this session "
            "finds it there: "
            f"`tmux set-environment -gu {TOKEN_VARIABLE}` takes it out"
        )


# the gateway


async def _ensure_gateway(team: Team, site: TeamLocation, tell: PrintLine) -> TeamGateway:
    """Use the running gateway, or start one."""
    if team.gateway.url:
        return TeamGateway(team.gateway.url)
    ours = find_supervisor(site.state)
    found = await find_restarting_gateway(site.state, ours)
    if found is not None:
        tell(f"the gateway runs already at {found.url}")
        return TeamGateway(found.url, ours)
    running, supervisor = await start_gateway(site.state, team.gateway.port, team.gateway, team.agents)
    tell(f"the gateway listens at {running.url}; you are {running.operator} in the chat")
    return TeamGateway(running.url, supervisor, begun=True)


# the agents


async def add_agent(
    site: TeamLocation, agent: AgentSpec, tell: PrintLine = print_nothing, *, fresh: bool = False
) -> StartedTeam:
    async with contextlib.AsyncExitStack() as changing:
        await changing.enter_async_context(hold_team_lock(site.state))
        record = workspace_record.require_workspace_record(site.state)
        if any(one.name == agent.name for one in record.agents):
            raise Conflict(f"{agent.name} is in this team already; `groupchat restart {agent.name}` restarts it.")
        site = await require_own_session(record, site)
        url = "" if record.gateway else record.url
        async with connect_to_team(site, url) as (client, endpoint):
            await require_rooms(client, agent.rooms)
            if record.encryption and not agent.connector:
                make_agent_keys(site.state, [agent.name], tell)
            await agent_registration.register_agent(client, endpoint, site.state, agent)
            await carry_out_room_plan(client, plan_rooms((), [agent]))
            agent = with_absolute_project(agent, site.cwd)
            environment = PaneEnvironment(sys.executable, site.state, url, join_options(fresh=fresh))
            plan = agent_plan(site, environment, agent)
            await site.workspace.add([plan], record.layout)
            workspace_record.write_workspace_record(
                site.state, msgspec.structs.replace(record, agents=(*record.agents, agent))
            )
            await changing.aclose()
            begun = await wait_and_prompt_agents(client, site, [agent], START_TIMEOUT_S, tell)
        if fresh:
            write_agent_scripts(site, replace(environment, options=()), [agent])
    return StartedTeam(record.url, record.session, (agent.name,), begun.problems, conversations=begun.conversations)


async def remove_agent(site: TeamLocation, name: str) -> None:
    """Close the agent's pane and end its program; its name and messages stay."""
    async with hold_team_lock(site.state):
        record = workspace_record.require_workspace_record(site.state)
        if all(one.name != name for one in record.agents):
            raise NotFound(f"{name} is not an agent of this team; `groupchat status` lists them.")
        site = await require_own_session(record, site)
        pane = await site.workspace.pane(name)
        begun = process_start_time(pane.pid)
        await site.workspace.remove(name, record.layout)
        others = tuple(one for one in record.agents if one.name != name)
        workspace_record.write_workspace_record(site.state, msgspec.structs.replace(record, agents=others))
        if not await wait_until_ended(pane.pid, begun, END_TIMEOUT_S):
            raise Unavailable(f"{name}'s pane is gone, but its process {pane.pid} does not end.")


async def restart_pane(site: TeamLocation, name: str, tell: PrintLine = print_nothing, *, fresh: bool = False) -> None:
    """Restart an agent, the chat or the gateway. An agent comes back to its conversation, or begins a new one."""
    async with hold_team_lock(site.state):
        if name == GATEWAY_PANE:
            await restart_gateway(site, tell)
            return
        record = await _respawn_pane(site, name, fresh=fresh)
    if name != CHAT_PANE:
        async with connect_to_team(site, "" if record.gateway else record.url) as (client, _):
            begun = await wait_until_ready(client, site, [name], START_TIMEOUT_S, tell)
        write_recorded_script(site, record, name)
        if begun.problems:
            raise Unavailable(f"{name} did not restart: {begun.problems[name]}.")


async def _respawn_pane(site: TeamLocation, name: str, *, fresh: bool) -> WorkspaceRecord:
    record = workspace_record.require_workspace_record(site.state)
    site = await require_own_session(record, site)
    pane = await site.workspace.pane(name)
    if not pane.dead:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pane.pid, signal.SIGHUP)
        await wait_until_ended(pane.pid, process_start_time(pane.pid), END_TIMEOUT_S)
    write_recorded_script(site, record, name, fresh=fresh)
    await site.workspace.respawn(name)
    return record


# down


async def end_team(site: TeamLocation) -> list[str]:
    """End exactly what `up` started: the session with its agents, then the gateway."""
    async with hold_team_lock(site.state):
        record, supervisor = workspace_record.read_workspace_record(site.state), find_supervisor(site.state)
        ended = await _end_session(record, site_of_record(site, record)) if record is not None else []
        if supervisor is not None:
            if not await end_process(supervisor.pid, supervisor.started, END_TIMEOUT_S):
                raise Unavailable(
                    f"The gateway (process {supervisor.pid}) does not end; `groupchat logs gateway` may say why."
                )
            ended.append(GATEWAY_PANE)
        if supervisor is not None or (record is not None and record.gateway is not None):
            await wait_until_no_gateway(site.state, END_TIMEOUT_S)
        workspace_record.remove_workspace_record(site.state)
        return ended


async def _end_session(record: WorkspaceRecord, site: TeamLocation) -> list[str]:
    if not await is_own_session(record, site):
        return []
    panes = [(one, process_start_time(one.pid)) for one in await site.workspace.panes() if not one.dead]
    await site.workspace.kill()
    stubborn = [one.name for one, begun in panes if not await wait_until_ended(one.pid, begun, END_TIMEOUT_S)]
    if stubborn:
        raise Unavailable(f"The session is gone, but {', '.join(stubborn)} still run; `groupchat down` tries again.")
    return ["session", *(one.name for one, _ in panes if one.name != CHAT_PANE)]
