"""Members from the shell: list them, remove one."""

from __future__ import annotations

from typing import Annotated

import typer

from controller.cli.room.run_request import merge_options, run_request
from gateway.console.console_output import show_done
from gateway.console.run_command import run
from gateway.protocol.requests.member_requests import RemoveMember
from gateway.protocol.results import Done

HELP = """Remove members. `groupchat agents` lists them.

Example:
  groupchat members rm visitor
"""


def agents(
    ctx: typer.Context,
    everyone: Annotated[bool, typer.Option("--all", help="List members that have left, too.")] = False,
) -> None:
    """List the members: what each is doing, and how many messages wait for it.

    Examples:
      groupchat agents
      groupchat agents --json | jq -r '.agents[].name'
    """
    from controller.output import command_output
    from controller.requests import command_requests

    context = merge_options(ctx)
    found = run(lambda: command_requests.fetch_members(context, everyone), as_json=context.as_json)
    command_output.print_members(*found, context.as_json)


def remove_member(
    ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="A member, also a guest.")]
) -> None:
    """Remove a member for good: revoke its tokens, cancel what waits for it, reserve its name.

    Its messages stay.

    Example:
      groupchat members rm visitor
    """
    context = merge_options(ctx)
    done = run_request(context, RemoveMember(member=name), Done)
    show_done(done, f"{name} is removed.", context.as_json)
