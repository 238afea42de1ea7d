"""The transcript of a room, a thread or a session, as a file for people."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from controller.cli.room.room_sessions import fetch_session
from controller.cli.room.run_request import merge_options, run_with_client
from gateway.console.console_output import print_json, print_lines, print_text
from gateway.files.private_files import write_new_file
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Message
from gateway.protocol.requests.mark_requests import Thread
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import MessageList
from gateway.protocol.types.core_types import DEFAULT_ROOM

if TYPE_CHECKING:
    from controller.output.transcript_parts import TranscriptPart
    from gateway.client import Client

PAGE_MESSAGES = 500
HTML_SUFFIXES, MARKDOWN_SUFFIXES = (".html", ".htm"), (".md", ".markdown")


class TranscriptContents(NamedTuple):
    """`house` is the id of the log: who checks signatures later needs it."""

    parts: list[TranscriptPart]
    messages: list[Message]
    house: str = ""


class Selection(NamedTuple):
    """Which messages: those of a room, or of one thread; of them those since a time; `public`: no direct ones."""

    room: str
    thread: int | None
    since: datetime | None
    public: bool
    page_size: int = PAGE_MESSAGES


def transcript(
    ctx: typer.Context,
    room: Annotated[str, typer.Argument(metavar="ROOM", help="The room.")] = DEFAULT_ROOM,
    thread: Annotated[int | None, typer.Option(metavar="N", help="Only the thread of message N.")] = None,
    session: Annotated[str | None, typer.Option(metavar="NAME", help="A session instead of a room.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Only messages since then: 2h, 3d, today, 2027-01-15.")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Leave out direct messages.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="A new file, .md or .html (default: Markdown on stdout)."),
    ] = None,
) -> None:
    """Write a room, a thread or a session as Markdown, or as one HTML file.

    It contains what you may read, so also direct messages, and what is sealed if your key opens it here. `export`
    writes a room for `import`.

    Examples:
      groupchat transcript general -o general.html
      groupchat transcript design --since 2h --public -o today.md
      groupchat transcript --thread 812
    """
    _check_output(output)
    context = merge_options(ctx)
    wanted = Selection(room, thread, _since(since), public)

    async def work(client: Client) -> TranscriptContents:
        found = await (_fetch_session(client, session, wanted) if session else fetch_transcript(client, wanted))
        return found._replace(house=client.welcome.store_id)

    found = run_with_client(context, work, sealing=True)
    if output is None:
        print_json({"messages": found.messages, "house": found.house}) if context.as_json else print_text(
            _render(found.parts, ".md")
        )
        return
    write_new_file(output, _render(found.parts, output.suffix))
    done = {"file": str(output), "messages": len(found.messages)}
    print_json(done) if context.as_json else print_lines(f"{len(found.messages)} messages are written to {output}.")


def _since(text: str | None) -> datetime | None:
    from controller.requests.since_time import parse_since

    return parse_since(text, datetime.now().astimezone()) if text else None


def _check_output(file: Path | None) -> None:
    if file is not None and file.suffix.lower() not in (*HTML_SUFFIXES, *MARKDOWN_SUFFIXES):
        raise BadRequest(f"{file}: name a file that ends in .md or .html.")


def _render(parts: list[TranscriptPart], suffix: str) -> str:
    from controller.output.transcript_html import html_document
    from controller.output.transcript_markdown import markdown_document

    return html_document(parts) if suffix.lower() in HTML_SUFFIXES else markdown_document(parts)


async def _fetch_session(client: Client, name: str, wanted: Selection) -> TranscriptContents:
    from controller.output.transcript_parts import session_parts

    found = await fetch_session(client, name)
    messages = [one for one in found.messages if _is_wanted(one, wanted)]
    return TranscriptContents(session_parts(found.detail, found.contexts, messages), messages)


async def fetch_transcript(client: Client, wanted: Selection) -> TranscriptContents:
    from controller.output.transcript_parts import messages_parts, readable_time

    if wanted.thread is not None:
        found = await _fetch_thread(client, wanted.thread, wanted.page_size)
    else:
        found = await _fetch_room(client, wanted)
    messages = [one for one in found if _is_wanted(one, wanted)]
    title = f"#{wanted.room}" if wanted.thread is None else f"Thread of message #{wanted.thread}"
    facts = [
        ("Room", messages[0].room if messages else wanted.room),
        ("From", readable_time(messages[0].timestamp) if messages else ""),
        ("To", readable_time(messages[-1].timestamp) if messages else ""),
        ("Messages", str(len(messages))),
        ("Direct messages", "left out" if wanted.public else "those that the writer of this transcript may read"),
    ]
    return TranscriptContents(messages_parts(title, facts, messages), messages)


async def _fetch_room(client: Client, wanted: Selection) -> list[Message]:
    """Page by page from the newest, until a page begins before `since`. Oldest first."""
    found: list[Message] = []
    while True:
        before = found[-1].seq if found else None
        page = await client.request(History(room=wanted.room, before=before, limit=wanted.page_size), MessageList)
        found += page.messages
        if not page.more or not _is_since(found[-1], wanted.since):
            return found[::-1]


async def _fetch_thread(client: Client, number: int, page_size: int) -> list[Message]:
    found: list[Message] = []
    while True:
        after = found[-1].seq if found else 0
        page = await client.request(Thread(message=number, after=after, limit=page_size), MessageList)
        found += page.messages
        if not page.more:
            return found


def _is_wanted(one: Message, wanted: Selection) -> bool:
    return _is_since(one, wanted.since) and not (wanted.public and one.recipients)


def _is_since(one: Message, since: datetime | None) -> bool:
    return since is None or datetime.fromisoformat(one.timestamp) >= since
