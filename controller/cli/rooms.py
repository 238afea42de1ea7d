"""The rooms: make one, enter or leave it, let members in, put them out."""

from __future__ import annotations

from typing import Annotated

import typer

from controller.cli.run_request import answered, chosen
from controller.output import command_output
from controller.requests import send_and_wait
from gateway.client.console.cli_options import Context, GatewayOption, JsonOption, StateOption, run
from gateway.client.console.console_output import show_json
from gateway.protocol.requests import Invite, Kick, RemoveRoom
from gateway.protocol.results import Done

RoomArgument = Annotated[str, typer.Argument(metavar="ROOM", help="A room.")]
MemberArgument = Annotated[str, typer.Argument(metavar="NAME", help="A member.")]


def rooms(
    ctx: typer.Context,
    create: Annotated[str | None, typer.Option(metavar="NAME", help="Make a room and join it.")] = None,
    topic: Annotated[str, typer.Option(help="What the new room is about.")] = "",
    invite_only: Annotated[bool, typer.Option("--invite-only", help="Only for invited members.")] = False,
    join: Annotated[str | None, typer.Option(metavar="NAME", help="Enter a room.")] = None,
    leave: Annotated[str | None, typer.Option(metavar="NAME", help="Leave a room.")] = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """The rooms, and making, entering or leaving one; `invite` and `kick` say who may be in it."""
    context = chosen(ctx, Context(gateway, state))
    if ctx.invoked_subcommand is not None:
        ctx.obj = context
        return
    wish = send_and_wait.RoomWish(create, topic, invite_only, join, leave)
    found = run(lambda: send_and_wait.rooms(context, wish), as_json=as_json)
    command_output.rooms(found, as_json)


def invite(
    ctx: typer.Context,
    room: RoomArgument,
    name: MemberArgument,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a member into a room that is by invitation, or back into one that it was put out of."""
    done = answered(ctx, Context(gateway, state), Invite(room=room, member=name), Done, as_json)
    _show(done, f"{name} may come into {room}.", as_json)


def kick(
    ctx: typer.Context,
    room: RoomArgument,
    name: MemberArgument,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a member out of a room that you made, or take back its invitation. It comes in again only by a new one."""
    done = answered(ctx, Context(gateway, state), Kick(room=room, member=name), Done, as_json)
    _show(done, f"{name} is out of {room}.", as_json)


def remove(
    ctx: typer.Context,
    room: RoomArgument,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a room away for good, that you made. What was said stays readable to those who could read it."""
    done = answered(ctx, Context(gateway, state), RemoveRoom(room=room), Done, as_json)
    _show(done, f"The room {room} is removed.", as_json)


def _show(done: Done, words: str, as_json: bool) -> None:
    show_json(done) if as_json else command_output.text(words)
