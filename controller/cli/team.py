"""The verbs of the launcher: init, up, down, attach, restart, add, rm, logs, chat."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from controller.cli.consent_prompt import need_agreement
from controller.output import command_output
from controller.output.team_text import of_team, show_teams, tell_remark, tell_team
from controller.team.preflight import Check, checks
from controller.team.team import AgentSpec, interrupting
from controller.team.team_record import recall
from controller.workspace import launcher
from controller.workspace.machine_facts import files_at, gather, team_of, wish_of
from controller.workspace.session_ownership import check_own, need_session
from controller.workspace.team_list import running_teams, team_called, team_names
from controller.workspace.team_list import teams as all_teams
from controller.workspace.team_location import Site, Tell, site_at
from gateway.client.console.cli_options import Context, JsonOption, StateOption, fail, run
from gateway.client.console.console_output import say, show_json
from gateway.client.discovery.team_choice import (
    DEFAULT_TEAM,
    TEAM_FILE,
    Surroundings,
    TeamChoice,
    nearest,
    passed_over,
    state_of,
    state_to_start,
    team_name_of,
)
from gateway.client.discovery.team_discovery import home_folder, meant_team, named_folder, surroundings
from gateway.protocol.errors import Conflict, GroupChatError, NotFound, Unavailable
from gateway.protocol.types import agent_name_of, name_of

SocketOption = Annotated[str | None, typer.Option("--socket", hidden=True, help="Another tmux server, for tests.")]
TeamOption = Annotated[
    str | None,
    typer.Option("--team", metavar="FILE", help="A team file; else team.toml, here or above."),
]
TEMPLATE = Path(__file__).parents[1] / "team" / "team.toml"
NAME = Annotated[str, typer.Argument(metavar="NAME", help="An agent of the team.")]
TEAM = Annotated[
    str | None,
    typer.Argument(metavar="[TEAM]", help="A team by its name; else that of this folder.", autocompletion=team_names),
]


@dataclass(frozen=True)
class Wanted:
    """What the options of `up` say."""

    team: str | None
    demo: bool
    port: int | None
    socket: str | None
    state: str | None
    yes: bool
    interrupt: bool


InterruptOption = Annotated[bool, typer.Option("--interrupt", help="Urgent messages end the turn under way first.")]


def _state(ctx: typer.Context, state: str | None) -> str | None:
    """Options may stand before or after the verb."""
    base: Context = ctx.obj
    return state or base.state


def init(
    file: Annotated[Path, typer.Argument(help="Where to.")] = Path(TEAM_FILE), as_json: JsonOption = False
) -> None:
    """Write a commented team.toml to begin with."""
    if file.exists():
        fail(Conflict(f"{file} is there already; it is not overwritten."), as_json=as_json)
    file.write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    show_json({"file": str(file)}) if as_json else command_output.text(
        f"{file} is written; `groupchat up` reads it from here."
    )


def up(
    ctx: typer.Context,
    demo: Annotated[bool, typer.Option("--demo", help="With three demo agents instead of the CLIs here.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Do not enter the session.")] = False,
    team: TeamOption = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The gateway's port; 0 takes any.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Run the team.toml that is here, without a question.")] = False,
    interrupt: InterruptOption = False,
    socket: SocketOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start the gateway and a tmux session, the chat on top and the agents below. What runs already goes on."""
    wanted = Wanted(team, demo, port, socket, _state(ctx, state), yes, interrupt)
    started, site = run(lambda: _up(wanted, as_json), as_json=as_json)
    enters = not detach and sys.stdin.isatty()
    if as_json:
        show_json(_as_json(started, site))
    elif not enters:
        command_output.text(
            f"{started.session} runs with {', '.join(started.agents)}; {_how_to_enter(started.team, site)} enters it."
        )
    if enters:
        _enter(site, as_json)
    if started.problems:
        raise typer.Exit(1)


async def _up(wanted: Wanted, as_json: bool) -> tuple[launcher.Started, Site]:
    found, cwd = surroundings(os.environ, wanted.state), Path.cwd()
    tell = _quiet if as_json else _told
    if not wanted.team:
        cwd = _folder_of_the_team(found, cwd, tell)
    files = files_at(wanted.team, cwd, _distrust_of(found))
    team = team_of(os.environ, wish_of(wanted.demo, wanted.port), files)
    team = interrupting(team) if wanted.interrupt else team
    need_agreement(named_folder(os.environ, wanted.state) or home_folder(), files, wanted.yes)
    folder = Path(state_to_start(found, team.name, team.file))
    site = replace(Site.of(folder, team.session, wanted.socket), cwd=cwd)
    if recall(folder) is None:
        _judge(list(checks(team, await gather(team, site))), tell)
    started = await launcher.up(team, site, tell)
    for name, problem in started.problems.items():
        tell(f"{name}: {problem}")
    return started, site_at(folder, wanted.socket)


def _folder_of_the_team(found: Surroundings, cwd: Path, tell: Tell) -> Path:
    """The current folder, or the one above whose team file is meant. A file that lies here counts, whosever it is: what
    it would run is asked about. One that lies above counts only if nobody else could have put it there."""
    here = next((one for one in found.files if one.here), None)
    if here is not None:
        return cwd
    file = nearest(found)
    if words := passed_over(found, file):
        tell(f"! {words}")
    return Path(file.folder) if file is not None else cwd


def _distrust_of(found: Surroundings) -> str:
    """Why a file that lies here may be another user's word."""
    return next((one.distrust for one in found.files if one.here), "")


def _judge(found: list[Check], tell: Tell) -> None:
    for check in found:
        tell(f"{'✓' if check.good else '✗' if check.stops else '!'} {check.text}")
    if stops := [check.text for check in found if check.stops]:
        raise Unavailable(f"This cannot start yet: {'; '.join(stops)}.")


def _told(words: str) -> None:
    """Progress is for people, beside the answer."""
    say(words if words[:1] in "✓✗!" else f"· {words}", err=True)


def _quiet(words: str) -> None:
    pass


def _as_json(started: launcher.Started, site: Site) -> dict[str, object]:
    return {
        "url": started.url,
        "session": started.session,
        "team": started.team,
        "state": str(site.state),
        "agents": list(started.agents),
        "problems": dict(started.problems),
    }


def _how_to_enter(team: str, site: Site) -> str:
    """By what is shortest from here."""
    if state_of(str(home_folder()), team) == str(site.state) and team != DEFAULT_TEAM:
        return f"`groupchat attach {team}`"
    with contextlib.suppress(GroupChatError):
        if meant_team(os.environ).state == str(site.state):
            return "`groupchat attach`"
    return f"`groupchat attach --state {site.state}`"


def _enter(site: Site, as_json: bool) -> NoReturn:
    command = run(lambda: site.workspace.attach_command(os.environ), as_json=as_json)
    sys.stdout.flush()
    os.execvp(command[0], command)


def down(
    ctx: typer.Context,
    team: TEAM = None,
    socket: SocketOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """End the session of a team, its agents and its gateway; nothing that was said is lost."""

    async def work() -> tuple[TeamChoice, list[str]]:
        choice, site = await _to_change(ctx, state, socket, team)
        return choice, await launcher.down(site)

    choice, ended = run(work, as_json=as_json)
    if as_json:
        show_json({"ended": ended, "team": choice.name, "state": choice.state})
        return
    command_output.text(f"Ended{of_team(choice)}: {', '.join(ended) or 'nothing was running'}.")


def attach(
    ctx: typer.Context,
    team: TEAM = None,
    socket: SocketOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enter the session of a team; from inside tmux, switch to it."""

    async def work() -> Site:
        choice = await _meant(ctx, state, team)
        site = site_at(Path(choice.state), socket)
        if not as_json:
            tell_remark(choice)
            tell_team(choice)
        record = recall(site.state)
        if record is None:
            raise NotFound(f"{_named(choice)} is not running; `groupchat up` starts it.")
        return await need_session(record, site)

    _enter(run(work, as_json=as_json), as_json)


def teams(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also those that do not run.")] = False,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Which teams run here, from which folder, since when, with whom, and whether their gateways live."""
    named = named_folder(os.environ, _state(ctx, state))
    look = all_teams if everything else running_teams
    show_teams(run(lambda: look([named] if named else []), as_json=as_json), as_json)


def _named(choice: TeamChoice) -> str:
    return f"The team {choice.name or DEFAULT_TEAM} ({choice.file or choice.state})"


async def _meant(ctx: typer.Context, state: str | None, team: str | None = None) -> TeamChoice:
    """By its name, or whose folder this is."""
    option = _state(ctx, state)
    if not team:
        return meant_team(os.environ, option)
    name, folder = team_name_of(team), named_folder(os.environ, option)
    if option is None:
        return await team_called(name, [folder] if folder else [])
    choice = meant_team(os.environ, option)
    if choice.name not in ("", name):
        raise Conflict(f"{choice.state} holds the team {choice.name}, and not {name}.")
    return choice


async def _to_change(
    ctx: typer.Context, state: str | None, socket: str | None, team: str | None = None
) -> tuple[TeamChoice, Site]:
    """A team that is to be changed or ended: never another one than the folder's."""
    choice = await _meant(ctx, state, team)
    site = site_at(Path(choice.state), socket)
    await check_own(site, choice)
    return choice, site


def restart(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="An agent, `chat`, or `gateway`.")],
    socket: SocketOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """End an agent's pane and start it anew in the same place; the same for the chat and the gateway."""

    async def work() -> None:
        _, site = await _to_change(ctx, state, socket)
        await launcher.restart(site, name, _quiet)

    run(work, as_json=as_json)
    show_json({"restarted": name}) if as_json else command_output.text(f"{name} is started anew.")


def add(
    ctx: typer.Context,
    name: NAME,
    command: Annotated[list[str], typer.Argument(metavar="-- CMD...", help="Its command.")],
    role: Annotated[str, typer.Option(help="What it does here, such as coder.")] = "",
    agent: Annotated[str, typer.Option(help="Which one it is, if its command's name does not say so.")] = "",
    project: Annotated[str, typer.Option(help="The folder to run it in.")] = ".",
    interrupt: InterruptOption = False,
    socket: SocketOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a further agent into the running team: `groupchat add tester -- claude`."""

    async def work() -> launcher.Started:
        own, job = agent_name_of(name), name_of(role) if role else ""
        spec = AgentSpec(own, tuple(command), job, agent, str(Path(project).resolve()), interrupt=interrupt)
        _, site = await _to_change(ctx, state, socket)
        return await launcher.add(site, spec)

    started = run(work, as_json=as_json)
    show_json({"agents": list(started.agents), "problems": dict(started.problems)}) if as_json else None
    for one, problem in started.problems.items():
        command_output.text(f"{one}: {problem}") if not as_json else None
    if started.problems:
        raise typer.Exit(1)


def remove(
    ctx: typer.Context, name: NAME, socket: SocketOption = None, state: StateOption = None, as_json: JsonOption = False
) -> None:
    """End an agent of the running team and close its pane; what it said stays."""

    async def work() -> None:
        _, site = await _to_change(ctx, state, socket)
        await launcher.remove(site, name)

    run(work, as_json=as_json)
    show_json({"removed": name}) if as_json else command_output.text(f"{name} has left the team.")


def _agent(name: str) -> str:
    """A folder's name, and never a way to another one."""
    try:
        return name_of(name)
    except GroupChatError as error:
        fail(error, as_json=False)


def logs(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="An agent; else the gateway.")] = launcher.GATEWAY,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last.")] = 200,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """What the gateway or an agent's sidecar wrote down: times, steps and errors, no content and no token."""
    folder = Path(run(lambda: _meant(ctx, state), as_json=as_json).state)
    path = folder / "gateway.log" if name == launcher.GATEWAY else folder / "sidecars" / _agent(name) / "sidecar.log"
    if not path.exists():
        known = sorted(one.parent.name for one in folder.glob("sidecars/*/sidecar.log"))
        words = f"There is no log of {name!r} in {folder}; there are gateway{''.join(f', {one}' for one in known)}."
        fail(NotFound(words), as_json=as_json)
    tail = subprocess.Popen(
        ["tail", "-n", str(lines), *(["-F"] if follow else []), str(path)],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    with contextlib.suppress(KeyboardInterrupt), tail:
        for line in tail.stdout or ():
            say(line.removesuffix("\n"))
            sys.stdout.flush()
