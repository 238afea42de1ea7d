"""Commands to agents: stop, pause, resume, continue, cancel, retry, share, role, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.room.run_request import merge_options, run_request, run_with_client
from gateway.console.client_options import ClientOptions
from gateway.console.console_output import show_done
from gateway.protocol.requests.agent_requests import Keys, Pause, Resume, Share, WhySilent
from gateway.protocol.requests.member_requests import SetRole
from gateway.protocol.requests.message_requests import Cancel, Retry
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Continued, Done, Stopping, WhyList
from gateway.protocol.types.core_types import SHARE_POLICIES, bare_name

if TYPE_CHECKING:
    from controller.chat_commands.command_table import StopRequest
    from gateway.client import Client

MessageArgument = Annotated[int, typer.Argument(help="The number of a message.")]
AgentArgument = Annotated[str, typer.Argument(metavar="NAME", help="The agent.")]
OptionalAgentArgument = Annotated[str | None, typer.Argument(metavar="NAME", help="The agent (default: all agents).")]


def _send_order(ctx: typer.Context, request: Request, words: str) -> None:
    context = merge_options(ctx)
    show_done(run_request(context, request, Done), words, context.as_json)


def pause_agents(ctx: typer.Context, name: OptionalAgentArgument = None) -> None:
    """Hold an agent's messages until `groupchat resume`. Urgent messages still pass.

    Examples:
      groupchat pause claude
      groupchat pause
    """
    _send_order(ctx, Pause(member=bare_name(name) if name else None), f"Paused: {name or 'all agents'}.")


def resume_agents(ctx: typer.Context, name: OptionalAgentArgument = None) -> None:
    """Deliver what `groupchat pause` holds, in order.

    Examples:
      groupchat resume claude
      groupchat resume
    """
    _send_order(ctx, Resume(member=bare_name(name) if name else None), f"Resumed: {name or 'all agents'}.")


def stop(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The agent (default: all busy agents).")] = None,
) -> None:
    """Interrupt an agent's current turn, including a running tool. Its next message follows.

    With NAME, an open question of that agent is refused.

    Example:
      groupchat stop claude
    """
    from controller.chat_commands.command_table import StopRequest

    send_stop_order(merge_options(ctx), StopRequest((bare_name(name),) if name else ()))


def send_stop_order(context: ClientOptions, wish: StopRequest) -> None:
    from controller.requests.stop_agents import stop_members, stopped_text

    async def work(client: Client) -> Stopping:
        return await stop_members(client, wish)

    done = run_with_client(context, work)
    show_done(done, stopped_text(done, "groupchat stop"), context.as_json)


def why(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The agent (default: each agent).")] = None,
) -> None:
    """Say why an agent is silent: its state, what it waits for, and what helps.

    Examples:
      groupchat why claude
      groupchat why --json
    """
    from controller.requests.silence_text import why_rows
    from gateway.console.console_output import print_json, print_lines

    async def work(client: Client) -> WhyList:
        return await client.request(WhySilent(member=name, shell=True), WhyList)

    context = merge_options(ctx)
    found = run_with_client(context, work).agents
    if context.as_json:
        print_json({"agents": found})
        return
    for one in found:
        print_lines(one.name, *(f"  {label}: {text}" for label, text in why_rows(one)))


def continue_agents(
    ctx: typer.Context,
    which: Annotated[
        str | None, typer.Argument(metavar="NAME|#ROOM", help="An agent or a room (default: everywhere).")
    ] = None,
) -> None:
    """Lift the loop guard, and deliver what it held.

    Examples:
      groupchat continue
      groupchat continue claude
      groupchat continue '#lab'
    """
    from controller.chat_commands.continue_command import continue_request, continued_text

    context = merge_options(ctx)

    async def work(client: Client) -> Continued:
        return await client.request(continue_request(which), Continued)

    done = run_with_client(context, work)
    show_done(done, continued_text(done), context.as_json)


def cancel(ctx: typer.Context, message: MessageArgument, name: OptionalAgentArgument = None) -> None:
    """Cancel a message that no sidecar has begun to type.

    Examples:
      groupchat cancel 42
      groupchat cancel 42 claude
    """
    _send_order(ctx, Cancel(message=message, member=bare_name(name) if name else None), f"#{message} is cancelled.")


def retry(ctx: typer.Context, message: MessageArgument, name: AgentArgument) -> None:
    """Deliver a message again that failed, expired or was cancelled.

    Example:
      groupchat retry 42 claude
    """
    _send_order(ctx, Retry(message=message, member=bare_name(name)), f"#{message} is sent to {bare_name(name)} again.")


def share(
    ctx: typer.Context,
    name: AgentArgument,
    policy: Annotated[str, typer.Argument(help=f"One of {', '.join(SHARE_POLICIES)}.")],
) -> None:
    """Choose what the room sees of an agent's output.

    Example:
      groupchat share claude replies
    """
    request = Share(member=bare_name(name), policy=policy)
    _send_order(ctx, request, f"The room sees {policy} of {bare_name(name)}'s output.")


def role(
    ctx: typer.Context,
    name: AgentArgument,
    role: Annotated[str, typer.Argument(help="A role such as reviewer; `none` removes it.")],
) -> None:
    """Give an agent a role: `groupchat send @role:reviewer` reaches it.

    Examples:
      groupchat role claude reviewer
      groupchat role claude none
    """
    from controller.chat_commands.command_table import role_from_word

    request = SetRole(member=bare_name(name), role=role_from_word(role))
    words = f"{bare_name(name)} is {role} now." if request.role else f"{bare_name(name)} has no role now."
    _send_order(ctx, request, words)


def keys(
    ctx: typer.Context,
    name: AgentArgument,
    names: Annotated[str, typer.Argument(metavar="KEYS", help="Keys by name, such as esc or ^C.")],
) -> None:
    """Press keys in an agent's terminal.

    Examples:
      groupchat keys claude esc
      groupchat keys claude ^C
    """
    _send_order(ctx, Keys(member=bare_name(name), keys=names), f"{names} is pressed for {bare_name(name)}.")
