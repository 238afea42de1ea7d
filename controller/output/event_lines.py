"""What `groupchat listen` prints: events as they come, one line each."""

from __future__ import annotations

import sys
from dataclasses import asdict

import typer

from controller.output.command_output import ask_detail_lines, message_lines
from controller.output.mark_output import mark_text
from controller.output.time_text import moment_text
from controller.view.approvals.question_view import QuestionView, ended_line
from controller.wording.decision_text import event_line
from gateway.client import ClientEvent, ConnectionLost
from gateway.console.console_output import print_json, print_lines
from gateway.encryption.member_client.checked_messages import SealingNotice
from gateway.protocol.events import (
    AskEvent,
    ContextEvent,
    DecisionEvent,
    KeyEvent,
    Message,
    PinEvent,
    ReactionEvent,
    Receipt,
    RoomEvent,
    RoomKeyEvent,
    SessionEvent,
    Welcome,
)
from gateway.protocol.types.core_types import AskState


class Stream:
    """Events as they come, one line each."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def __call__(self, event: ClientEvent | SealingNotice) -> None:
        if isinstance(event, SealingNotice):
            self._tell_notice(event)
        elif self._as_json:
            if not isinstance(event, ConnectionLost | Welcome):
                print_json(event)
        else:
            self._tell(event)
        sys.stdout.flush()

    def _tell_notice(self, notice: SealingNotice) -> None:
        if self._as_json:
            print_json({"ev": "sealing.notice", **asdict(notice)})
        else:
            print_lines(notice.text, dim=not notice.loud, fg=typer.colors.RED if notice.loud else None)

    @staticmethod
    def _tell(event: ClientEvent) -> None:
        match event:
            case Message():
                print_lines(*message_lines(event))
            case AskEvent():
                print_lines(*ask_lines(event), fg=typer.colors.YELLOW if event.ask.state is AskState.OPEN else None)
            case ConnectionLost():
                print_lines(f"Reconnecting in {event.retry_in:.1f} s ({event.reason}) ...", dim=True, err=True)
            case _ if what := happened_text(event):
                print_lines(f"{moment_text(getattr(event, 'timestamp', ''))}   {what}", dim=True)


def happened_text(event: ClientEvent) -> str:  # noqa: PLR0911 - a table of events
    """What happened, for events that take one quiet line; empty for others."""
    match event:
        case Receipt():
            rungs = ", ".join(f"{step.rung}{f' ({step.reason})' if step.reason else ''}" for step in event.steps)
            return f"#{event.message} for {event.member}: {rungs}"
        case RoomEvent():
            return event.text if event.floor else f"{event.member or event.by} {event.action} {event.room}"
        case ReactionEvent() | PinEvent():
            return mark_text(event)
        case ContextEvent():
            return f"{event.by}: {event.action} of context {event.name!r} of {event.scope} (version {event.version})"
        case DecisionEvent() | SessionEvent():
            return event_line(event)
        case KeyEvent() | RoomKeyEvent():
            return _key_event_text(event)
    return ""


def _key_event_text(event: KeyEvent | RoomKeyEvent) -> str:
    if isinstance(event, KeyEvent):
        return f"{event.member} {'revokes' if event.revocation else 'publishes'} version {event.version} of a key"
    what = f"makes key {event.version}" if event.notice else "admits a member"
    return f"{event.by} {what} of {event.room}"


def ask_lines(event: AskEvent) -> list[str]:
    """A dialog as a person reads it: what is asked, and how to answer."""
    ask, begin = event.ask, f"{moment_text(event.timestamp)}   {event.ask.member}"
    why = f": {ask.reason}" if ask.reason else ""
    if ask.state is not AskState.OPEN:
        return [f"{moment_text(event.timestamp)}   {ended_line(QuestionView.of(ask))}"]
    waits = f" (for {event.waited} s now)" if event.waited else ""
    return [f"{begin} asks{waits}{why}", *ask_detail_lines(ask)]
