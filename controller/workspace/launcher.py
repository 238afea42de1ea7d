"""Starts and ends what a team needs: the gateway, the seats, the session. Each is waited for by a sign."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from controller.commands.state_text import titled
from controller.team import pane_scripts
from controller.team import team_record as records
from controller.team.pane_scripts import House
from controller.team.team import CHAT, AgentSpec, Team
from controller.team.team_record import Process, Record
from controller.tmux.session import Outfit, PanePlan, Workspace, socket_path
from controller.workspace import agent_registration
from controller.workspace.child_processes import alive, end, gone, started_at
from controller.workspace.gateway_process import (
    ENDS_WITHIN,
    GATEWAY_WITHIN,
    coming_back,
    left,
    restart_gateway,
    start_gateway,
    supervisor_of,
)
from controller.workspace.readiness import settle, until_ready
from controller.workspace.session_ownership import as_recorded, is_ours, need_session, refuse_another, script_of
from controller.workspace.team_location import Site, Tell, reached, silent
from controller.workspace.team_lock import alone
from gateway.client import find_endpoint, write_private
from gateway.client.files.private_files import private_folder
from gateway.protocol.errors import Conflict, NotFound, Unavailable

GATEWAY = "gateway"
OWN_NAMES = ("TMUX", "TERM", "CSP_", "GROUPCHAT_")
STATE, TOKEN = "GROUPCHAT_STATE", "CSP_AUTH_TOKEN"
OF_A_SHELL = ("PWD", "OLDPWD", "SHLVL", "_", "COLUMNS", "LINES")


@dataclass(frozen=True)
class Started:
    """What came up. `problems` says, agent by agent, what did not."""

    url: str
    session: str
    agents: tuple[str, ...]
    problems: Mapping[str, str]
    team: str = ""


@dataclass(frozen=True)
class TeamGateway:
    """`process`: its supervisor, if this or an earlier `up` started it. `begun`: this one did."""

    url: str
    process: Process | None = None
    begun: bool = False


# up


async def up(team: Team, site: Site, tell: Tell = silent) -> Started:
    """Everything that is not there yet; what still runs of this team goes on."""
    private_folder(site.state)
    async with contextlib.AsyncExitStack() as changing:
        await changing.enter_async_context(alone(site.state))
        before = records.recall(site.state)
        if before is not None:
            await refuse_another(before, site, team.name, team.file)
            there = as_recorded(site, before)
            if before.born and await is_ours(before, there):
                return await _mend(before, there, tell)
        await _clear(before, site)
        team = replace(team, agents=tuple(_settled(agent, site.cwd) for agent in team.agents))
        house = House(sys.executable, site.state, team.gateway.url)
        gateway = await _raise_recorded(team, site, house, before, tell)
        async with reached(site, team.gateway.url) as (client, endpoint):
            await agent_registration.furnish(client, team.rooms)
            await agent_registration.seat_all(client, endpoint, site.state, team.agents)
            write_private(site.state / pane_scripts.CHAT_OPEN, "everybody has a seat\n")
            await site.workspace.add([_agent_plan(site, house, agent) for agent in team.agents], team.layout)
            records.keep(site.state, await _whole_record(team, site, gateway))
            await changing.aclose()  # what follows changes nothing, and may be ended by `down`
            problems = await settle(client, site, team.agents, team.ready_within, tell)
    return Started(gateway.url, team.session, tuple(one.name for one in team.agents), problems, team.name)


async def _clear(before: Record | None, site: Site) -> None:
    """What an `up` that was interrupted has left of its session goes; its gateway goes on."""
    if before is None:
        return
    if not before.born:
        await _end_session(before, as_recorded(site, before))


async def _raise_recorded(team: Team, site: Site, house: House, before: Record | None, tell: Tell) -> TeamGateway:
    """Written down before it is started, so that `down` finds whatever an interrupted start has left."""
    records.keep(site.state, _record(team, site, TeamGateway(team.gateway.url, supervisor_of(site.state))))
    try:
        gateway = await _raise(team, site, house, tell)
    except Exception:
        records.keep(site.state, before) if before is not None else records.forget(site.state)
        raise
    records.keep(site.state, _record(team, site, gateway))
    return gateway


async def _raise(team: Team, site: Site, house: House, tell: Tell) -> TeamGateway:
    """The gateway, and a session with the chat, which waits for it. If one fails the other does not stay, unless it ran
    before."""
    if team.gateway.url:
        there = find_endpoint(site.env, gateway=team.gateway.url, state=site.state)
        write_private(site.state / pane_scripts.CHAT_TOKEN, there.token)
    (site.state / pane_scripts.CHAT_OPEN).unlink(missing_ok=True)
    write_private(site.state / pane_scripts.CHAT_SETTINGS, msgspec.json.encode(team.chat).decode())
    text = pane_scripts.chat_script(house, team.session, site.workspace.socket, site.cwd)
    chat = _plan(site, CHAT, CHAT, text)
    outfit = Outfit(site.size, _passed_on(site.env), {"mouse": "on"} if team.layout.mouse else {})
    building = site.workspace.build(chat, outfit, site.state)
    started, built = await asyncio.gather(_gateway(team, site, tell), building, return_exceptions=True)
    if isinstance(started, BaseException):
        if built is None:
            await site.workspace.kill()
        raise started
    if built is not None:
        if started.begun and started.process is not None:
            await end(started.process.pid, started.process.started, ENDS_WITHIN)
        raise built
    await warn_of_tokens(site.workspace, tell)
    return started


async def _whole_record(team: Team, site: Site, gateway: TeamGateway) -> Record:
    """When everything has its place in the session."""
    place, born = await site.workspace.place(), await site.workspace.born()
    return msgspec.structs.replace(_record(team, site, gateway), socket=place, born=born)


def _record(team: Team, site: Site, gateway: TeamGateway) -> Record:
    return Record(
        team=team.name,
        session=team.session,
        born="",
        socket=socket_path(site.env, site.workspace.socket, os.geteuid()),
        agents=team.agents,
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
        since=time.time(),
    )


async def _mend(record: Record, site: Site, tell: Tell) -> Started:
    """What ended by itself is started again where it was."""
    tell(f"{record.session} runs already; what its team file says now counts after `groupchat down`")
    gateway = record.gateway
    if gateway is not None and not alive(gateway.pid, gateway.started):
        await restart_gateway(site, tell)
    await coming_back(site.state, gateway)
    dead = [one.name for one in await site.workspace.panes() if one.dead]
    for name in dead:
        _go_on(site, record, name)
        await site.workspace.respawn(name)
        tell(f"{name} is started again")
    async with reached(site, "" if gateway else record.url) as (client, _):
        again = [agent for agent in record.agents if agent.name in dead]
        problems = await settle(client, site, again, GATEWAY_WITHIN, tell)
    return Started(record.url, record.session, tuple(one.name for one in record.agents), problems, record.team)


def _passed_on(env: Mapping[str, str]) -> dict[str, str]:
    """What the agents should find as if they were started here; a tmux server may have begun elsewhere. No token of
    ours, and nothing that says which terminal this is. Panes that a person opens know the state folder, as here."""
    return {
        name: value
        for name, value in env.items()
        if (name == STATE or not name.startswith(OWN_NAMES))
        and name not in OF_A_SHELL
        and name.isidentifier()
        and "\n" not in value
    }


async def warn_of_tokens(workspace: Workspace, tell: Tell) -> None:
    """A server that runs already may have begun in a shell that knew the token. It is not ours to change."""
    if TOKEN in await workspace.inherited():
        tell(
            f"tmux was started with {TOKEN} in its environment, and every pane outside this session finds it there: "
            f"`tmux set-environment -gu {TOKEN}` takes it out"
        )


def _plan(site: Site, name: str, title: str, text: str) -> PanePlan:
    path = script_of(site.state, name)
    write_private(path, text)
    return PanePlan(name, title, path)


def _settled(agent: AgentSpec, cwd: Path) -> AgentSpec:
    """With a project folder that means the same wherever a later command is given."""
    return replace(agent, project=str((cwd / Path(agent.project).expanduser()).resolve()))


def _go_on(site: Site, record: Record, name: str) -> None:
    """From now on the pane's script goes on with the agent's own conversation."""
    house = House(sys.executable, site.state, "" if record.gateway else record.url, ("--resume",))
    for agent in record.agents:
        if agent.name == name:
            _agent_plan(site, house, agent)


def _agent_plan(site: Site, house: House, agent: AgentSpec) -> PanePlan:
    return _plan(site, agent.name, titled(agent.name, agent.role), pane_scripts.agent_script(house, agent))


# the gateway


async def _gateway(team: Team, site: Site, tell: Tell) -> TeamGateway:
    """One that runs already is taken as it is."""
    if team.gateway.url:
        return TeamGateway(team.gateway.url)
    ours = supervisor_of(site.state)
    found = await coming_back(site.state, ours)
    if found is not None:
        tell(f"the gateway runs already at {found.url}")
        return TeamGateway(found.url, ours)
    running, supervisor = await start_gateway(site.state, team.gateway.port, team.gateway, team.agents)
    tell(f"the gateway listens at {running.url}; you are {running.operator} in the chat")
    return TeamGateway(running.url, supervisor, begun=True)


# the agents


async def add(site: Site, agent: AgentSpec, tell: Tell = silent) -> Started:
    async with contextlib.AsyncExitStack() as changing:
        await changing.enter_async_context(alone(site.state))
        record = records.recalled(site.state)
        if any(one.name == agent.name for one in record.agents):
            raise Conflict(f"{agent.name} is in this team already; `groupchat restart {agent.name}` starts it anew.")
        site = await need_session(record, site)
        url = "" if record.gateway else record.url
        async with reached(site, url) as (client, endpoint):
            await agent_registration.seat(client, endpoint, site.state, agent)
            agent = _settled(agent, site.cwd)
            plan = _agent_plan(site, House(sys.executable, site.state, url), agent)
            await site.workspace.add([plan], record.layout)
            records.keep(site.state, msgspec.structs.replace(record, agents=(*record.agents, agent)))
            await changing.aclose()
            problems = await settle(client, site, [agent], GATEWAY_WITHIN, tell)
    return Started(record.url, record.session, (agent.name,), problems)


async def remove(site: Site, name: str) -> None:
    """Its pane and its program go; its name and what it said stay."""
    async with alone(site.state):
        record = records.recalled(site.state)
        if all(one.name != name for one in record.agents):
            raise NotFound(f"{name} is not an agent of this team; `groupchat status` lists them.")
        site = await need_session(record, site)
        pane = await site.workspace.pane(name)
        begun = started_at(pane.pid)
        await site.workspace.remove(name, record.layout)
        others = tuple(one for one in record.agents if one.name != name)
        records.keep(site.state, msgspec.structs.replace(record, agents=others))
        if not await gone(pane.pid, begun, ENDS_WITHIN):
            raise Unavailable(f"{name}'s pane is gone, but its process {pane.pid} does not end.")


async def restart(site: Site, name: str, tell: Tell = silent) -> None:
    """An agent, the chat or the gateway, from its beginning."""
    async with alone(site.state):
        if name == GATEWAY:
            await restart_gateway(site, tell)
            return
        record = await _respawned(site, name)
    if name != CHAT:
        async with reached(site, "" if record.gateway else record.url) as (client, _):
            problems = await until_ready(client, site, [name], GATEWAY_WITHIN, tell)
        if problems:
            raise Unavailable(f"{name} did not come back: {problems[name]}.")


async def _respawned(site: Site, name: str) -> Record:
    record = records.recalled(site.state)
    site = await need_session(record, site)
    pane = await site.workspace.pane(name)
    if not pane.dead:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pane.pid, signal.SIGHUP)
        await gone(pane.pid, started_at(pane.pid), ENDS_WITHIN)
    _go_on(site, record, name)
    await site.workspace.respawn(name)
    return record


# down


async def down(site: Site) -> list[str]:
    """End exactly what `up` started: the session with its agents, then the gateway."""
    async with alone(site.state):
        record, supervisor = records.recall(site.state), supervisor_of(site.state)
        ended = await _end_session(record, as_recorded(site, record)) if record is not None else []
        if supervisor is not None:
            if not await end(supervisor.pid, supervisor.started, ENDS_WITHIN):
                raise Unavailable(
                    f"The gateway (process {supervisor.pid}) does not end; `groupchat logs gateway` may say why."
                )
            ended.append(GATEWAY)
        if supervisor is not None or (record is not None and record.gateway is not None):
            await left(site.state, ENDS_WITHIN)
        records.forget(site.state)
        return ended


async def _end_session(record: Record, site: Site) -> list[str]:
    if not await is_ours(record, site):
        return []
    panes = [(one, started_at(one.pid)) for one in await site.workspace.panes() if not one.dead]
    await site.workspace.kill()
    stubborn = [one.name for one, begun in panes if not await gone(one.pid, begun, ENDS_WITHIN)]
    if stubborn:
        raise Unavailable(f"The session is gone, but {', '.join(stubborn)} still run; `groupchat down` tries again.")
    return ["session", *(one.name for one, _ in panes if one.name != CHAT)]
