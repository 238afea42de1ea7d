"""Who speaks when in a room: debates, votes, reviews, a pipeline, a moderator."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperGroup

from controller.cli.run_request import answered
from controller.commands import mode_text
from controller.output import command_output
from gateway.client.console.cli_options import Context, GatewayOption, JsonOption, StateOption
from gateway.client.console.console_output import show_json
from gateway.protocol.errors import BadRequest
from gateway.protocol.modes import EndMode, ExtendTurn, GetMode, Modes, NextTurn, SetMode, Working
from gateway.protocol.requests import Request
from gateway.protocol.results import ModeList, ModeStanding
from gateway.protocol.types import DEFAULT_ROOM

T = TypeVar("T")
EXAMPLE = 'Example: `groupchat mode debate "tabs or spaces?" --rounds 3 --agents claude,codex`.'

RoomOption = Annotated[str, typer.Option(help="Another room than general.")]


class InFewWords(TyperGroup):
    """As in the chat: `mode` alone tells which one runs, and what is no verb is the mode to begin."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = args[0] if args else "--json"
        if first not in ("--help", *self.commands):
            args = ["status" if first.startswith("-") else "set", *args]
        return super().parse_args(ctx, args)


def _standing(ctx: typer.Context, found: Context, request: Request, as_json: bool) -> None:
    standing = answered(ctx, found, request, ModeStanding, as_json)
    if as_json:
        show_json(standing)
    else:
        command_output.pairs(mode_text.pairs(standing.floor))


def set_(
    ctx: typer.Context,
    mode: Annotated[str, typer.Argument(metavar="MODE", help="One of `groupchat mode list`.")],
    topic: Annotated[str, typer.Argument(help="What it is about.")] = "",
    rounds: Annotated[int | None, typer.Option(help="How many rounds.")] = None,
    turns: Annotated[int | None, typer.Option(help="The budget: after so many turns it ends.")] = None,
    agents: Annotated[str | None, typer.Option(metavar="A,B", help="Who takes part, in this order.")] = None,
    cast: Annotated[list[str] | None, typer.Option(metavar="ROLE=NAME", help="Who has which role.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="In place of a mode that runs.")] = False,
    room: RoomOption = DEFAULT_ROOM,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Begin a mode; `freeform` ends it."""
    try:
        roles = dict(mode_text.cast(one) for one in cast or ())
    except BadRequest as error:
        raise typer.BadParameter(error.message) from None
    request = SetMode(
        mode=mode,
        topic=topic,
        room=room,
        rounds=rounds,
        turns=turns,
        agents=None if agents is None else mode_text.names(agents),
        cast=roles,
        replace=replace,
    )
    _standing(ctx, Context(gateway, state), request, as_json)


def status(
    ctx: typer.Context,
    room: RoomOption = DEFAULT_ROOM,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Which mode runs, and who has the turn."""
    _standing(ctx, Context(gateway, state), GetMode(room=room), as_json)


def next_(
    ctx: typer.Context,
    room: RoomOption = DEFAULT_ROOM,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pass the turn on."""
    _standing(ctx, Context(gateway, state), NextTurn(room=room), as_json)


def extend(
    ctx: typer.Context,
    seconds: Annotated[str, typer.Argument(help="From now: seconds, or 5m.")] = "120",
    room: RoomOption = DEFAULT_ROOM,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give the speaker more time."""
    try:
        given = mode_text.seconds(seconds)
    except BadRequest as error:
        raise typer.BadParameter(error.message) from None
    _standing(ctx, Context(gateway, state), ExtendTurn(room=room, seconds=given), as_json)


def working(
    ctx: typer.Context,
    note: Annotated[str, typer.Argument(help="What you do.")] = "",
    room: RoomOption = DEFAULT_ROOM,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that you are still at work, where you have the turn yourself."""
    _standing(ctx, Context(gateway, state), Working(room=room, note=note), as_json)


def end(
    ctx: typer.Context,
    room: RoomOption = DEFAULT_ROOM,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """End the mode; everybody speaks freely again."""
    _standing(ctx, Context(gateway, state), EndMode(room=room), as_json)


def list_(
    ctx: typer.Context, gateway: GatewayOption = None, state: StateOption = None, as_json: JsonOption = False
) -> None:
    """The modes that can be begun, with their phases and roles."""
    found = answered(ctx, Context(gateway, state), Modes(), ModeList, as_json)
    if as_json:
        show_json(found)
    else:
        command_output.pairs(list(mode_text.modes(found.modes)))
