"""Create and remove rooms, join and leave them, invite members and put them out."""

from __future__ import annotations

from typing import Annotated

import typer

from controller.cli.run_request import merge_options, run_request
from gateway.client.console.cli_options import run
from gateway.client.console.console_output import show_done
from gateway.protocol.requests import Invite, Kick, RemoveRoom, Request
from gateway.protocol.results import Done

HELP = """List the rooms. Create, join or leave one.

Examples:
  groupchat rooms
  groupchat rooms --create lab --topic "the experiment" --invite-only
  groupchat rooms invite lab bob
"""

RoomArgument = Annotated[str, typer.Argument(metavar="ROOM", help="The room.")]
MemberArgument = Annotated[str, typer.Argument(metavar="NAME", help="The member.")]


def rooms(
    ctx: typer.Context,
    create: Annotated[str | None, typer.Option(metavar="NAME", help="Create a room and join it.")] = None,
    topic: Annotated[str, typer.Option(metavar="TEXT", help="The topic of the new room.")] = "",
    invite_only: Annotated[
        bool, typer.Option("--invite-only", help="Only invited members can join the new room.")
    ] = False,
    join: Annotated[str | None, typer.Option(metavar="NAME", help="Join a room.")] = None,
    leave: Annotated[str | None, typer.Option(metavar="NAME", help="Leave a room.")] = None,
) -> None:
    if ctx.invoked_subcommand is not None:
        return
    from controller.output import command_output
    from controller.requests import send_and_wait

    context = merge_options(ctx)
    wish = send_and_wait.RoomOptions(create, topic, invite_only, join, leave)
    command_output.print_rooms(
        run(lambda: send_and_wait.change_and_fetch_rooms(context, wish), as_json=context.as_json), context.as_json
    )


def invite(ctx: typer.Context, room: RoomArgument, name: MemberArgument) -> None:
    """Let a member into an invite-only room, or back into a room that it was put out of.

    Example:
      groupchat rooms invite lab bob
    """
    _change(ctx, Invite(room=room, member=name), f"{name} may join {room}.")


def kick(ctx: typer.Context, room: RoomArgument, name: MemberArgument) -> None:
    """Put a member out of a room that you created, or withdraw its invitation.

    It can join again only after a new invitation.

    Example:
      groupchat rooms kick lab bob
    """
    _change(ctx, Kick(room=room, member=name), f"{name} is out of {room}.")


def remove(ctx: typer.Context, room: RoomArgument) -> None:
    """Remove a room that you created, for good.

    Its messages stay readable for those who could read them.

    Example:
      groupchat rooms rm lab
    """
    _change(ctx, RemoveRoom(room=room), f"The room {room} is removed.")


def _change(ctx: typer.Context, request: Request, words: str) -> None:
    context = merge_options(ctx)
    show_done(run_request(context, request, Done), words, context.as_json)
