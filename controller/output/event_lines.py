"""What `groupchat listen` prints: events as they come, one line each."""

from __future__ import annotations

import sys

import typer

from controller.commands.decision_text import matter_line
from controller.output.command_output import ask_rows, paragraph
from controller.view.approvals_view import AskView, line_of
from gateway.client import Lost, Seen
from gateway.client.console.console_output import say, show_json
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
from gateway.protocol.text.printable_text import clock
from gateway.protocol.types import AskState


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
                say(*paragraph(event))
            case Receipt():
                rungs = ", ".join(f"{step.rung}{f' ({step.reason})' if step.reason else ''}" for step in event.steps)
                say(f"{clock(event.timestamp)}   #{event.message} for {event.member}: {rungs}", dim=True)
            case RoomEvent():
                what = event.text if event.floor else f"{event.member or event.by} {event.action} {event.room}"
                say(f"{clock(event.timestamp)}   {what}", dim=True)
            case ContextEvent():
                what = (
                    f"{event.by}: {event.action} of context {event.name!r} of {event.scope} (version {event.version})"
                )
                say(f"{clock(event.timestamp)}   {what}", dim=True)
            case DecisionEvent() | SessionEvent():
                say(f"{clock(event.timestamp)}   {matter_line(event)}", dim=True)
            case AskEvent():
                say(*ask_lines(event), fg=typer.colors.YELLOW if event.ask.state is AskState.OPEN else None)
            case Lost():
                say(f"Reconnecting in {event.retry_in:.1f} s ({event.reason}) ...", dim=True, err=True)


def ask_lines(event: AskEvent) -> list[str]:
    """A dialog as a person reads it: what is asked, and how to answer."""
    ask, begin = event.ask, f"{clock(event.timestamp)}   {event.ask.member}"
    why = f": {ask.reason}" if ask.reason else ""
    if ask.state is not AskState.OPEN:
        return [f"{clock(event.timestamp)}   {line_of(AskView.of(ask))}"]
    waits = f" (for {event.waited} s now)" if event.waited else ""
    return [f"{begin} asks{waits}{why}", *ask_rows(ask)]
