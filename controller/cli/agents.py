"""What the chat's commands do, from the shell: pause, resume, continue, cancel, retry, share, role, keys."""

from __future__ import annotations

from typing import Annotated

import typer

from controller.cli.run_request import chosen
from controller.commands.command_table import NO_ROLE, Halt, role_of
from controller.commands.continue_text import continued_words, continuing
from controller.output import command_output
from controller.requests.stop_agents import stopped, stopped_words
from gateway.client import Client
from gateway.client.console.cli_options import Context, GatewayOption, JsonOption, StateOption, run
from gateway.client.console.console_output import show_json
from gateway.protocol.requests import Cancel, Keys, Pause, Request, Resume, Retry, SetRole, Share
from gateway.protocol.results import Continued, Done, Stopping
from gateway.protocol.types import SHARE_POLICIES, bare_name

MessageArgument = Annotated[int, typer.Argument(help="A message's number.")]
AgentArgument = Annotated[str, typer.Argument(metavar="NAME", help="An agent.")]
SomeAgent = Annotated[str | None, typer.Argument(metavar="[NAME]", help="An agent; all of them without.")]


def _order(ctx: typer.Context, request: Request, words: str, as_json: bool, found: Context) -> None:
    context = chosen(ctx, found)

    async def work() -> Done:
        async with Client(context.endpoint()) as client:
            return await client.request(request, Done)

    done = run(work, as_json=as_json)
    show_json(done) if as_json else command_output.text(words)


def _bare(name: str) -> str:
    return bare_name(name)


def pause(
    ctx: typer.Context,
    name: SomeAgent = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold what is queued, for one or for all agents, until `resume`. Urgent messages still pass."""
    request = Pause(member=_bare(name) if name else None)
    _order(ctx, request, f"Paused: {name or 'all agents'}.", as_json, Context(gateway, state))


def stop(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="An agent; all busy ones without.")] = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """End what an agent works on, at once, a running tool too; what waits for it comes next. With NAME, a question that
    it asks is refused."""
    halt(chosen(ctx, Context(gateway, state)), Halt((_bare(name),) if name else ()), as_json)


def halt(context: Context, wish: Halt, as_json: bool) -> None:
    async def work() -> Stopping:
        async with Client(context.endpoint()) as client:
            return await stopped(client, wish)

    done = run(work, as_json=as_json)
    show_json(done) if as_json else command_output.text(stopped_words(done, "groupchat stop"))


def resume(
    ctx: typer.Context,
    name: SomeAgent = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let what was held by `pause` flow again, in order."""
    request = Resume(member=_bare(name) if name else None)
    _order(ctx, request, f"Resumed: {name or 'all agents'}.", as_json, Context(gateway, state))


def go_on(
    ctx: typer.Context,
    which: Annotated[
        str | None, typer.Argument(metavar="[NAME|#ROOM]", help="An agent or a room; everything without.")
    ] = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lift what a loop guard holds, and wake the agents that slept through messages meanwhile."""
    context = chosen(ctx, Context(gateway, state))

    async def work() -> Continued:
        async with Client(context.endpoint()) as client:
            return await client.request(continuing(which), Continued)

    done = run(work, as_json=as_json)
    show_json(done) if as_json else command_output.text(continued_words(done))


def cancel(
    ctx: typer.Context,
    message: MessageArgument,
    name: SomeAgent = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back a message that nobody has begun to type."""
    request = Cancel(message=message, member=_bare(name) if name else None)
    _order(ctx, request, f"#{message} is taken back.", as_json, Context(gateway, state))


def retry(
    ctx: typer.Context,
    message: MessageArgument,
    name: AgentArgument,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deliver once more what failed, expired or was cancelled."""
    request = Retry(message=message, member=_bare(name))
    _order(ctx, request, f"#{message} goes to {_bare(name)} once more.", as_json, Context(gateway, state))


def share(
    ctx: typer.Context,
    name: AgentArgument,
    policy: Annotated[str, typer.Argument(help=f"{', '.join(SHARE_POLICIES)}.")],
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide what of an agent's output the room sees."""
    request = Share(member=_bare(name), policy=policy)
    _order(ctx, request, f"The room now sees {policy} of {_bare(name)}'s output.", as_json, Context(gateway, state))


def role(
    ctx: typer.Context,
    name: AgentArgument,
    role: Annotated[str, typer.Argument(help=f"Such as reviewer; {NO_ROLE} takes it away.")],
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give an agent a role, until it is started anew: `send @role:reviewer` reaches it."""
    request = SetRole(member=_bare(name), role=role_of(role))
    words = f"{_bare(name)} is {role} now." if request.role else f"{_bare(name)} has no role now."
    _order(ctx, request, words, as_json, Context(gateway, state))


def keys(
    ctx: typer.Context,
    name: AgentArgument,
    names: Annotated[str, typer.Argument(metavar="KEYS", help="Such as ^C, esc.")],
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Press named keys in an agent's terminal."""
    request = Keys(member=_bare(name), keys=names)
    _order(ctx, request, f"{names} goes to {_bare(name)}.", as_json, Context(gateway, state))
