"""Decisions from the shell: proposals, votes, and what came of them."""

from __future__ import annotations

from typing import Annotated

import typer

from controller.cli.run_request import asked
from controller.commands.decision_text import kind_and_choice, lines_of
from gateway.client import Client
from gateway.client.console.cli_options import Context, GatewayOption, JsonOption, StateOption
from gateway.client.console.console_output import say, show_json
from gateway.client.pages import whole
from gateway.protocol.decision_requests import AnswerDecision, CloseDecision, Decisions, Propose, ShowDecision
from gateway.protocol.errors import BadRequest
from gateway.protocol.results import DecisionList, DecisionView

PROPOSE_EXAMPLES = (
    'Examples: `groupchat propose "Which database?" -o Postgres -o SQLite --expires 600`, '
    '`groupchat propose "Review it by noon" --to codex`, '
    '`groupchat propose "Is it done?" --voter claude --voter codex --rule "quorum 2/3"`.'
)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Such as d-812.")]
RoomOption = Annotated[str | None, typer.Option(help="In this room.")]
SessionOption = Annotated[str | None, typer.Option(help="Of this session.")]


def propose(
    ctx: typer.Context,
    question: Annotated[str, typer.Argument(help="What is to be decided.")],
    option: Annotated[list[str] | None, typer.Option("--option", "-o", help="What can be chosen; yes or no.")] = None,
    to: Annotated[str | None, typer.Option(help="One member: it stays between you two.")] = None,
    people: Annotated[bool, typer.Option("--people", help="The people of the room answer it.")] = False,
    voter: Annotated[list[str] | None, typer.Option(help="Who votes; all with an inbox.")] = None,
    rule: Annotated[str | None, typer.Option(help="recipient, first, majority, unanimous, or quorum N/M.")] = None,
    weight: Annotated[list[str] | None, typer.Option(metavar="NAME=N", help="Whose vote counts more.")] = None,
    expires: Annotated[float | None, typer.Option(metavar="SECONDS", help="When it ends with what is there.")] = None,
    room: RoomOption = None,
    session: SessionOption = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the room, its people, or one member to decide something."""

    async def work(client: Client) -> DecisionView:
        request = Propose(
            question=question,
            options=tuple(option or ()),
            to=to,
            people=people,
            voters=tuple(voter or ()),
            rule=rule,
            weights=_weights(weight or []) or None,
            expires_in=expires,
            room=room,
            session=session,
        )
        return await client.request(request, DecisionView)

    _shown(asked(ctx, Context(gateway, state), work, as_json), as_json)


def vote(
    ctx: typer.Context,
    decision: IdArgument,
    choice: Annotated[str, typer.Argument(help="An option; or accept, reject, complete, dispute.")],
    because: Annotated[str, typer.Option("--because", help="Why.")] = "",
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a decision. While it is open, a later answer counts instead of an earlier one."""
    kind, word = kind_and_choice(choice)
    request = AnswerDecision(decision=decision, kind=kind, choice=word, reason=because)

    async def work(client: Client) -> DecisionView:
        return await client.request(request, DecisionView)

    _shown(asked(ctx, Context(gateway, state), work, as_json), as_json)


def decisions(
    ctx: typer.Context,
    decision: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only this one.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that ended lately.")] = False,
    room: RoomOption = None,
    session: SessionOption = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is to be decided, and who has said what."""

    async def work(client: Client) -> DecisionList | DecisionView:
        if decision is not None:
            return await client.request(ShowDecision(decision=decision), DecisionView)
        return await whole(client.request, Decisions(room=room, session=session, all=everything), DecisionList)

    found = asked(ctx, Context(gateway, state), work, as_json)
    if isinstance(found, DecisionView):
        _shown(found, as_json)
    elif as_json:
        show_json(found)
    else:
        say(*([line for one in found.decisions for line in lines_of(one)] or ["Nothing is to be decided."]))


def decide(
    ctx: typer.Context,
    decision: IdArgument,
    cancel: Annotated[bool, typer.Option("--cancel", help="Take it back instead.")] = False,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a decision of yours now, with the votes that are there."""

    async def work(client: Client) -> DecisionView:
        return await client.request(CloseDecision(decision=decision, cancel=cancel), DecisionView)

    _shown(asked(ctx, Context(gateway, state), work, as_json), as_json)


def _weights(given: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in given:
        name, _, number = one.partition("=")
        if not number.isdecimal() or not 1 <= int(number) <= 100:
            raise BadRequest(f"{one[:40]!r} is no weight: write NAME=N, with N from 1 to 100.")
        found[name] = int(number)
    return found


def _shown(found: DecisionView, as_json: bool) -> None:
    if as_json:
        show_json(found.decision)
    else:
        say(*lines_of(found.decision))
