"""The verbs of the launcher: init, up, down, attach, restart, add, rm, logs, chat."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from controller import launcher, show
from controller.agreement import need_agreement
from controller.machine import TEAM_FILE, files_at, gather, named_state, team_of, wish_of
from controller.preflight import Check, checks
from controller.record import recall
from controller.site import Site, Tell, site_of
from controller.team import AgentSpec
from gateway.client import state_folder
from gateway.client.output import say, show_json
from gateway.client.terminal import Context, JsonOption, StateOption, fail, run
from gateway.protocol.errors import Conflict, GroupChatError, NotFound, Unavailable
from gateway.protocol.nouns import agent_name_of, name_of

SocketOption = Annotated[str | None, typer.Option("--socket", hidden=True, help="Another tmux server, for tests.")]
TeamOption = Annotated[
    str | None, typer.Option("--team", metavar="FILE", help="A team file; else ./team.toml if there is one.")
]
TEMPLATE = Path(__file__).with_name("team.toml")
NAME = Annotated[str, typer.Argument(metavar="NAME", help="An agent of the team.")]


@dataclass(frozen=True)
class Wanted:
    """What the options of `up` say."""

    team: str | None
    demo: bool
    port: int | None
    socket: str | None
    state: str | None
    yes: bool


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
    show_json({"file": str(file)}) if as_json else show.text(f"{file} is written; `groupchat up` reads it from here.")


def up(
    ctx: typer.Context,
    demo: Annotated[bool, typer.Option("--demo", help="With three demo agents instead of the CLIs here.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Do not enter the session.")] = False,
    team: TeamOption = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The gateway's port; 0 takes any.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Run the ./team.toml that is here, without a question.")] = False,
    socket: SocketOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start the gateway and a tmux session, the chat on top and the agents below. What runs already goes on."""
    wanted = Wanted(team, demo, port, socket, _state(ctx, state), yes)
    started, site = run(lambda: _up(wanted, as_json), as_json=as_json)
    enters = not detach and sys.stdin.isatty()
    if as_json:
        show_json(_as_json(started, site))
    elif not enters:
        show.text(f"{started.session} runs with {', '.join(started.agents)}; {_how_to_enter(site)} enters it.")
    if enters:
        _enter(site, as_json)
    if started.problems:
        raise typer.Exit(1)


async def _up(wanted: Wanted, as_json: bool) -> tuple[launcher.Started, Site]:
    files = files_at(wanted.team, Path.cwd())
    team = team_of(os.environ, wish_of(wanted.demo, wanted.port), files)
    default = state_folder(os.environ, wanted.state)
    need_agreement(default, files, wanted.yes)
    folder = default if wanted.state else named_state(team, default)
    site = Site.of(folder, team.session, wanted.socket)
    tell = _quiet if as_json else _told
    if recall(folder) is None:
        _judge(list(checks(team, await gather(team, site))), tell)
    started = await launcher.up(team, site, tell)
    for name, problem in started.problems.items():
        tell(f"{name}: {problem}")
    return started, site


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
        "state": str(site.state),
        "agents": list(started.agents),
        "problems": dict(started.problems),
    }


def _how_to_enter(site: Site) -> str:
    usual = state_folder(os.environ, None) == site.state
    return "`groupchat attach`" if usual else f"`groupchat attach --state {site.state}`"


def _enter(site: Site, as_json: bool) -> NoReturn:
    command = run(lambda: site.workspace.attach_command(os.environ), as_json=as_json)
    sys.stdout.flush()
    os.execvp(command[0], command)


def down(
    ctx: typer.Context, socket: SocketOption = None, state: StateOption = None, as_json: JsonOption = False
) -> None:
    """End the session, its agents and its gateway; nothing that was said is lost."""
    ended = run(lambda: launcher.down(site_of(_state(ctx, state), socket)), as_json=as_json)
    show_json({"ended": ended}) if as_json else show.text(f"Ended: {', '.join(ended) or 'nothing was running'}.")


def attach(
    ctx: typer.Context, socket: SocketOption = None, state: StateOption = None, as_json: JsonOption = False
) -> None:
    """Enter the session; from inside tmux, switch to it."""
    site = site_of(_state(ctx, state), socket)
    if not run(site.workspace.exists, as_json=as_json):
        fail(NotFound(f"{site.workspace.session} is not running; `groupchat up` starts it."), as_json=as_json)
    _enter(site, as_json)


def restart(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="An agent, `chat`, or `gateway`.")],
    socket: SocketOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """End an agent's pane and start it anew in the same place; the same for the chat and the gateway."""
    run(lambda: launcher.restart(site_of(_state(ctx, state), socket), name, _quiet), as_json=as_json)
    show_json({"restarted": name}) if as_json else show.text(f"{name} is started anew.")


def add(
    ctx: typer.Context,
    name: NAME,
    command: Annotated[list[str], typer.Argument(metavar="-- CMD...", help="Its command.")],
    role: Annotated[str, typer.Option(help="What it does here, such as coder.")] = "",
    agent: Annotated[str, typer.Option(help="Which one it is, if its command's name does not say so.")] = "",
    project: Annotated[str, typer.Option(help="The folder to run it in.")] = ".",
    socket: SocketOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a further agent into the running team: `groupchat add tester -- claude`."""

    async def work() -> launcher.Started:
        own, job = agent_name_of(name), name_of(role) if role else ""
        spec = AgentSpec(own, tuple(command), job, agent, str(Path(project).resolve()))
        return await launcher.add(site_of(_state(ctx, state), socket), spec)

    started = run(work, as_json=as_json)
    show_json({"agents": list(started.agents), "problems": dict(started.problems)}) if as_json else None
    for one, problem in started.problems.items():
        show.text(f"{one}: {problem}") if not as_json else None
    if started.problems:
        raise typer.Exit(1)


def remove(
    ctx: typer.Context, name: NAME, socket: SocketOption = None, state: StateOption = None, as_json: JsonOption = False
) -> None:
    """End an agent of the running team and close its pane; what it said stays."""
    run(lambda: launcher.remove(site_of(_state(ctx, state), socket), name), as_json=as_json)
    show_json({"removed": name}) if as_json else show.text(f"{name} has left the team.")


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
    folder = state_folder(os.environ, _state(ctx, state))
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
