"""`groupchat-sidecar`: connect an agent to the room, and look at what its sidecar sees.

A sidecar types the room's messages into the agent's own terminal and posts its answers.

Examples:
  groupchat-sidecar join claude --role coder -- claude
  groupchat-sidecar explain claude
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import msgspec
import typer

from gateway.client.discovery.team_choice import STATE_VARIABLE
from gateway.client.known_agents import KNOWN_AGENTS, agents_with_skills
from gateway.command_line.application import CommandLine, Verb, run_program
from gateway.command_line.common_options import ALONE, FOLDER, given, program
from gateway.console.client_options import ClientOptions
from gateway.console.console_output import print_json, print_lines, print_text, show_done, show_prompt
from gateway.process_basics.process_hardening import make_process_private
from gateway.protocol.errors import GroupChatError
from gateway.protocol.text.role_prompts import PROMPTS
from gateway.protocol.types.core_types import canonical_agent_name, canonical_member_name
from sidecar.connectors.cli import connect
from sidecar.errors import BadRecording, CannotStart, SidecarError
from sidecar.messages.envelope import BARE, parse_template
from sidecar.rules_file.envelope_template import DEFAULT_ENVELOPE

if TYPE_CHECKING:
    from sidecar.agents import Adapter
    from sidecar.explain_socket import ExplainReply
    from sidecar.sidecar_run import JoinOptions
    from sidecar.supervision.supervisor_link import SidecarSupervisorLink

WITH_SKILLS = agents_with_skills()
GATEWAY_VARIABLE = "CSP_GATEWAY_URL"


class RestartPolicy(StrEnum):
    NEVER = "never"
    CRASH = "crash"
    ALWAYS = "always"


class LimitPolicy(StrEnum):
    HOLD = "hold"
    RESUME = "resume"


AgentArgument = Annotated[str, typer.Argument(metavar="NAME", help="The agent's name in the room.")]
AgentOption = Annotated[
    str | None,
    typer.Option("--agent", metavar="KIND", help=f"{', '.join(KNOWN_AGENTS)} (default: recognized from the command)."),
]


CommandArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="-- CMD...", help="The command that starts the agent (default: that of its rules file)."),
]
RoleOption = Annotated[str | None, typer.Option(metavar="ROLE", help="Its role, such as coder (default: none).")]
ProjectOption = Annotated[Path, typer.Option(metavar="DIR", help="The folder it runs in (default: this one).")]
FreshOption = Annotated[
    bool,
    typer.Option(
        "--fresh/--resume", help="Begin a new conversation, or come back to the agent's last one in this folder."
    ),
]
RestartOption = Annotated[RestartPolicy, typer.Option(help="Restart the agent after a crash, always, or never.")]
InterruptOption = Annotated[bool, typer.Option("--interrupt", help="Urgent messages interrupt the current turn first.")]
OnLimitOption = Annotated[
    LimitPolicy, typer.Option(help="After a usage limit, hold its messages for a person, or go on by itself.")
]
ToolsOption = Annotated[bool, typer.Option("--tools/--no-tools", help="Give the agent the room's MCP tools.")]
EnvelopeOption = Annotated[
    str | None, typer.Option(metavar="TEXT", help="The envelope before each message; none types the bare text.")
]


def join(
    ctx: typer.Context,
    name: AgentArgument,
    command: CommandArgument = None,
    role: RoleOption = None,
    project: ProjectOption = Path("."),
    agent: AgentOption = None,
    fresh: FreshOption = False,
    restart: RestartOption = RestartPolicy.CRASH,
    interrupt: InterruptOption = False,
    on_limit: OnLimitOption = LimitPolicy.HOLD,
    tools: ToolsOption = True,
    envelope: EnvelopeOption = None,
) -> None:
    """Run an agent in this terminal and connect it to the room.

    It comes back to its last conversation in this folder, if there is one. What the agent prints and what you type
    stay as they are. The exit code is the agent's.

    Examples:
      groupchat join claude --role coder -- claude
      groupchat join claude --fresh -- claude
      groupchat join tester --agent codex --project ../api -- codex
      groupchat join mine
    """
    from sidecar.conversation.start_choice import WantedStart
    from sidecar.run_files.agent_folder import make_agent_folder
    from sidecar.run_files.run_plan import RunPlan
    from sidecar.sidecar_run import JoinOptions
    from sidecar.supervision.exit_report import ConversationChoice
    from sidecar.supervision.supervisor_link import fork_under_supervisor, sidecar_link_from

    folder = project.expanduser().resolve()
    if not folder.is_dir():
        raise SidecarError(f"The project folder {project} does not exist.")
    own, context = canonical_agent_name(name), given(ctx)
    os.environ.update(_for_all_that_begins_here(context))
    private = make_agent_folder(os.environ, own)
    adapter = _adapter_to_run(command, agent or (None if command else own), folder)
    plan = RunPlan(own, adapter, tuple(command or adapter.launching.command), folder, private, dict(os.environ))
    template = _template_of(adapter, envelope)
    plan = replace(plan, envelope=template, interrupts=interrupt, restart=restart, on_limit=on_limit)
    link = sidecar_link_from(os.environ) or fork_under_supervisor(own, private, restart, _resume_arguments(sys.argv))
    plan = replace(plan, inherited=make_process_private())
    wanted = WantedStart(
        fresh, link.conversation is not ConversationChoice.NONE, link.conversation is ConversationChoice.AFRESH
    )
    wish = JoinOptions(plan, role, context.gateway, wanted, tools)
    raise typer.Exit(_run_joined(wish, link))


def _adapter_to_run(command: Sequence[str] | None, agent: str | None, project: Path) -> Adapter:
    from gateway.client import state_folder
    from sidecar.agents import agent_for

    found = agent_for(command or (), agent, state_folder(os.environ), project)
    if command or found.launching.command:
        return found
    raise SidecarError(f"What starts {agent}? Give its command after `--`, such as: groupchat join {agent} -- {agent}.")


def _template_of(adapter: Adapter, envelope: str | None) -> str:
    template = parse_template(envelope or adapter.envelope or DEFAULT_ENVELOPE)
    if template == BARE and adapter.proves:
        raise SidecarError(f"{adapter.name} proves a message by the number in its envelope, so it needs one.")
    return template


def _for_all_that_begins_here(context: ClientOptions) -> dict[str, str]:
    """The state folder and the trusted CAs for the agent and its tools, in whichever folder they run. The gateway's
    address is left out, because the agent reaches the room through its sidecar."""
    return {name: value for name, value in context.as_environment().items() if name != GATEWAY_VARIABLE}


def _resume_arguments(argv: Sequence[str]) -> list[str]:
    return [sys.executable, "-P", "-m", "sidecar.cli", *argv[1:]]


def _run_joined(wish: JoinOptions, link: SidecarSupervisorLink) -> int:
    """Returns the agent's exit status. However this ends, the supervisor is told what it cannot see."""
    import asyncio
    import signal

    import structlog

    from sidecar.sidecar_run import run_sidecar
    from sidecar.supervision.supervisor import EXIT_FAILED

    try:
        return asyncio.run(run_sidecar(wish, link, os.environ))
    except (SidecarError, GroupChatError):
        link.report_refusal()
        raise
    except KeyboardInterrupt:
        link.report_refusal()
        return 128 + signal.SIGINT
    except Exception:
        structlog.get_logger("sidecar").exception("the sidecar failed")
        return EXIT_FAILED


def explain(
    ctx: typer.Context,
    name: AgentArgument,
    watch: Annotated[bool, typer.Option("--watch", help="Print again at each change, until Ctrl-C.")] = False,
    save: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Save the last seconds to this folder, as a recording for tests."),
    ] = None,
) -> None:
    """Print what a sidecar sees of its agent, and what it concludes.

    For each signal and rule: whether it matched, and how old it is. With --json, one line per answer.

    Examples:
      groupchat explain claude
      groupchat explain claude --watch
      groupchat explain claude --save recordings/
    """
    import asyncio
    import contextlib

    from sidecar.run_files.agent_folder import agent_folder

    context = given(ctx)
    if context.state:
        os.environ[STATE_VARIABLE] = str(context.folder)
    what = "save" if save else "watch" if watch else "explain"
    own = canonical_member_name(name)
    with contextlib.suppress(KeyboardInterrupt):
        tell = _make_explain_printer(save, own, as_json=context.as_json)
        asyncio.run(_explain_agent(agent_folder(os.environ, own), own, what, tell))


async def _explain_agent(folder: Path, name: str, what: str, tell: Callable[[ExplainReply], None]) -> None:
    from gateway.client.timeouts import timeouts_from
    from sidecar.explain_socket import ask_sidecar_for

    async for answer in ask_sidecar_for(folder, name, what, timeouts_from(os.environ).opens):
        tell(answer)


def _make_explain_printer(save: Path | None, name: str, *, as_json: bool) -> Callable[[ExplainReply], None]:
    from sidecar.activity.explanation import explanation_lines
    from sidecar.terminal.asciicast import save_observation

    def tell(answer: ExplainReply) -> None:
        if save is not None:
            path = save_observation(save, f"{name}-{_now()}", answer)
            show_done({"file": str(path)}, f"Saved to {path}, with what the sidecar concluded.", as_json)
        else:
            print_json(answer) if as_json else print_lines(*explanation_lines(answer))

    return tell


def _now() -> str:
    return f"{datetime.now():%Y%m%d-%H%M%S}"


class AgentToCheck(msgspec.Struct, frozen=True):
    """A command that a team would start, its folder, and its extra environment. With a `name`, its conversation is
    foreseen, too: `fresh` as for `join`."""

    command: list[str]
    project: str
    env: dict[str, str] = {}
    agent: str | None = None
    name: str = ""
    fresh: bool = False


def foresee() -> None:
    """For each agent on stdin (JSON), print what is known before it starts.

    The versions its rules were tried on, what it wants first, and the conversation that it would come back to.

    Example:
      echo '[{"command":["claude"],"project":"."}]' | groupchat-sidecar foresee
    """
    try:
        wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=list[AgentToCheck])
    except msgspec.MsgspecError as error:
        raise SidecarError(f"Standard input is not a list of agents in JSON: {error}.") from None
    print_json([_check_agent(one) for one in wanted])


def _check_agent(one: AgentToCheck) -> dict[str, object]:
    from gateway.client import state_folder
    from sidecar.agents import agent_for
    from sidecar.agents.adapter.adapter import LaunchContext
    from sidecar.conversation.conversation_preview import foresee_conversation
    from sidecar.run_files.agent_folder import agent_folder

    agent = agent_for(one.command, one.agent or None, state_folder(os.environ), Path(one.project))
    project, env = Path(one.project).resolve(), {**os.environ, **one.env}
    place = LaunchContext(project, Path(), "", "", env)
    found: dict[str, object] = {"tried": agent.rules.versions, "wants": agent.launching.wants_first(one.command, place)}
    if not one.name:
        return found
    own = replace(place, private=agent_folder(os.environ, canonical_agent_name(one.name)))
    return {**found, "conversation": foresee_conversation(agent, one.command, own, fresh=one.fresh)}


def skill(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(PROMPTS)}.")],
    agent: Annotated[
        str, typer.Option("--for", metavar="KIND", help=f"One of {', '.join(WITH_SKILLS)}.")
    ] = WITH_SKILLS[0],
    write: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write it below this folder, where the agent finds it (default: print it)."),
    ] = None,
) -> None:
    """Print a skill that teaches an agent to use the room's tools.

    It has the form that the agent knows: a skill, a prompt or a command.

    Examples:
      groupchat skill advisor --for claude --write .
      groupchat skill reviewer --for codex
    """
    from sidecar.agents import REGISTRY

    if name not in PROMPTS:
        raise SidecarError(f"There is no skill {name[:40]!r}. Skills: {', '.join(PROMPTS)}.")
    form = REGISTRY[agent].skill if agent in WITH_SKILLS else None
    if form is None:
        raise SidecarError(f"{agent[:40]!r} takes no skills. Agents that take them: {', '.join(WITH_SKILLS)}.")
    made = form(name, PROMPTS[name])
    if write is None:
        print_text(made.text)
        return
    path = write.expanduser() / made.path
    if path.exists() and path.read_text(encoding="utf-8") != made.text:
        raise SidecarError(f"{path} exists with another text; move it away first.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(made.text, encoding="utf-8")
    print_lines(f"Written to {path}.", err=True)


def record(
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- CMD...", help="The program to run (with --kit, default: the agent's)."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="The recording (default: a new file in this folder); with --kit, a folder.",
        ),
    ] = None,
    kit: Annotated[
        str | None,
        typer.Option(metavar="AGENT", help="Be guided through the scenes from which rules for this agent are made."),
    ] = None,
) -> None:
    """Run a program in this terminal and record it.

    The recording holds what it prints and what you type, passwords included.

    Examples:
      groupchat record -o session.cast -- claude
      groupchat record --kit agy
    """
    import asyncio

    from sidecar.terminal.asciicast import open_new_recording

    if kit is not None:
        _record_kit(kit, command, output)
        return
    if not command:
        raise SidecarError("Which program? Give its command after `--`, such as: groupchat record -- claude.")
    path = output or Path(f"{Path(command[0]).name}-{_now()}.cast")
    with open_new_recording(path) as file:
        try:
            status = asyncio.run(_record_program(command, file))
        except CannotStart:
            path.unlink()
            raise
    print_lines(f"Recorded to {path}.", err=True)
    raise typer.Exit(status)


def _record_kit(agent: str, command: list[str] | None, output: Path | None) -> None:
    from sidecar.recording_kit.guided_recording import KitDesk, RecordingKit, play_kit
    from sidecar.terminal.person_at_terminal import open_human_terminal

    name = canonical_agent_name(agent)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SidecarError("A kit is played by a person: run it in a terminal.")
    desk = KitDesk(lambda: open_human_terminal(sys.stdin.fileno(), sys.stdout.fileno()), print_lines, _read_answer)
    kit = RecordingKit(name, command or [name], output or Path(f"{name}-recordings"), dict(os.environ))
    recordings = play_kit(kit, desk)
    print_lines(*(f"Recorded: {path}" for path in recordings))
    if recordings:
        rules = f"rules/{name}.toml"
        print_lines(
            f"Look through them before you share them. To check rules with them: groupchat rules check {rules} "
            f"{kit.folder}/*.cast"
        )


def _read_answer(question: str) -> str | None:
    """The person's next line; None if their terminal is closed."""
    show_prompt(question)
    return sys.stdin.readline() or None


async def _record_program(command: list[str], file: TextIO) -> int:
    from sidecar.terminal.person_at_terminal import open_human_terminal
    from sidecar.terminal.record_session import RecordedSession

    with open_human_terminal(sys.stdin.fileno(), sys.stdout.fileno()) as human:
        return await RecordedSession(command, dict(os.environ), human, file).run()


def replay(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording in asciicast format, version 2.")],
    agent: AgentOption = "claude",
) -> None:
    """Print what a sidecar would have seen in a recording.

    The time is that of the recording. With --json, one line per change.

    Example:
      groupchat replay claude-permission.cast --agent claude --json
    """
    from sidecar.activity.recording_replay import parse_recording, replay_changes
    from sidecar.agents import agent_for

    as_json = given(ctx).as_json
    try:
        with file.open(encoding="utf-8") as lines:
            recording = parse_recording(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise BadRecording(f"{file} cannot be read: {error}.") from error
    for change in replay_changes(recording, agent_for((), agent)):
        line = {"t": change.t, "activity": change.activity, "composer": change.composer, "because": change.because}
        human = f"{change.t:9.3f}  {change.activity:8}  {change.composer:8}  {'; '.join(change.because)}"
        print_json(line) if as_json else print_lines(human)


def check(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The rules file.", exists=True, dir_okay=False, readable=True)
    ],
    recordings: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RECORDING...", help="Recordings, each with its truth beside it as NAME.json."),
    ] = None,
) -> None:
    """Check a rules file, and score how well it reads recordings.

    Exit code 0: no fault, and each recording is read well; 1: otherwise; 2: something cannot be read.

    Examples:
      groupchat rules check rules/mine.toml
      groupchat rules check rules/mine.toml talk.cast --json
    """
    from sidecar.activity.rules_check import check_as_json, check_lines, check_rules_file

    checked = check_rules_file(file, recordings or ())
    print_json(check_as_json(checked)) if given(ctx).as_json else print_lines(*check_lines(checked))
    if checked.exit_status:
        raise typer.Exit(checked.exit_status)


RULES_HELP = """Check the file that tells how an agent is started and what its screen means.

Example:
  groupchat rules check rules/mine.toml talk.cast
"""
rules_app = CommandLine("rules", RULES_HELP)
rules_app.panel("Commands", {"check": check}, common=ALONE)
app = CommandLine("groupchat-sidecar", __doc__, callback=program, known_errors=(SidecarError, GroupChatError))
app.panel(
    "Agents",
    {"join": join, "connect": connect, "explain": Verb(explain, common=FOLDER), "skill": Verb(skill, common=ALONE)},
)
app.panel("Operations", {"record": record, "replay": replay, "rules": rules_app}, common=ALONE)
app.panel("Internal", {"foresee": Verb(foresee, hidden=True)})


def main() -> None:
    run_program(app, os.environ.get("GROUPCHAT_PROG", "groupchat-sidecar"))


if __name__ == "__main__":
    main()
