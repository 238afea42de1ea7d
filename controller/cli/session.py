"""Sessions: named pieces of work in a room, with a goal and a deadline, and a document of all that belongs to them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from controller.cli.run_request import asked
from controller.commands.decision_text import short
from controller.output.command_output import line
from controller.output.session_markdown import document
from gateway.client import Client
from gateway.client.console.cli_options import Context, GatewayOption, JsonOption, StateOption
from gateway.client.console.console_output import say, show_json, show_text
from gateway.client.pages import whole
from gateway.protocol.contexts import GetContext
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Message
from gateway.protocol.requests import Request
from gateway.protocol.results import ContextDocument, MessageList, SessionDetail, SessionList, SessionView
from gateway.protocol.session_nouns import Session
from gateway.protocol.session_requests import (
    CloseSession,
    OpenSession,
    PauseSession,
    ResumeSession,
    SessionMessages,
    Sessions,
    ShowSession,
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The session's name.")]
RoomOption = Annotated[str | None, typer.Option(help="In this room.")]
LAST = 5


def open_(
    ctx: typer.Context,
    name: NameArgument,
    goal: Annotated[str, typer.Option(help="What it is for.")] = "",
    participant: Annotated[list[str] | None, typer.Option("--with", help="Who takes part; all without.")] = None,
    deadline: Annotated[float | None, typer.Option(metavar="SECONDS", help="How long it may take.")] = None,
    room: RoomOption = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Begin a piece of work: what its participants say in the room belongs to it until it rests or is closed."""
    request = OpenSession(
        session=name, goal=goal, participants=tuple(participant or ()), deadline_in=deadline, room=room
    )
    _change(ctx, Context(gateway, state), request, as_json)


def close(
    ctx: typer.Context,
    name: NameArgument,
    closing: Annotated[str, typer.Option("--summary", help="What stands at its end.")] = "",
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """It is done."""
    _change(ctx, Context(gateway, state), CloseSession(session=name, closing=closing), as_json)


def pause(
    ctx: typer.Context,
    name: NameArgument,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let it rest: what is said meanwhile does not belong to it."""
    _change(ctx, Context(gateway, state), PauseSession(session=name), as_json)


def resume(
    ctx: typer.Context,
    name: NameArgument,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go on with it."""
    _change(ctx, Context(gateway, state), ResumeSession(session=name), as_json)


def list_(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also the completed ones.")] = False,
    room: RoomOption = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """The sessions of your rooms."""

    async def work(client: Client) -> SessionList:
        return await whole(client.request, Sessions(room=room, all=everything), SessionList)

    found = asked(ctx, Context(gateway, state), work, as_json)
    if as_json:
        show_json(found)
    else:
        say(*([session_line(one) for one in found.sessions] or ["There is no session."]))


def show(
    ctx: typer.Context,
    name: NameArgument,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """One session with its decisions and shared contexts."""

    async def work(client: Client) -> SessionDetail:
        return await client.request(ShowSession(session=name), SessionDetail)

    found = asked(ctx, Context(gateway, state), work, as_json)
    if as_json:
        show_json(found)
    else:
        say(*detail_lines(found))


def summary(
    ctx: typer.Context,
    name: NameArgument,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as Markdown; - prints it.")] = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """What it was for, what was decided, and how much was said; with --markdown all of it."""

    async def work(client: Client) -> tuple[SessionDetail, list[ContextDocument], list[Message]]:
        if markdown is not None and str(markdown) != "-" and markdown.exists():
            raise BadRequest(f"{markdown} exists already; name a new file.")
        return await _everything(client, name)

    found = asked(ctx, Context(gateway, state), work, as_json)
    detail, contexts, messages = found
    if markdown is not None:
        _write(markdown, document(*found))
    if as_json:
        shown = {"session": detail.session, "decisions": detail.decisions}
        show_json({**shown, "contexts": contexts, "messages": messages})
    elif markdown is None:
        said = [f"{len(messages)} messages; the last:", *(f"  {short(line(one))}" for one in messages[-LAST:])]
        say(*detail_lines(detail), *(said if messages else ["Nothing was said."]))
    elif str(markdown) != "-":
        say(f"{detail.session.name} is written to {markdown} ({len(messages)} messages).")


def _write(file: Path, text: str) -> None:
    if str(file) == "-":
        show_text(text)
    else:
        file.write_text(text, encoding="utf-8")


async def _everything(client: Client, name: str) -> tuple[SessionDetail, list[ContextDocument], list[Message]]:
    detail = await client.request(ShowSession(session=name), SessionDetail)
    requests = [GetContext(scope=one.scope, name=one.name) for one in detail.contexts]
    contexts = [await client.request(one, ContextDocument) for one in requests]
    messages: list[Message] = []
    while True:
        after = messages[-1].seq if messages else None
        page = await client.request(SessionMessages(session=name, after=after), MessageList)
        messages += page.messages
        if not page.more:
            return detail, contexts, messages


def _change(ctx: typer.Context, context: Context, request: Request, as_json: bool) -> None:
    async def work(client: Client) -> SessionView:
        return await client.request(request, SessionView)

    found = asked(ctx, context, work, as_json)
    if as_json:
        show_json(found.session)
    else:
        say(session_line(found.session))


def session_line(one: Session) -> str:
    who = ", ".join(one.participants) or "everybody"
    until = f", until {one.deadline[:19]}Z{' (passed)' if one.overdue else ''}" if one.deadline else ""
    goal = f": {short(one.goal)}" if one.goal else ""
    return f"{one.name} ({one.status}) in {one.room}, with {who}{until}{goal}"


def detail_lines(found: SessionDetail) -> list[str]:
    decided = [f"  {one.id}: {short(one.question)} {one.result or one.state}" for one in found.decisions]
    kept = [f"  {one.name} of {one.scope}, version {one.version} by {one.by}" for one in found.contexts]
    closing = [f"  {short(found.session.closing, 1000)}"] if found.session.closing else []
    return [
        session_line(found.session),
        *closing,
        *(["Decisions:", *decided] if decided else []),
        *(["Shared contexts:", *kept] if kept else []),
    ]
