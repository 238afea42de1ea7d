"""Commands for users of Skynet Linker: `groupchat skynet` takes the place of `skynet-linker`.

They talk to any Skynet server: the one of this team's gateway, or the one that --server names.

Examples:
  groupchat skynet connect --agent-id gemini --type researcher
  groupchat skynet send --from planner --to gemini --content "Research RAG"
  groupchat skynet monitor --channel default
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.command_line.common_options import given
from gateway.console.console_output import print_json, print_lines, show_done
from gateway.console.run_command import run
from gateway.protocol.errors import BadRequest

if TYPE_CHECKING:
    from gateway.dialect_commands.skynet_endpoint import SkynetServer

PROTOCOL = "MCP/1.0"

ServerOption = Annotated[
    str | None,
    typer.Option("--server", "-s", metavar="URL", help="The server (default: this gateway's, or 127.0.0.1:8000)."),
]


class OutputFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class ContextDirection(StrEnum):
    PUSH = "push"
    PULL = "pull"


class AgentsAction(StrEnum):
    LIST = "list"


def skynet_connect(
    ctx: typer.Context,
    agent_id: Annotated[str, typer.Option("--agent-id", "-a", metavar="ID", help="The agent's id.")],
    agent_type: Annotated[
        str, typer.Option("--type", "--agent-type", "-t", metavar="TYPE", help="What it does, such as coder.")
    ] = "generic",
    server: ServerOption = None,
    channels: Annotated[
        str, typer.Option("--channels", "--channel", "-c", metavar="NAMES", help="Channels, with commas between them.")
    ] = "default",
    priority: Annotated[int, typer.Option("--priority", "-p", min=1, max=10, help="The agent's priority.")] = 5,
) -> None:
    """Connect as an agent and print the messages that it gets.

    A connection that breaks is opened again, after pauses of up to 10 s.

    Examples:
      groupchat skynet connect --agent-id claude_cli --type planner --channels a,b
      groupchat skynet connect -a gemini --json | jq -r .payload.content
    """
    from gateway.dialect_commands.skynet_endpoint import choose_server

    context = given(ctx)
    query = {"agent_id": agent_id, "agent_type": agent_type, "channels": channels, "priority": str(priority)}

    async def listening() -> None:
        await _print_frames(choose_server(context, server, agent_id), query, context.as_json, monitors=False)

    run(listening, as_json=context.as_json)


def skynet_monitor(
    ctx: typer.Context,
    channel: Annotated[
        str, typer.Option("--channel", "--channels", "-c", metavar="NAMES", help="Channels, with commas between them.")
    ] = "default",
    server: ServerOption = None,
    agent_id: Annotated[
        str, typer.Option("--agent-id", "-a", metavar="ID", help="The monitor is connected as ID_monitor.")
    ] = "cli",
    output: Annotated[OutputFormat, typer.Option("--format", help="text, or json: a message per line.")] = (
        OutputFormat.TEXT
    ),
    count: Annotated[int, typer.Option(metavar="N", min=0, help="Stop after N messages; 0 never stops.")] = 0,
    max_messages: Annotated[
        int, typer.Option("--max", "-m", metavar="N", help="Accepted from old scripts; all messages are printed.")
    ] = 100,
) -> None:
    """Print the messages of a channel as they happen, direct ones too.

    You see the direct messages that you may read: all of them as the operator of this gateway, otherwise those between
    agents without a token. Long contents are cut; --format json has them whole.

    Examples:
      groupchat skynet monitor --channel skynet_core
      groupchat skynet monitor --format json | jq -r .from_agent
    """
    from gateway.dialect_commands.skynet_endpoint import choose_server

    context = given(ctx)
    as_json = context.as_json or output is OutputFormat.JSON
    query = {"agent_id": f"{agent_id}_monitor", "agent_type": "monitor", "channels": channel, "priority": "1"}

    async def watching() -> None:
        await _print_frames(choose_server(context, server), query, as_json, monitors=True, count=count)

    run(watching, as_json=as_json)


async def _print_frames(
    server: SkynetServer, query: Mapping[str, str], as_json: bool, *, monitors: bool, count: int = 0
) -> None:
    from gateway.dialect_commands.skynet_client import SkynetClient
    from gateway.dialect_commands.skynet_frames import ReceivedMessage
    from gateway.dialect_commands.skynet_output import FrameOutput

    shown, output = 0, FrameOutput(as_json, monitors=monitors)
    output.tell(f"Connecting to {server.shown} as {query['agent_id']}.")
    async with SkynetClient(server) as client:
        async for frame in client.frames(query, output.tell):
            output.show(frame)
            shown += isinstance(frame, ReceivedMessage)
            if count and shown >= count:
                return


def skynet_send(
    ctx: typer.Context,
    from_agent: Annotated[
        str | None, typer.Option("--from", "-f", metavar="ID", help="Who sends (default: you, at your own gateway).")
    ] = None,
    to_agent: Annotated[
        str | None, typer.Option("--to", "-t", metavar="ID", help="Who gets it (default: everyone in the channel).")
    ] = None,
    content: Annotated[str, typer.Option("--content", "-c", metavar="TEXT", help="What to say.")] = "",
    kind: Annotated[str, typer.Option("--type", metavar="TYPE", help="task, reply, broadcast and so on.")] = "task",
    channel: Annotated[str, typer.Option("--channel", metavar="NAME", help="The channel.")] = "default",
    server: ServerOption = None,
    payload_file: Annotated[
        str | None,
        typer.Option("--payload-file", "-p", metavar="FILE", help="A message as JSON; - is stdin."),
    ] = None,
) -> None:
    """Send a message to an agent, or to a channel.

    A payload file is an object with any of content, type, to_agent, channel, context and meta; it counts more than
    options. `{"context": {"agent_type": "coder", "strategy": "round_robin"}}` sends to one of the coders.

    Examples:
      groupchat skynet send --from claude_cli --to gemini --content "Research RAG"
      groupchat skynet send --from claude_cli --channel core --content "Done"
      groupchat skynet send --from claude_cli --payload-file task.json
    """
    from gateway.dialect_commands.skynet_endpoint import choose_server
    from gateway.dialect_commands.skynet_requests import read_payload, send_payload

    context = given(ctx)

    async def sending() -> None:
        found = choose_server(context, server, from_agent or "")
        sender = from_agent or found.operator
        if not sender:
            raise BadRequest("Who sends it? Name the agent with --from.")
        payload = read_payload(payload_file, content=content, type=kind, to_agent=to_agent, channel=channel)
        outcome, words = await send_payload(found, sender, payload)
        show_done(outcome, words, context.as_json)

    run(sending, as_json=context.as_json)


def skynet_context(
    ctx: typer.Context,
    action: Annotated[ContextDirection, typer.Argument(metavar="ACTION", help="push or pull.")],
    agent_id: Annotated[str, typer.Option("--agent-id", "-a", metavar="ID", help="Whose context it is.")],
    file: Annotated[
        str | None,
        typer.Option("--file", "--context-file", "-f", metavar="FILE", help="For push: a JSON file; - is stdin."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="For pull: write it there, too.")
    ] = None,
    server: ServerOption = None,
) -> None:
    """Push an agent's context to the server, or pull it from there.

    Examples:
      groupchat skynet context push --agent-id claude_cli --file context.json
      groupchat skynet context pull --agent-id claude_cli --output local.json
    """
    from gateway.dialect_commands.skynet_endpoint import choose_server
    from gateway.dialect_commands.skynet_output import print_context
    from gateway.dialect_commands.skynet_requests import pull_context, push_context, read_context, write_context

    options = given(ctx)

    async def pushing() -> None:
        if file is None:
            raise BadRequest("Which context? Name a JSON file with --file, or - for standard input.")
        document = read_context(file)
        await push_context(choose_server(options, server, agent_id), agent_id, document)
        show_done({"agent_id": agent_id, "success": True}, f"The context of {agent_id} is saved.", options.as_json)

    async def pulling() -> None:
        found = await pull_context(choose_server(options, server, agent_id), agent_id)
        print_context(found, options.as_json)
        if output is not None:
            write_context(found, output)
            print_lines(f"The context of {agent_id} is written to {output}.", err=True)

    run(pushing if action is ContextDirection.PUSH else pulling, as_json=options.as_json)


def skynet_agents(
    ctx: typer.Context,
    action: Annotated[
        AgentsAction | None, typer.Argument(metavar="list", help="May be given; it changes nothing.")
    ] = None,
    server: ServerOption = None,
) -> None:
    """List the agents: types, priorities, channels, messages, when they were last seen.

    Examples:
      groupchat skynet agents
      groupchat skynet agents list --json | jq -r '.agents[].agent_id'
    """
    from gateway.dialect_commands.skynet_endpoint import choose_server
    from gateway.dialect_commands.skynet_output import print_agents
    from gateway.dialect_commands.skynet_requests import fetch_agents

    context = given(ctx)

    async def listing() -> None:
        found = await fetch_agents(choose_server(context, server))
        print_json(found) if context.as_json else print_agents(found.agents, datetime.now().astimezone())

    run(listing, as_json=context.as_json)


def skynet_version(ctx: typer.Context) -> None:
    """Print the version of this program and of the protocol that it speaks.

    Example:
      groupchat skynet version
    """
    from gateway import __version__

    show_done(
        {"version": __version__, "protocol": PROTOCOL},
        f"groupchat {__version__}; it speaks {PROTOCOL} of Skynet Linker.",
        given(ctx).as_json,
    )


def skynet_config(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", metavar="FILE", help="The file (default: config.yaml).")
    ] = None,
) -> None:
    """Check a config.yaml of Skynet Linker, and print what it sets.

    It may be the server's, which `groupchat serve --skynet-config FILE` reads, or that of the command line.

    Example:
      groupchat skynet config --file config.yaml
    """
    from gateway.dialect_commands.skynet_config import show_config, usual_file

    context = given(ctx)

    async def showing() -> None:
        show_config(file or usual_file(), context.as_json)

    run(showing, as_json=context.as_json)
