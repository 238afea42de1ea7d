"""How the commands answer: for people as text and tables, for programs as JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from controller.ask import Sent
from controller.decision_view import matter_line
from controller.going_on import health_pairs
from controller.team_status import TeamStatus
from gateway.client import Lost, Seen
from gateway.client.terminal import show_json
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import (
    AskEvent,
    ContextEvent,
    DecisionEvent,
    Message,
    Receipt,
    RoomEvent,
    SessionEvent,
    Welcome,
)
from gateway.protocol.nouns import Ask, AskState
from gateway.protocol.results import AskList, Health, MemberList, MessageList, RoomList, Story


def clock(stamp: str) -> str:
    return datetime.fromisoformat(stamp).astimezone().strftime("%H:%M:%S")


def line(message: Message) -> str:
    """One message as one paragraph, control characters made visible."""
    target = "" if not message.recipients else f" -> {', '.join(message.recipients)}"
    target += " (out of turn)" if message.aside else ""
    text = "".join(one if one.isprintable() or one in "\n\t" else "�" for one in message.content)
    return f"{clock(message.timestamp)} #{message.seq} {message.from_}{target}: {text}"


def sent(done: Sent, as_json: bool) -> None:
    if as_json:
        show_json({"seq": done.seq, "deliveries": done.deliveries, "reply": done.reply})
    elif done.reply is not None:
        typer.echo(line(done.reply))
    else:
        waiting = ", ".join(f"{one.member} ({one.rung})" for one in done.deliveries)
        typer.echo(f"#{done.seq} is in the room" + (f", on its way to {waiting}." if waiting else "."))


def pressed(keys: str, names: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        show_json({"keys": keys, "members": names})
    else:
        typer.echo(f"{keys} goes to {', '.join(names) or 'nobody: no agent is here'}.")


def text(words: str) -> None:
    typer.echo(words)


def pairs(found: Sequence[tuple[str, str]]) -> None:
    table = Table(show_header=False, box=None)
    for name, words in found:
        table.add_row(escape(name), escape(words))
    Console().print(table)


def complaint(error: GroupChatError) -> None:
    typer.secho(error.message, fg=typer.colors.RED)


class Stream:
    """Events as they come, one line each."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def __call__(self, event: Seen) -> None:
        if self._as_json:
            if not isinstance(event, Lost | Welcome):
                show_json(event)
        else:
            self._tell(event)
        sys.stdout.flush()

    @staticmethod
    def _tell(event: Seen) -> None:
        match event:
            case Message():
                typer.echo(line(event))
            case Receipt():
                rungs = ", ".join(f"{step.rung}{f' ({step.reason})' if step.reason else ''}" for step in event.steps)
                typer.secho(f"{clock(event.timestamp)}   #{event.message} for {event.member}: {rungs}", dim=True)
            case RoomEvent():
                what = event.text if event.floor else f"{event.member or event.by} {event.action} {event.room}"
                typer.secho(f"{clock(event.timestamp)}   {what}", dim=True)
            case ContextEvent():
                what = (
                    f"{event.by}: {event.action} of context {event.name!r} of {event.scope} (version {event.version})"
                )
                typer.secho(f"{clock(event.timestamp)}   {what}", dim=True)
            case DecisionEvent() | SessionEvent():
                typer.secho(f"{clock(event.timestamp)}   {printable(matter_line(event))}", dim=True)
            case AskEvent():
                typer.secho(ask_line(event), fg=typer.colors.YELLOW if event.ask.state is AskState.OPEN else None)
            case Lost():
                typer.secho(f"Reconnecting in {event.retry_in:.1f} s ({event.reason}) ...", dim=True, err=True)


def members(found: MemberList, as_json: bool) -> None:
    if as_json:
        show_json(
            {
                "agents": [
                    {
                        "name": one.name,
                        "kind": one.kind,
                        "role": one.role,
                        "presence": one.presence,
                        "activity": one.activity,
                        "queued": one.queued,
                        "composer": one.composer,
                        "paused": one.paused,
                    }
                    for one in found.agents
                ]
            }
        )
        return
    table = Table("name", "kind", "role", "presence", "activity", "waiting")
    for one in found.agents:
        activity = f"{one.activity}{' (paused)' if one.paused else ''}"
        table.add_row(one.name, one.kind, one.role or "", one.presence, activity, str(one.queued or ""))
    Console().print(table)


def rooms(found: RoomList, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    table = Table("room", "topic", "members", "")
    for one in found.rooms:
        table.add_row(one.name, escape(one.topic), ", ".join(one.members), "by invitation" if one.invite_only else "")
    Console().print(table)


def messages(found: MessageList, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    for message in sorted(found.messages, key=lambda one: one.seq):
        typer.echo(line(message))
    if found.more:
        typer.secho("There is more; --before and --limit reach it.", dim=True, err=True)


def story(found: Story, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    typer.echo(line(found.message))
    steps = [(step.at, one.member, step) for one in found.receipts for step in one.steps]
    for member in found.message.deliveries:
        typer.echo(f"  {member}")
        typer.echo(f"    {clock(found.message.timestamp)} queued")
        for at, name, step in steps:
            if name == member:
                typer.echo(f"    {clock(at)} {step.rung}{f': {step.reason}' if step.reason else ''}")


def status(health: Health, team: TeamStatus, as_json: bool) -> None:
    if as_json:
        show_json({**msgspec.to_builtins(health), **team.as_dict()})
        return
    table = Table(show_header=False)
    for name, value in health_pairs(health):
        table.add_row(name, value)
    Console().print(table)
    if team.session is not None:
        panes = Table("name", "pane", "doing", title=f"session {team.session}", title_justify="left")
        for one in team.team:
            panes.add_row(one.name, f"{one.pane}{f' (exit {one.exit})' if one.exit else ''}", one.doing)
        Console().print(panes)


_ENDED = {
    AskState.ANSWERING: "is being answered",
    AskState.ANSWERED: "was answered",
    AskState.CLOSED: "is no longer asked",
    AskState.STALE: "was replaced",
    AskState.WITHDRAWN: "was withdrawn",
}


def printable(text: str) -> str:
    return "".join(one if one.isprintable() or one == "\n" else "�" for one in text)


def ask_line(event: AskEvent) -> str:
    """A dialog as a person reads it: what is asked, and how to answer."""
    ask, begin = event.ask, f"{clock(event.timestamp)}   {event.ask.member}"
    why = f": {ask.reason}" if ask.reason else ""
    if ask.state is not AskState.OPEN:
        by = f" by {ask.by} with {ask.answer}" if ask.by else ""
        return printable(f"{begin}'s question {_ENDED[ask.state]}{by}{why}")
    waits = f" (for {event.waited} s now)" if event.waited else ""
    return printable(f"{begin} asks{waits}{why}\n{ask_text(ask)}")


def ask_text(ask: Ask) -> str:
    rows = [*(row for row in (ask.tool, *ask.detail.split("\n")) if row and row != ask.question), ask.question]
    rows += [f"  {one.key}. {one.text}" for one in ask.options]
    ways = [f"/approve {ask.member}"] if ask.allow else []
    ways += [f"/approve {ask.member} {ask.options[0].key}"] if ask.options else []
    ways += [f"/deny {ask.member}"] if ask.deny else []
    rows.append(f"  -> {', '.join(ways) or 'answer it in its terminal'}  [{ask.digest}]")
    return "\n".join(f"      {row}" for row in rows)


def asks(found: AskList, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    for ask in found.asks:
        typer.echo(printable(f"{clock(ask.opened)} {ask.member} asks ({ask.state})\n{ask_text(ask)}"))
    if not found.asks:
        typer.echo("Nobody asks anything.")


def answered(ask: Ask, as_json: bool) -> None:
    if as_json:
        show_json(ask)
    else:
        why = f": {ask.reason}" if ask.reason else "."
        typer.echo(printable(f"{ask.member}'s question {_ENDED.get(ask.state, 'is still open')}{why}"))
