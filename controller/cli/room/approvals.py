"""Approvals from the shell: asks, approve, deny."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.room.run_request import merge_options
from gateway.console.run_command import run
from gateway.protocol.types.core_types import AskState

if TYPE_CHECKING:
    from controller.requests import command_requests

DigestOption = Annotated[
    str | None, typer.Option(metavar="DIGEST", help="Answer only if the question still has this digest.")
]
AgentArgument = Annotated[str, typer.Argument(help="The agent that asks.")]


def asks(
    ctx: typer.Context,
    ended: Annotated[
        int, typer.Option(metavar="N", help="List the last N answered questions instead.", min=0, max=1000)
    ] = 0,
) -> None:
    """List the questions of agents that wait for an answer, and who may answer them.

    Examples:
      groupchat asks
      groupchat asks --ended 20 --json
    """
    from controller.output import command_output
    from controller.requests import command_requests

    context = merge_options(ctx)
    nothing = ("No question has been answered yet.",) if ended else ()
    command_output.print_asks(
        run(lambda: command_requests.fetch_asks(context, ended), as_json=context.as_json), context.as_json, *nothing
    )


def approve(
    ctx: typer.Context,
    name: AgentArgument,
    option: Annotated[
        str, typer.Argument(help="The key of an option (default: the option that means yes).", show_default=False)
    ] = "allow",
    digest: DigestOption = None,
) -> None:
    """Answer an agent's question with yes, or with one of its options.

    The exit code is 1 if the answer did not arrive.

    Examples:
      groupchat approve claude
      groupchat approve claude 2
    """
    from controller.requests import command_requests

    _answer(ctx, command_requests.AnswerOptions(name, option, digest))


def deny(
    ctx: typer.Context,
    name: AgentArgument,
    words: Annotated[
        list[str] | None, typer.Argument(help="The reason; the model reads it where the question allows one.")
    ] = None,
    digest: DigestOption = None,
) -> None:
    """Answer an agent's question with no.

    The exit code is 1 if the answer did not arrive.

    Examples:
      groupchat deny claude
      groupchat deny claude "use the test database"
    """
    from controller.requests import command_requests

    _answer(ctx, command_requests.AnswerOptions(name, "deny", digest, " ".join(words or ()).strip()))


def _answer(ctx: typer.Context, given: command_requests.AnswerOptions) -> None:
    from controller.output import command_output
    from controller.requests import command_requests

    context = merge_options(ctx)
    done = run(lambda: command_requests.answer_question(context, given), as_json=context.as_json)
    command_output.print_answered(done, context.as_json)
    if done.state is not AskState.ANSWERED:
        raise typer.Exit(1)
