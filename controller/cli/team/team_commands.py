"""The team from the shell: init, up, down, attach, status, teams, restart, add, rm, logs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.room.run_request import announce_team, merge_options
from controller.output.team_output import of_team_text, print_remark, print_team, print_teams
from gateway.client.discovery.team_choice import TEAM_FILE
from gateway.command_line.common_options import given
from gateway.console.console_output import print_json, print_lines, show_done
from gateway.console.run_command import fail, run
from gateway.protocol.errors import Conflict, GroupChatError, NotFound
from gateway.protocol.types.core_types import canonical_agent_name, canonical_name, canonical_room_name

GATEWAY = "gateway"
TEMPLATE_FILE = Path(__file__).parents[2] / "team" / "team.toml"


def _team_names(incomplete: str) -> list[str]:
    from controller.workspace.team_list import team_names

    return team_names(incomplete)


SocketOption = Annotated[str | None, typer.Option("--socket", hidden=True, help="Another tmux server, for tests.")]
TeamOption = Annotated[
    str | None,
    typer.Option("--team", metavar="FILE", help="The team file (default: team.toml, here or in a folder above)."),
]
AgentArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name of the agent.")]
TeamArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="TEAM", help="The name of a team (default: the team of this folder).", autocompletion=_team_names
    ),
]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Begin a new conversation in place of the earlier one.")]
InterruptOption = Annotated[
    bool, typer.Option("--interrupt", help="Urgent messages interrupt the agent's current turn first.")
]


def init(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")] = Path(TEAM_FILE),
) -> None:
    """Write a commented team.toml to start from.

    Example:
      groupchat init
    """
    as_json = given(ctx).as_json
    if file.exists():
        fail(Conflict(f"{file} exists already; it is not overwritten."), as_json=as_json)
    file.write_text(TEMPLATE_FILE.read_text(encoding="utf-8"), encoding="utf-8")
    show_done({"file": str(file)}, f"{file} is written; `groupchat up` in this folder reads it.", as_json)


def up(
    ctx: typer.Context,
    demo: Annotated[bool, typer.Option("--demo", help="Start three demo agents instead of installed CLIs.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Start the team, but do not enter its session.")] = False,
    team: TeamOption = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            max=65535,
            help="The gateway's port; 0 takes a free one (default: that of team.toml, else 8765, or a free one for a "
            "team with a name).",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Run the team.toml of this folder without asking.")] = False,
    interrupt: InterruptOption = False,
    fresh: FreshOption = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Only print what would be started, and in which conversations; nothing is changed."
        ),
    ] = False,
    socket: SocketOption = None,
) -> None:
    """Start the gateway and a tmux session: the chat on top, the agents below.

    What is already running keeps running. The agents start one after another, each in its earlier conversation.

    Examples:
      groupchat up
      groupchat up --dry-run
      groupchat up --fresh
      groupchat up --demo
      groupchat up --team other.toml --detach --json
    """
    from controller.cli.team import up_command

    context = given(ctx)
    os.environ.update(context.passphrase_environment())
    wanted = up_command.Wanted(team, demo, port, socket, context.state, yes, interrupt, fresh)
    if dry_run:
        preview = run(lambda: up_command.preview_team(wanted, context.as_json), as_json=context.as_json)
        up_command.print_preview(preview, context.as_json)
        return
    started, site = run(lambda: up_command.find_and_start_team(wanted, context.as_json), as_json=context.as_json)
    enters = not detach and sys.stdin.isatty()
    if context.as_json:
        print_json(up_command.as_answer(started, site))
    elif not enters:
        entry = up_command.how_to_enter(started.team, site)
        print_lines(f"{started.session} runs with {', '.join(started.agents)}; {entry} enters it.")
    if enters:
        up_command.enter(site, context.as_json)
    if started.problems:
        raise typer.Exit(1)


def down(ctx: typer.Context, team: TeamArgument = None, socket: SocketOption = None) -> None:
    """Stop a team: its session, its agents and its gateway. No message is lost.

    Examples:
      groupchat down
      groupchat down backend
    """
    from controller.cli.team.running_team import team_to_change
    from controller.workspace import launcher
    from gateway.client.discovery.team_choice import TeamChoice

    context = given(ctx)

    async def work() -> tuple[TeamChoice, list[str]]:
        choice, site = await team_to_change(context.state, socket, team)
        return choice, await launcher.end_team(site)

    choice, ended = run(work, as_json=context.as_json)
    words = f"Stopped{of_team_text(choice)}: {', '.join(ended) or 'nothing was running'}."
    show_done({"ended": ended, "team": choice.name, "state": choice.state}, words, context.as_json)


def attach(ctx: typer.Context, team: TeamArgument = None, socket: SocketOption = None) -> None:
    """Enter the tmux session of a team. Inside tmux, switch to it.

    Examples:
      groupchat attach
      groupchat attach backend
    """
    from controller.cli.team import up_command
    from controller.cli.team.running_team import find_team, named
    from controller.team.workspace_record import read_workspace_record
    from controller.workspace.team_location import TeamLocation, location_from_record
    from controller.workspace.team_ownership import require_own_session

    context = given(ctx)

    async def work() -> TeamLocation:
        choice = await find_team(context.state, team)
        site = location_from_record(Path(choice.state), socket)
        if not context.as_json:
            print_remark(choice)
            print_team(choice)
        record = read_workspace_record(site.state)
        if record is None:
            raise NotFound(f"{named(choice)} is not running; `groupchat up` starts it.")
        return await require_own_session(record, site)

    up_command.enter(run(work, as_json=context.as_json), context.as_json)


def status(ctx: typer.Context) -> None:
    """Print how the gateway and the team are doing.

    Examples:
      groupchat status
      groupchat status --json
    """
    from controller.output import command_output
    from controller.workspace import team_status
    from gateway.protocol.results import Health

    context = merge_options(ctx)

    async def looking() -> tuple[Health, team_status.TeamStatus]:
        announce_team(context)
        return await team_status.fetch_status(context)

    command_output.print_status(*run(looking, as_json=context.as_json), context.as_json)


def teams(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="List teams that are not running, too.")] = False,
) -> None:
    """List the running teams: folder, start, agents and gateway.

    Examples:
      groupchat teams
      groupchat teams --all --json
    """
    from controller.workspace.team_list import find_running_teams, find_teams
    from gateway.client.discovery.team_discovery import named_folder

    context = given(ctx)
    folder = named_folder(os.environ, context.state)
    look = find_teams if everything else find_running_teams
    print_teams(run(lambda: look([folder] if folder else []), as_json=context.as_json), context.as_json)


def restart(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The name of an agent, or `chat`, or `gateway`.")],
    fresh: FreshOption = False,
    socket: SocketOption = None,
) -> None:
    """Restart an agent in its pane, or the chat, or the gateway. An agent comes back to its conversation.

    Examples:
      groupchat restart claude
      groupchat restart claude --fresh
      groupchat restart gateway
    """
    from controller.cli.team.running_team import team_to_change
    from controller.cli.team.up_command import quiet
    from controller.workspace import launcher

    context = given(ctx)

    async def work() -> None:
        _, site = await team_to_change(context.state, socket)
        await launcher.restart_pane(site, name, quiet, fresh=fresh)

    run(work, as_json=context.as_json)
    show_done({"restarted": name}, f"{name} is restarted.", context.as_json)


def add(
    ctx: typer.Context,
    name: AgentArgument,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- CMD...", help="The command that starts it (default: that of its rules file)."),
    ] = None,
    role: Annotated[str, typer.Option(metavar="ROLE", help="Its role, such as coder (default: none).")] = "",
    agent: Annotated[
        str,
        typer.Option(metavar="KIND", help="The kind of agent, or a rules file (default: recognized from the command)."),
    ] = "",
    project: Annotated[str, typer.Option(metavar="DIR", help="The folder it runs in (default: this one).")] = ".",
    room: Annotated[
        list[str] | None, typer.Option("--room", metavar="ROOM", help="A room it is in beside general (repeatable).")
    ] = None,
    interrupt: InterruptOption = False,
    fresh: FreshOption = False,
    socket: SocketOption = None,
) -> None:
    """Add an agent to the running team. One that was in it before comes back to its conversation in this folder.

    Examples:
      groupchat add tester -- claude
      groupchat add reviewer --role reviewer --project ../api -- codex
      groupchat add gus --room design -- gemini
      groupchat add mine
    """
    from controller.cli.team.running_team import team_to_change
    from controller.team.team import AgentSpec
    from controller.workspace import launcher
    from controller.workspace.startup.rules_file_lookup import require_command, with_rules_file

    context = given(ctx)

    async def work() -> launcher.StartedTeam:
        own, job = canonical_agent_name(name), canonical_name(role) if role else ""
        rooms = tuple(canonical_room_name(one) for one in room or ())
        folder = Path(project).resolve()
        spec = AgentSpec(own, tuple(command or ()), job, agent, str(folder), interrupt=interrupt, rooms=rooms)
        _, site = await team_to_change(context.state, socket)
        places = (site.state, folder)
        return await launcher.add_agent(site, require_command(with_rules_file(spec, *places), places), fresh=fresh)

    started = run(work, as_json=context.as_json)
    if context.as_json:
        print_json({"agents": list(started.agents), "problems": dict(started.problems)})
    else:
        print_lines(*(f"{one}: {problem}" for one, problem in started.problems.items()))
    if started.problems:
        raise typer.Exit(1)


def remove_agent(ctx: typer.Context, name: AgentArgument, socket: SocketOption = None) -> None:
    """Stop an agent of the running team and close its pane. Its messages stay.

    Example:
      groupchat rm tester
    """
    from controller.cli.team.running_team import team_to_change
    from controller.workspace import launcher

    context = given(ctx)

    async def work() -> None:
        _, site = await team_to_change(context.state, socket)
        await launcher.remove_agent(site, name)

    run(work, as_json=context.as_json)
    show_done({"removed": name}, f"{name} has left the team.", context.as_json)


LEVEL_COLOURS = {
    "warning": typer.colors.YELLOW,
    "error": typer.colors.RED,
    "critical": typer.colors.RED,
}


def logs(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The name of an agent, or `gateway`.")] = GATEWAY,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing as the log grows.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", metavar="N", min=1, help="Print the last N lines.")] = 200,
) -> None:
    """Print the log of the gateway or of an agent's sidecar.

    It holds times, steps and errors, but no message text and no token.

    With --json the lines are as they stand in the file.

    Examples:
      groupchat logs
      groupchat logs claude --follow
    """
    from controller.cli.team.running_team import find_team

    context = given(ctx)
    folder = Path(run(lambda: find_team(context.state), as_json=context.as_json).state)
    path = _log_file(folder, name, context.as_json)
    if not path.exists():
        known = sorted(one.parent.name for one in folder.glob("sidecars/*/sidecar.log"))
        words = f"There is no log of {name!r} in {folder}; there are gateway{''.join(f', {one}' for one in known)}."
        fail(NotFound(words), as_json=context.as_json)
    _print_tail(path, lines, follow, context.as_json)


def _log_file(folder: Path, name: str, as_json: bool) -> Path:
    """An agent's name is used as a folder name, so it must not be a path."""
    if name == GATEWAY:
        return folder / "gateway.log"
    try:
        return folder / "sidecars" / canonical_name(name) / "sidecar.log"
    except GroupChatError as error:
        fail(error, as_json=as_json)


def _print_tail(path: Path, lines: int, follow: bool, as_json: bool) -> None:
    import contextlib
    import subprocess

    tail = subprocess.Popen(
        ["tail", "-n", str(lines), *(["-F"] if follow else []), str(path)],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    with contextlib.suppress(KeyboardInterrupt), tail:
        for line in tail.stdout or ():
            _print_log_line(line.removesuffix("\n"), as_json)


def _print_log_line(raw: str, as_json: bool) -> None:
    from datetime import datetime

    from controller.output.log_text import log_line

    if as_json:
        print_lines(raw)
        return
    shown = log_line(raw, datetime.now().date())
    print_lines(*shown.lines, fg=LEVEL_COLOURS.get(shown.level), dim=shown.level == "debug")
