"""The chat as lines for a screen reader: no columns, no signs, each line says who and what. Pure."""

from __future__ import annotations

from controller.view.approvals.question_view import QuestionView, ended_line, warning_lines
from controller.view.state.stream_entries import Notice, member_notice
from controller.view.stream.list_overlay import ListOverlay
from controller.wording.decision_text import DecisionCard, event_line
from controller.wording.proof_text import is_wrong, note_lines, proof_words
from gateway.client import ConnectionLost
from gateway.encryption.member_client.checked_messages import SealingNotice
from gateway.protocol.events import (
    AskEvent,
    DecisionEvent,
    MemberEvent,
    Message,
    Receipt,
    RoomEvent,
    SessionEvent,
)
from gateway.protocol.text.attachments import attachments_of
from gateway.protocol.text.printable_text import readable_content
from gateway.protocol.text.question_text import answer_commands
from gateway.protocol.text.receipt_text import receipt_text
from gateway.protocol.types.core_types import Rung

TOLD_RUNGS = {Rung.HELD, Rung.FAILED, Rung.EXPIRED, Rung.CANCELLED}  # the others are told by the answer itself


def plain_lines(what: object, me: str, room: str) -> list[str]:
    """The lines of an entry of the history, or of an event; none for what is not told."""
    match what:
        case Message():
            return told_message_lines(what, me, room)
        case AskEvent():
            return question_lines(QuestionView.of(what.ask))
        case QuestionView():
            return question_lines(what)
        case DecisionCard():
            return vote_lines(what)
        case Notice():
            return [what.text]
        case _:
            return [text] if (text := _event_text(what)) else []


def told_message_lines(message: Message, me: str, room: str) -> list[str]:
    """`ada to you, #20: the text`."""
    to = ", ".join("you" if one == me else one for one in message.recipients) or "all"
    who = "You" if message.from_ == me else message.from_
    where = "" if message.room == room else f" in {message.room}"
    answers = f", answers #{message.reply_to}" if message.reply_to else ""
    proof = f", {words}" if (words := proof_words(message)) else ""
    warning = "Warning: " if is_wrong(message) else ""
    return [
        f"{warning}{who} to {to}{where}, #{message.seq}{answers}{proof}: {readable_content(message)}",
        *(f"  with {one.summary}" for one in attachments_of(message)),
        *(f"  Note: {note}" for note in note_lines(message)),
    ]


def question_lines(ask: QuestionView) -> list[str]:
    """A question with its numbered options and the commands that answer it; once it has ended, one line."""
    if not ask.open:
        return [ended_line(ask)]
    asked = "".join(ask.subject).strip()
    ways = " or ".join(answer_commands(ask)) or f"its own terminal; /terminal {ask.member} shows it"
    options = [f"  {one.key}: {one.text}" for one in ask.options]
    return [f"Question: {ask.member} {asked}", *options, *warning_lines(ask), f"Answer with {ways}."]


def vote_lines(card: DecisionCard) -> list[str]:
    decision = card.decision
    if not card.open:
        return [f"Vote {decision.id}, {decision.question}: {card.outcome}"]
    options = [f"  {one.key}: {one.text}" for one in card.choices]
    return [
        f"Vote {decision.id} of {card.member}: {decision.question}",
        *options,
        f"Answer with /vote {decision.id} WORD.",
    ]


def overlay_lines(overlay: ListOverlay) -> list[str]:
    """A list that a command returns."""
    rows = ("".join(text for _, text in one.words) for one in overlay.items)
    return [f"{overlay.title}:", *(" ".join(row.split()) for row in rows)]


def _event_text(event: object) -> str:  # noqa: PLR0911 - a table of events
    match event:
        case Receipt(steps=(*_, step)) if step.rung in TOLD_RUNGS:
            return f"#{event.message} for {event.member}: {receipt_text(step)}"
        case MemberEvent():
            return member_notice(event)
        case DecisionEvent() | SessionEvent():
            return event_line(event)
        case RoomEvent():
            return event.text
        case SealingNotice():
            return f"Warning: {event.text}" if event.loud else event.text
        case ConnectionLost():
            return "The gateway does not answer; reconnecting."
    return ""
