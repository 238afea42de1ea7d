"""Decisions from the shell: propose, vote, decisions, decide."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.room.run_request import merge_options, run_request, run_with_client
from gateway.console.console_output import print_json, print_lines
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.decision_requests import AnswerDecision, CloseDecision, Decisions, Propose, ShowDecision
from gateway.protocol.results import DecisionList, DecisionView

if TYPE_CHECKING:
    from gateway.client import Client

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The decision, such as d-812.")]
DecisionRoomOption = Annotated[str | None, typer.Option(metavar="ROOM", help="The room (default: general).")]
SessionOption = Annotated[str | None, typer.Option(metavar="NAME", help="The session it belongs to (default: none).")]


def propose(
    ctx: typer.Context,
    question: Annotated[str, typer.Argument(help="What to decide.")],
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", metavar="TEXT", help="An option (default: yes and no). Repeatable."),
    ] = None,
    to: Annotated[str | None, typer.Option(metavar="NAME", help="Ask this member alone.")] = None,
    people: Annotated[bool, typer.Option("--people", help="Ask the people of the room.")] = False,
    voter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A voter (default: the other present members with an inbox). Repeatable."),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(metavar="RULE", help="recipient, first, majority, unanimous, or quorum N/M (default: majority)."),
    ] = None,
    weight: Annotated[
        list[str] | None, typer.Option(metavar="NAME=N", help="The weight of a vote, 1 to 100 (default: 1).")
    ] = None,
    expires: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Close after this time (default: it stays open).")
    ] = None,
    room: DecisionRoomOption = None,
    session: SessionOption = None,
) -> None:
    """Ask the room, its people, or one member to decide something.

    Examples:
      groupchat propose "Which database?" -o Postgres -o SQLite --expires 600
      groupchat propose "Review it by noon" --to codex
      groupchat propose "Is it done?" --voter claude --rule "quorum 2/3"
    """

    async def work(client: Client) -> DecisionView:
        request = Propose(
            question=question,
            options=tuple(option or ()),
            to=to,
            people=people,
            voters=tuple(voter or ()),
            rule=rule,
            weights=_parse_weights(weight or []) or None,
            expires_in=expires,
            room=room,
            session=session,
        )
        return await client.request(request, DecisionView)

    _asked(ctx, work)


def vote(
    ctx: typer.Context,
    decision: IdArgument,
    choice: Annotated[str, typer.Argument(help="An option, or accept, reject, complete, dispute.")],
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Your reason.")] = "",
) -> None:
    """Vote on a decision. While it is open, your last vote counts.

    Examples:
      groupchat vote d-812 Postgres --because "we know it"
      groupchat vote d-812 accept
    """
    from controller.wording.decision_text import split_kind_and_choice

    kind, word = split_kind_and_choice(choice)
    request = AnswerDecision(decision=decision, kind=kind, choice=word, reason=because)
    _asked(ctx, lambda client: client.request(request, DecisionView))


def decisions(
    ctx: typer.Context,
    decision: Annotated[
        str | None, typer.Argument(metavar="ID", help="Only this one (default: all open ones).")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="List recently closed ones, too.")] = False,
    room: DecisionRoomOption = None,
    session: SessionOption = None,
) -> None:
    """List open decisions and their votes.

    Examples:
      groupchat decisions
      groupchat decisions d-812 --json
    """
    from gateway.client.paged_requests import fetch_all_pages

    async def work(client: Client) -> DecisionList | DecisionView:
        if decision is not None:
            return await client.request(ShowDecision(decision=decision), DecisionView)
        return await fetch_all_pages(
            client.request, Decisions(room=room, session=session, all=everything), DecisionList
        )

    context = merge_options(ctx)
    found = run_with_client(context, work)
    if isinstance(found, DecisionView):
        _show(found, context.as_json)
    elif context.as_json:
        print_json(found)
    else:
        from controller.wording.decision_text import decision_lines

        print_lines(*([line for one in found.decisions for line in decision_lines(one)] or ["No open decisions."]))


def decide(
    ctx: typer.Context,
    decision: IdArgument,
    cancel: Annotated[bool, typer.Option("--cancel", help="Withdraw it instead.")] = False,
) -> None:
    """Close a decision of yours now, with the votes so far.

    Examples:
      groupchat decide d-812
      groupchat decide d-812 --cancel
    """
    context = merge_options(ctx)
    _show(run_request(context, CloseDecision(decision=decision, cancel=cancel), DecisionView), context.as_json)


def _parse_weights(given: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in given:
        name, _, number = one.partition("=")
        if not number.isdecimal() or not 1 <= int(number) <= 100:
            raise BadRequest(f"{one[:40]!r} is not a weight. Write NAME=N, with N from 1 to 100.")
        found[name] = int(number)
    return found


def _asked(ctx: typer.Context, work: Callable[[Client], Awaitable[DecisionView]]) -> None:
    context = merge_options(ctx)
    _show(run_with_client(context, work), context.as_json)


def _show(found: DecisionView, as_json: bool) -> None:
    if as_json:
        print_json(found.decision)
    else:
        from controller.wording.decision_text import decision_lines

        print_lines(*decision_lines(found.decision))
