"""The members of the house: take one away for good. `agents` lists them."""

from __future__ import annotations

from typing import Annotated

import typer

from controller.cli.run_request import answered
from controller.output import command_output
from gateway.client.console.cli_options import Context, GatewayOption, JsonOption, StateOption
from gateway.client.console.console_output import show_json
from gateway.protocol.requests import RemoveMember
from gateway.protocol.results import Done


def remove(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A member, also a guest.")],
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a member's tokens, cancel what waits for it, and never use its name again. What it said stays."""
    done = answered(ctx, Context(gateway, state), RemoveMember(member=name), Done, as_json)
    show_json(done) if as_json else command_output.text(f"{name} is removed.")
