"""Prints what `up --dry-run` found: who would be started, how, and in which conversation. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from controller.team.preflight import ExpectedConversation
from controller.workspace.startup.start_preview import RUNS, AgentPreview, StartPreview
from gateway.protocol.types.agent_conditions import end_text

MAX_COMMAND_CHARS = 60
UNKNOWN_TEXT = "it is not known how its conversation begins"


def preview_lines(preview: StartPreview, now: datetime, home: Path) -> Iterator[str]:
    """In the time zone of `now`."""
    yield "Nothing was started or changed. This is what `groupchat up` would do:"
    there = f"runs already at {preview.gateway}" if preview.gateway else "is started"
    yield f"- the gateway {there}"
    yield f"- the session {preview.session} " + ("runs already" if preview.runs else "is created")
    starting = [one for one in preview.agents if one.does != RUNS]
    if len(starting) > 1:
        yield f"- one after another start {', '.join(one.name for one in starting)}"
    for one in preview.agents:
        yield f"{one.name}: {_command_text(one)}, in {_short_path(one.project, home)}"
        yield from (f"  {line}" for line in agent_lines(one, now, home))


def agent_lines(one: AgentPreview, now: datetime, home: Path) -> Iterator[str]:
    if one.does == RUNS:
        yield "runs already, and keeps running"
        return
    begins = one.conversation
    if begins is None:
        yield UNKNOWN_TEXT
        return
    yield start_text(begins, now)
    if begins.session:
        yield f"its id is {begins.session}"
    if begins.moved_from:
        yield f"its project was in {_short_path(begins.moved_from, home)} then"
    if begins.is_missing:
        yield "its program does not seem to have that conversation any more; it begins a new one if so"


def start_text(begins: ExpectedConversation, now: datetime) -> str:
    match begins.start:
        case "resumed":
            return f"comes back to its conversation{_times_text(begins, now)}"
        case "lost":
            return f"begins a new conversation: its last one{_times_text(begins, now)} was not written down"
        case "never":
            return "begins a new conversation: agents of its kind cannot come back to one"
        case "command":
            return "begins as its own command says"
    return "begins a new conversation"


def _times_text(begins: ExpectedConversation, now: datetime) -> str:
    since, used = (_local_text(one, now) for one in (begins.since, begins.used))
    return f" of {since}" * bool(since) + (f", last used {used}" if used and used != since else "")


def _local_text(stamp: str, now: datetime) -> str:
    return end_text(datetime.fromisoformat(stamp).astimezone(now.tzinfo), now) if stamp else ""


def _command_text(one: AgentPreview) -> str:
    words = shlex.join([Path(one.command[0]).name, *one.command[1:]]) if one.command else "nothing"
    return words if len(words) <= MAX_COMMAND_CHARS else f"{words[: MAX_COMMAND_CHARS - 1]}…"


def _short_path(path: str, home: Path) -> str:
    if Path(path) == home:
        return "~"
    return f"~/{Path(path).relative_to(home)}" if Path(path).is_relative_to(home) else path
