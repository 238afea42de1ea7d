"""What `groupchat listen` prints: events as they come, one line each."""

from __future__ import annotations

import sys

import typer

from controller.commands.decision_text import event_line
from controller.output.command_output import ask_detail_lines, message_lines
from controller.view.approvals_view import AskView, ended_line
from gateway.client import ClientEvent, ConnectionLost
from gateway.client.console.console_output import print_json, print_lines
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
from gateway.protocol.text.printable_text import local_time_text
from gateway.protocol.types import AskState


class Stream:
    """Events as they come, one line each."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def __call__(self, event: ClientEvent) -> None:
        if self._as_json:
            if not isinstance(event, ConnectionLost | Welcome):
                print_json(event)
        else:
            self._tell(event)
        sys.stdout.flush()

    @staticmethod
    def _tell(event: ClientEvent) -> None:
        match event:
            case Message():
                print_lines(*message_lines(event))
            case Receipt():
                rungs = ", ".join(f"{step.rung}{f' ({step.reason})' if step.reason else ''}" for step in event.steps)
                print_lines(
                    f"{local_time_text(event.timestamp)}   #{event.message} for {event.member}: {rungs}", dim=True
                )
            case RoomEvent():
                what = event.text if event.floor else f"{event.member or event.by} {event.action} {event.room}"
                print_lines(f"{local_time_text(event.timestamp)}   {what}", dim=True)
            case ContextEvent():
                what = (
                    f"{event.by}: {event.action} of context {event.name!r} of {event.scope} (version {event.version})"
                )
                print_lines(f"{local_time_text(event.timestamp)}   {what}", dim=True)
            case DecisionEvent() | SessionEvent():
                print_lines(f"{local_time_text(event.timestamp)}   {event_line(event)}", dim=True)
            case AskEvent():
                print_lines(*ask_lines(event), fg=typer.colors.YELLOW if event.ask.state is AskState.OPEN else None)
            case ConnectionLost():
                print_lines(f"Reconnecting in {event.retry_in:.1f} s ({event.reason}) ...", dim=True, err=True)


def ask_lines(event: AskEvent) -> list[str]:
    """A dialog as a person reads it: what is asked, and how to answer."""
    ask, begin = event.ask, f"{local_time_text(event.timestamp)}   {event.ask.member}"
    why = f": {ask.reason}" if ask.reason else ""
    if ask.state is not AskState.OPEN:
        return [f"{local_time_text(event.timestamp)}   {ended_line(AskView.of(ask))}"]
    waits = f" (for {event.waited} s now)" if event.waited else ""
    return [f"{begin} asks{waits}{why}", *ask_detail_lines(ask)]
