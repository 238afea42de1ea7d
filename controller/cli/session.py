"""Manage sessions: named pieces of work in a room, with a goal, a deadline and a summary.

Examples:
  groupchat session open release --goal "ship 1.0" --with claude --with codex
  groupchat session summary release --markdown release.md
  groupchat session close release
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.run_request import answered, asked, chosen
from gateway.client.console.console_output import say, show_json, show_text
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

if TYPE_CHECKING:
    from gateway.client import Client

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The session's name.")]
RoomOption = Annotated[str | None, typer.Option(metavar="ROOM", help="The room (default: general).")]
LAST = 5


def open_(
    ctx: typer.Context,
    name: NameArgument,
    goal: Annotated[str, typer.Option(metavar="TEXT", help="The goal.")] = "",
    participant: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME", help="A participant (default: all members). Repeatable."),
    ] = None,
    deadline: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="The time it may take (default: no deadline).")
    ] = None,
    room: RoomOption = None,
) -> None:
    """Open a session: its participants' messages belong to it until it is paused or closed.

    Examples:
      groupchat session open release --goal "ship 1.0" --deadline 3600
      groupchat session open review --with claude --with codex
    """
    request = OpenSession(
        session=name, goal=goal, participants=tuple(participant or ()), deadline_in=deadline, room=room
    )
    _change(ctx, request)


def close(
    ctx: typer.Context,
    name: NameArgument,
    closing: Annotated[str, typer.Option("--summary", metavar="TEXT", help="The result.")] = "",
) -> None:
    """Close a session.

    Example:
      groupchat session close release --summary "1.0 is out"
    """
    _change(ctx, CloseSession(session=name, closing=closing))


def pause(
    ctx: typer.Context,
    name: NameArgument,
) -> None:
    """Pause a session; messages sent meanwhile are not part of it.

    Example:
      groupchat session pause release
    """
    _change(ctx, PauseSession(session=name))


def resume(
    ctx: typer.Context,
    name: NameArgument,
) -> None:
    """Resume a paused session.

    Example:
      groupchat session resume release
    """
    _change(ctx, ResumeSession(session=name))


def list_(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="List closed sessions, too.")] = False,
    room: RoomOption = None,
) -> None:
    """List the open sessions of your rooms.

    Example:
      groupchat session list --all
    """
    from gateway.client.pages import whole

    async def work(client: Client) -> SessionList:
        return await whole(client.request, Sessions(room=room, all=everything), SessionList)

    context = chosen(ctx)
    found = asked(context, work)
    if context.as_json:
        show_json(found)
    else:
        say(*([session_line(one) for one in found.sessions] or ["There is no session."]))


def show(
    ctx: typer.Context,
    name: NameArgument,
) -> None:
    """Print a session with its decisions and documents.

    Example:
      groupchat session show release
    """
    context = chosen(ctx)
    found = answered(context, ShowSession(session=name), SessionDetail)
    if context.as_json:
        show_json(found)
    else:
        say(*detail_lines(found))


def summary(
    ctx: typer.Context,
    name: NameArgument,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all of it as Markdown; - is stdout.")
    ] = None,
) -> None:
    """Print the goal, the decisions and the last messages of a session.

    Examples:
      groupchat session summary release
      groupchat session summary release --markdown release.md
    """

    async def work(client: Client) -> tuple[SessionDetail, list[ContextDocument], list[Message]]:
        if markdown is not None and str(markdown) != "-" and markdown.exists():
            raise BadRequest(f"{markdown} exists already; name a new file.")
        return await _everything(client, name)

    context = chosen(ctx)
    found = asked(context, work)
    detail, contexts, messages = found
    if markdown is not None:
        from controller.output.session_markdown import document

        _write(markdown, document(*found))
    if context.as_json:
        shown = {"session": detail.session, "decisions": detail.decisions}
        show_json({**shown, "contexts": contexts, "messages": messages})
    elif markdown is None:
        say(*detail_lines(detail), *_last_lines(messages))
    elif str(markdown) != "-":
        say(f"{detail.session.name} is written to {markdown} ({len(messages)} messages).")


def _last_lines(messages: list[Message]) -> list[str]:
    from controller.commands.decision_text import short
    from controller.output.command_output import line

    if not messages:
        return ["No messages."]
    return [f"{len(messages)} messages; the last:", *(f"  {short(line(one))}" for one in messages[-LAST:])]


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


def _change(ctx: typer.Context, request: Request) -> None:
    context = chosen(ctx)
    found = answered(context, request, SessionView)
    if context.as_json:
        show_json(found.session)
    else:
        say(session_line(found.session))


def session_line(one: Session) -> str:
    from controller.commands.decision_text import short

    who = ", ".join(one.participants) or "everyone"
    until = f", until {one.deadline[:19]}Z{' (passed)' if one.overdue else ''}" if one.deadline else ""
    goal = f": {short(one.goal)}" if one.goal else ""
    return f"{one.name} ({one.status}) in {one.room}, with {who}{until}{goal}"


def detail_lines(found: SessionDetail) -> list[str]:
    from controller.commands.decision_text import short

    decided = [f"  {one.id}: {short(one.question)} {one.result or one.state}" for one in found.decisions]
    kept = [f"  {one.name} of {one.scope}, version {one.version} by {one.by}" for one in found.contexts]
    closing = [f"  {short(found.session.closing, 1000)}"] if found.session.closing else []
    return [
        session_line(found.session),
        *closing,
        *(["Decisions:", *decided] if decided else []),
        *(["Shared contexts:", *kept] if kept else []),
    ]
