"""Choose who speaks when in a room: debates, votes, reviews, pipelines, a moderator.

`groupchat mode` alone prints the current mode; `groupchat mode NAME` starts one.

Examples:
  groupchat mode
  groupchat mode debate "tabs or spaces?" --rounds 3 --agents claude,codex
  groupchat mode end
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from controller.cli.room.run_request import merge_options, run_request
from gateway.command_line.application import Group
from gateway.command_line.common_options import leading
from gateway.console.console_output import print_json
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.mode_requests import EndMode, ExtendTurn, GetMode, Modes, NextTurn, SetMode, Working
from gateway.protocol.requests.request import Request
from gateway.protocol.results import ModeList, ModeStanding
from gateway.protocol.types.core_types import DEFAULT_ROOM

ModeRoomOption = Annotated[str, typer.Option(metavar="ROOM", help="The room.")]


class ShorthandGroup(Group):
    """As in the chat: `mode` alone prints the current mode, and a word that is no verb is the mode to start."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        at = leading(args)
        first = args[at] if at < len(args) else "-"
        if first not in ("--help", *self.commands):
            args = [*args[:at], "status" if first.startswith("-") else "set", *args[at:]]
        return super().parse_args(ctx, args)


def _run_mode_request(ctx: typer.Context, request: Request) -> None:
    context = merge_options(ctx)
    standing = run_request(context, request, ModeStanding)
    if context.as_json:
        print_json(standing)
        return
    from controller.chat_commands import mode_commands
    from controller.output import command_output

    command_output.print_pairs(mode_commands.mode_rows(standing.floor))


def set_mode(
    ctx: typer.Context,
    mode: Annotated[str, typer.Argument(metavar="MODE", help="A name from `groupchat mode list`.")],
    topic: Annotated[str, typer.Argument(help="The topic or the task.")] = "",
    rounds: Annotated[
        int | None, typer.Option(metavar="N", help="Number of rounds (default: what the mode says).")
    ] = None,
    turns: Annotated[int | None, typer.Option(metavar="N", help="End after N turns (default: no limit).")] = None,
    agents: Annotated[
        str | None, typer.Option(metavar="A,B", help="Who takes part, in this order (default: all agents).")
    ] = None,
    cast: Annotated[list[str] | None, typer.Option(metavar="ROLE=NAME", help="Who has a role. Repeatable.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a mode that is running.")] = False,
    room: ModeRoomOption = DEFAULT_ROOM,
) -> None:
    """Start a mode. `freeform` ends the current one.

    Examples:
      groupchat mode set debate "tabs or spaces?" --rounds 3
      groupchat mode set pipeline --agents claude,codex
    """

    from controller.chat_commands import mode_commands

    try:
        roles = dict(mode_commands.parse_cast(one) for one in cast or ())
    except BadRequest as error:
        raise typer.BadParameter(error.message) from None
    request = SetMode(
        mode=mode,
        topic=topic,
        room=room,
        rounds=rounds,
        turns=turns,
        agents=None if agents is None else mode_commands.split_names(agents),
        cast=roles,
        replace=replace,
    )
    _run_mode_request(ctx, request)


def mode_status(ctx: typer.Context, room: ModeRoomOption = DEFAULT_ROOM) -> None:
    """Print the current mode and whose turn it is.

    Example:
      groupchat mode status --json
    """
    _run_mode_request(ctx, GetMode(room=room))


def next_turn(ctx: typer.Context, room: ModeRoomOption = DEFAULT_ROOM) -> None:
    """Give the turn to the next speaker.

    Example:
      groupchat mode next
    """
    _run_mode_request(ctx, NextTurn(room=room))


def extend(
    ctx: typer.Context,
    seconds: Annotated[str, typer.Argument(help="The time from now: seconds, or 5m.")] = "120",
    room: ModeRoomOption = DEFAULT_ROOM,
) -> None:
    """Give the current speaker more time.

    Example:
      groupchat mode extend 5m
    """

    from controller.chat_commands import mode_commands

    try:
        given = mode_commands.parse_seconds(seconds)
    except BadRequest as error:
        raise typer.BadParameter(error.message) from None
    _run_mode_request(ctx, ExtendTurn(room=room, seconds=given))


def working(
    ctx: typer.Context,
    note: Annotated[str, typer.Argument(help="What you are doing.")] = "",
    room: ModeRoomOption = DEFAULT_ROOM,
) -> None:
    """Tell the room that you still work on your own turn.

    Example:
      groupchat mode working "running the tests"
    """
    _run_mode_request(ctx, Working(room=room, note=note))


def end(ctx: typer.Context, room: ModeRoomOption = DEFAULT_ROOM) -> None:
    """End the mode; everyone may speak again.

    Example:
      groupchat mode end
    """
    _run_mode_request(ctx, EndMode(room=room))


def show_modes(ctx: typer.Context) -> None:
    """List the modes, with their phases and roles.

    Example:
      groupchat mode list
    """
    context = merge_options(ctx)
    found = run_request(context, Modes(), ModeList)
    if context.as_json:
        print_json(found)
        return
    from controller.chat_commands import mode_commands
    from controller.output import command_output

    command_output.print_pairs(list(mode_commands.mode_list_rows(found.modes)))
