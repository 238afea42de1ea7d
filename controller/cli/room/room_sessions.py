"""Manage sessions: named pieces of work in a room, with a goal, a deadline and a summary.

Examples:
  groupchat session open release --goal "ship 1.0" --with claude --with codex
  groupchat session summary release --markdown release.md
  groupchat session close release
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from controller.cli.room.run_request import merge_options, run_request, run_with_client
from gateway.console.console_output import print_json, print_lines, print_text
from gateway.files.private_files import write_new_file
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Message
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.session_requests import (
    CloseSession,
    OpenSession,
    PauseSession,
    ResumeSession,
    SessionMessages,
    Sessions,
    ShowSession,
)
from gateway.protocol.requests.shared_document_requests import GetContext
from gateway.protocol.results import ContextDocument, MessageList, SessionDetail, SessionList, SessionView
from gateway.protocol.types.session_types import Session

if TYPE_CHECKING:
    from gateway.client import Client

SessionArgument = Annotated[str, typer.Argument(metavar="NAME", help="The session's name.")]
SessionRoomOption = Annotated[str | None, typer.Option(metavar="ROOM", help="The room (default: general).")]
LAST_MESSAGES = 5


class SessionContents(NamedTuple):
    """Everything that a summary tells of a session."""

    detail: SessionDetail
    contexts: list[ContextDocument]
    messages: list[Message]


def start_session(
    ctx: typer.Context,
    name: SessionArgument,
    goal: Annotated[str, typer.Option(metavar="TEXT", help="The goal.")] = "",
    participant: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME", help="A participant (default: all members). Repeatable."),
    ] = None,
    deadline: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="The time it may take (default: no deadline).")
    ] = None,
    room: SessionRoomOption = None,
) -> None:
    """Open a session: its participants' messages belong to it until it is paused or closed.

    Examples:
      groupchat session open release --goal "ship 1.0" --deadline 3600
      groupchat session open review --with claude --with codex
    """
    request = OpenSession(
        session=name, goal=goal, participants=tuple(participant or ()), deadline_in=deadline, room=room
    )
    _run_session_request(ctx, request)


def close(
    ctx: typer.Context,
    name: SessionArgument,
    closing: Annotated[str, typer.Option("--summary", metavar="TEXT", help="The result.")] = "",
) -> None:
    """Close a session.

    Example:
      groupchat session close release --summary "1.0 is out"
    """
    _run_session_request(ctx, CloseSession(session=name, closing=closing))


def pause(
    ctx: typer.Context,
    name: SessionArgument,
) -> None:
    """Pause a session; messages sent meanwhile are not part of it.

    Example:
      groupchat session pause release
    """
    _run_session_request(ctx, PauseSession(session=name))


def resume(
    ctx: typer.Context,
    name: SessionArgument,
) -> None:
    """Resume a paused session.

    Example:
      groupchat session resume release
    """
    _run_session_request(ctx, ResumeSession(session=name))


def show_sessions(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="List closed sessions, too.")] = False,
    room: SessionRoomOption = None,
) -> None:
    """List the open sessions of your rooms.

    Example:
      groupchat session list --all
    """
    from gateway.client.paged_requests import fetch_all_pages

    async def work(client: Client) -> SessionList:
        return await fetch_all_pages(client.request, Sessions(room=room, all=everything), SessionList)

    context = merge_options(ctx)
    found = run_with_client(context, work)
    if context.as_json:
        print_json(found)
    else:
        print_lines(*([session_line(one) for one in found.sessions] or ["There is no session."]))


def show(
    ctx: typer.Context,
    name: SessionArgument,
) -> None:
    """Print a session with its decisions and documents.

    Example:
      groupchat session show release
    """
    context = merge_options(ctx)
    found = run_request(context, ShowSession(session=name), SessionDetail)
    if context.as_json:
        print_json(found)
    else:
        print_lines(*detail_lines(found))


def summary(
    ctx: typer.Context,
    name: SessionArgument,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all of it as Markdown; - is stdout.")
    ] = None,
) -> None:
    """Print the goal, the decisions and the last messages of a session.

    Examples:
      groupchat session summary release
      groupchat session summary release --markdown release.md
    """

    async def work(client: Client) -> SessionContents:
        if markdown is not None and str(markdown) != "-" and markdown.exists():
            raise BadRequest(f"{markdown} exists already; name a new file.")
        return await fetch_session(client, name)

    context = merge_options(ctx)
    found = run_with_client(context, work)
    messages = found.messages
    if markdown is not None:
        from controller.output.transcript_markdown import markdown_document
        from controller.output.transcript_parts import session_parts

        document = markdown_document(session_parts(found.detail, found.contexts, messages))
        print_text(document) if str(markdown) == "-" else write_new_file(markdown, document)
    if context.as_json:
        shown = {"session": found.detail.session, "decisions": found.detail.decisions}
        print_json({**shown, "contexts": found.contexts, "messages": messages})
    elif markdown is None:
        print_lines(*detail_lines(found.detail), *_last_lines(messages))
    elif str(markdown) != "-":
        print_lines(f"{found.detail.session.name} is written to {markdown} ({len(messages)} messages).")


def _last_lines(messages: list[Message]) -> list[str]:
    from controller.output.command_output import message_line
    from controller.wording.decision_text import shorten_text_to_line

    if not messages:
        return ["No messages."]
    return [
        f"{len(messages)} messages; the last:",
        *(f"  {shorten_text_to_line(message_line(one))}" for one in messages[-LAST_MESSAGES:]),
    ]


async def fetch_session(client: Client, name: str) -> SessionContents:
    detail = await client.request(ShowSession(session=name), SessionDetail)
    requests = [GetContext(scope=one.scope, name=one.name) for one in detail.contexts]
    contexts = [await client.request(one, ContextDocument) for one in requests]
    messages: list[Message] = []
    while True:
        after = messages[-1].seq if messages else None
        page = await client.request(SessionMessages(session=name, after=after), MessageList)
        messages += page.messages
        if not page.more:
            return SessionContents(detail, contexts, messages)


def _run_session_request(ctx: typer.Context, request: Request) -> None:
    context = merge_options(ctx)
    found = run_request(context, request, SessionView)
    if context.as_json:
        print_json(found.session)
    else:
        print_lines(session_line(found.session))


def session_line(one: Session) -> str:
    from controller.wording.decision_text import shorten_text_to_line

    who = ", ".join(one.participants) or "everyone"
    until = f", until {one.deadline[:19]}Z{' (passed)' if one.overdue else ''}" if one.deadline else ""
    goal = f": {shorten_text_to_line(one.goal)}" if one.goal else ""
    return f"{one.name} ({one.status}) in {one.room}, with {who}{until}{goal}"


def detail_lines(found: SessionDetail) -> list[str]:
    from controller.wording.decision_text import shorten_text_to_line

    decided = [f"  {one.id}: {shorten_text_to_line(one.question)} {one.result or one.state}" for one in found.decisions]
    kept = [f"  {one.name} of {one.scope}, version {one.version} by {one.by}" for one in found.contexts]
    closing = [f"  {shorten_text_to_line(found.session.closing, 1000)}"] if found.session.closing else []
    return [
        session_line(found.session),
        *closing,
        *(["Decisions:", *decided] if decided else []),
        *(["Shared contexts:", *kept] if kept else []),
    ]
