"""`groupchat-sidecar`: join an agent to the room, explain what is seen of it, record and replay."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import msgspec
import structlog
import typer

from gateway.client import state_for
from gateway.client.console.console_output import print_json, print_lines, print_text, print_uncaught_errors
from gateway.client.discovery.team_choice import STATE_VARIABLE
from gateway.client.discovery.timeouts import timeouts_from
from gateway.client.process.process_limits import make_process_private
from gateway.protocol.errors import GroupChatError
from gateway.protocol.text.prompts import PROMPTS
from gateway.protocol.types import canonical_agent_name, canonical_member_name
from sidecar.activity.explain import explanation_lines
from sidecar.activity.recording_replay import parse_recording, replay_changes
from sidecar.agents import REGISTRY, agent_for
from sidecar.agents.adapter.adapter import LaunchContext
from sidecar.errors import BadRecording, CannotStart, SidecarError
from sidecar.inspect_socket import InspectReply, ask_sidecar_for
from sidecar.lifecycle import JoinOptions, run_sidecar
from sidecar.messages.envelope import DEFAULT_ENVELOPE, parse_template
from sidecar.process.agent_folder import agent_folder, make_agent_folder
from sidecar.process.run_plan import RunPlan
from sidecar.process.supervisor import AFRESH, EXIT_FAILED, RESUME
from sidecar.process.supervisor_link import SidecarSupervisorLink, fork_under_supervisor, sidecar_link_from
from sidecar.terminal.asciicast import open_new_recording, save_observation
from sidecar.terminal.human_input import open_human_terminal
from sidecar.terminal.record_session import RecordedSession

app = typer.Typer(help="One agent in one terminal, in the room.", no_args_is_help=True, pretty_exceptions_enable=False)


AGENTS_WITH_SKILL = [name for name, one in REGISTRY.items() if one.skill]


class RestartPolicy(StrEnum):
    NEVER = "never"
    CRASH = "crash"
    ALWAYS = "always"


AgentOption = Annotated[str | None, typer.Option("--agent", help=f"One of {', '.join(REGISTRY)}; else by the command.")]


@app.callback()
def _describe_program() -> None:
    """One agent in one terminal, in the room."""


@app.command()
def join(
    name: Annotated[str, typer.Argument(help="The agent's name in the room.")],
    command: Annotated[list[str], typer.Argument(metavar="-- CMD...", help="The agent's own command.")],
    role: Annotated[str | None, typer.Option(help="What it does here, such as coder.")] = None,
    project: Annotated[Path, typer.Option(help="The folder to run it in.")] = Path("."),
    agent: AgentOption = None,
    gateway: Annotated[str | None, typer.Option(help="The gateway's address.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the agent's last conversation here.")] = False,
    restart: Annotated[
        RestartPolicy,
        typer.Option(help="When to start again: after a crash of sidecar or agent, whenever it ends, or never."),
    ] = RestartPolicy.CRASH,
    interrupt: Annotated[bool, typer.Option("--interrupt", help="Urgent messages end the turn under way.")] = False,
    tools: Annotated[bool, typer.Option("--tools/--no-tools", help="Whether the agent gets the room's tools.")] = True,
    envelope: Annotated[str, typer.Option(help="How a message says whom it is from.")] = DEFAULT_ENVELOPE,
) -> None:
    """Run CMD in this terminal, untouched, and bring it the room's messages.

    groupchat-sidecar join claude --role coder -- claude
    """
    folder = project.expanduser().resolve()
    if not folder.is_dir():
        raise SidecarError(f"The project folder {project} does not exist.")
    own = canonical_agent_name(name)
    os.environ[STATE_VARIABLE] = str(
        state_for(os.environ, gateway=gateway)
    )  # for all that begins here, wherever it runs
    private = make_agent_folder(os.environ, own)
    plan = RunPlan(own, agent_for(command, agent), tuple(command), folder, private, dict(os.environ))
    plan = replace(plan, interrupts=interrupt, envelope=parse_template(envelope))
    leash = sidecar_link_from(os.environ) or fork_under_supervisor(own, private, restart, _resume_arguments(sys.argv))
    plan = replace(plan, inherited=make_process_private())
    wish = JoinOptions(plan, role, gateway, leash.go_on == RESUME or (resume and leash.go_on != AFRESH), tools)
    raise typer.Exit(_run_joined(wish, leash))


def _resume_arguments(argv: Sequence[str]) -> list[str]:
    return [sys.executable, "-P", "-m", "sidecar.cli", *argv[1:]]


def _run_joined(wish: JoinOptions, leash: SidecarSupervisorLink) -> int:
    """The agent's exit status. However this ends, the supervisor is told what it cannot see."""
    try:
        status = asyncio.run(run_sidecar(wish, leash, os.environ))
    except (SidecarError, GroupChatError):
        leash.report_refusal()
        raise
    except KeyboardInterrupt:
        leash.report_refusal()
        return 128 + signal.SIGINT
    except Exception:
        structlog.get_logger("sidecar").exception("the sidecar failed")
        return EXIT_FAILED
    return status


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="The agent's name in the room.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one line per answer.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Again at each change, until Ctrl-C.")] = False,
    save: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save the last seconds there, as a recording for tests.")
    ] = None,
) -> None:
    """What a running sidecar sees of its agent: each signal and rule, its age, the verdict and its reasons.

    groupchat-sidecar explain claude --save recordings/
    """
    what = "save" if save else "watch" if watch else "explain"
    own = canonical_member_name(name)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(
            _explain_agent(agent_folder(os.environ, own), own, what, _make_explain_printer(save, own, as_json=as_json))
        )


async def _explain_agent(folder: Path, name: str, what: str, tell: Callable[[InspectReply], None]) -> None:
    async for answer in ask_sidecar_for(folder, name, what, timeouts_from(os.environ).opens):
        tell(answer)


def _make_explain_printer(save: Path | None, name: str, *, as_json: bool) -> Callable[[InspectReply], None]:
    def tell(answer: InspectReply) -> None:
        if save is not None:
            path = save_observation(save, f"{name}-{datetime.now():%Y%m%d-%H%M%S}", answer)
            print_json({"file": str(path)}) if as_json else print_lines(
                f"Saved as {path}, with what was thought beside it."
            )
        else:
            print_json(answer) if as_json else print_lines(*explanation_lines(answer))

    return tell


class AgentToCheck(msgspec.Struct, frozen=True):
    """A command that the desk would start, where, and what its environment has besides ours."""

    command: list[str]
    project: str
    env: dict[str, str] = {}
    agent: str | None = None


@app.command(hidden=True)
def foresee() -> None:
    """For each agent on standard input (JSON): the versions its rules were tried on, and what it wants first."""
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=list[AgentToCheck])
    print_json([_check_agent(one) for one in wanted])


def _check_agent(one: AgentToCheck) -> dict[str, object]:
    agent = agent_for(one.command, one.agent or None)
    place = LaunchContext(Path(one.project).resolve(), Path(), "", "", {**os.environ, **one.env})
    return {"tried": agent.rules.versions, "wants": agent.launching.wants_first(one.command, place)}


@app.command("skill")
def skill_command(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(PROMPTS)}.")],
    agent: Annotated[str, typer.Option("--for", help=f"One of {', '.join(AGENTS_WITH_SKILL)}.")] = AGENTS_WITH_SKILL[0],
    write: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write it where the agent looks for it below DIR.")
    ] = None,
) -> None:
    """Teach an agent to use the room's tools well, and without polling: a skill, prompt or command of its own kind.

    groupchat skill advisor --for claude --write .
    """
    form = REGISTRY[agent].skill if agent in AGENTS_WITH_SKILL else None
    if name not in PROMPTS or form is None:
        raise SidecarError(f"Choose {' or '.join(PROMPTS)}, for {', '.join(AGENTS_WITH_SKILL)}.")
    made = form(name, PROMPTS[name])
    if write is None:
        print_text(made.text)
        return
    path = write.expanduser() / made.path
    if path.exists() and path.read_text(encoding="utf-8") != made.text:
        raise SidecarError(f"{path} exists and is another text; move it away first.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(made.text, encoding="utf-8")
    print_lines(f"Written to {path}.", err=True)


@app.command()
def record(
    command: Annotated[list[str], typer.Argument(metavar="-- CMD...", help="The program to run.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to; a new file.")] = None,
) -> None:
    """Run CMD in this terminal, untouched, and record what it prints and what is typed, passwords too.

    groupchat-sidecar record -o session.cast -- claude
    """
    path = output or Path(f"{Path(command[0]).name}-{datetime.now():%Y%m%d-%H%M%S}.cast")
    with open_new_recording(path) as file:
        try:
            status = asyncio.run(_record_program(command, file))
        except CannotStart:
            path.unlink()
            raise
    print_lines(f"Recorded in {path}.", err=True)
    raise typer.Exit(status)


async def _record_program(command: list[str], file: TextIO) -> int:
    with open_human_terminal(sys.stdin.fileno(), sys.stdout.fileno()) as human:
        return await RecordedSession(command, dict(os.environ), human, file).run()


@app.command("replay")
def replay_command(
    file: Annotated[Path, typer.Argument(help="A recording in asciicast format, version 2.")],
    agent: AgentOption = "claude",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per change.")] = False,
) -> None:
    """What would have been seen of a recorded agent, in virtual time.

    groupchat-sidecar replay claude-permission.cast --agent claude --json
    """
    try:
        with file.open(encoding="utf-8") as lines:
            recording = parse_recording(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise BadRecording(f"{file} cannot be read: {error}.") from error
    for change in replay_changes(recording, agent_for((), agent)):
        line = {"t": change.t, "activity": change.activity, "composer": change.composer, "because": change.because}
        human = f"{change.t:9.3f}  {change.activity:8}  {change.composer:8}  {'; '.join(change.because)}"
        print_json(line) if as_json else print_lines(human)


def main() -> None:
    with print_uncaught_errors():
        try:
            app()
        except (SidecarError, GroupChatError) as error:
            code = getattr(error, "code", "sidecar")
            print_json({"error": {"code": code, "message": str(error)}}, err=True)
            raise SystemExit(1) from None


if __name__ == "__main__":
    main()
