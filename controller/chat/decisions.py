"""What the chat's commands about decisions and sessions do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from controller.commands.command_table import Order
from controller.commands.decision_text import DecisionCard, kind_and_choice, lines_of, short
from controller.view import list_overlay
from controller.view.chat_state import ChatState
from controller.view.list_overlay import Sheet
from gateway.client import Client
from gateway.client.pages import whole
from gateway.protocol.decision_nouns import Decision
from gateway.protocol.decision_requests import AnswerDecision, CloseDecision, Decisions, Propose, ShowDecision
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests import Request
from gateway.protocol.results import DecisionList, DecisionView, SessionDetail, SessionList, SessionView
from gateway.protocol.session_nouns import Session
from gateway.protocol.session_requests import (
    CloseSession,
    OpenSession,
    PauseSession,
    ResumeSession,
    Sessions,
    ShowSession,
)

Outcome = Sheet | str | None


class Desk(Protocol):
    @property
    def client(self) -> Client: ...

    @property
    def state(self) -> ChatState: ...


async def propose(desk: Desk, order: Order) -> Outcome:
    """`@name text` is a proposal to one; `question | one | another` a vote of the room."""
    text = order.values["question"]
    to = ""
    if text.startswith("@"):
        to, _, text = text.partition(" ")
    question, *options = (part.strip() for part in text.split("|"))
    request = Propose(question=question or " ", options=tuple(options), to=to or None, room=desk.state.room)
    made = (await desk.client.request(request, DecisionView)).decision
    return f"{made.id} is asked of {', '.join(made.voters)}."


async def vote(desk: Desk, order: Order) -> Outcome:
    key, text = order.values["decision"], order.values["answer"]
    known = (one.decision for one in desk.state.decisions.values() if one.decision.id == key)
    free = next((not one.options for one in known if one.rule == "first"), False)
    word, _, reason = (text, "", "") if free else text.partition(" because ")
    kind, choice = kind_and_choice(word)
    request = AnswerDecision(decision=key, kind=kind, choice=choice, reason=reason.strip())
    return told((await desk.client.request(request, DecisionView)).decision)


async def answer_card(client: Client, card: DecisionCard, answer: str) -> str:
    kind, choice = kind_and_choice(answer)
    request = AnswerDecision(decision=card.decision.id, kind=kind, choice=choice)
    return told((await client.request(request, DecisionView)).decision)


def told(decision: Decision) -> str:
    return decision.result or f"Your answer counts; {decision.id} is still open."


async def decisions(desk: Desk, order: Order) -> Outcome:
    if key := order.get("decision"):
        found = [(await desk.client.request(ShowDecision(decision=key), DecisionView)).decision]
    else:
        request = Decisions(room=desk.state.room)
        found = list((await whole(desk.client.request, request, DecisionList)).decisions)
    if not found:
        return "Nothing is to be decided."
    return list_overlay.of_text("Decisions", "\n".join(line for one in found for line in lines_of(one)))


async def decide(desk: Desk, order: Order) -> Outcome:
    request = CloseDecision(decision=order.values["decision"])
    return (await desk.client.request(request, DecisionView)).decision.result


async def session(desk: Desk, order: Order) -> Outcome:
    """`open NAME goal`, `close NAME words`, `pause NAME`, `resume NAME`, `show NAME`; else those there are."""
    word = order.get("action") or "list"
    if word == "list":
        found = await whole(desk.client.request, Sessions(room=desk.state.room), SessionList)
        pairs = [(one.name, session_words(one)) for one in found.sessions]
        return list_overlay.of_pairs("Sessions", pairs) if pairs else "There is no session here."
    name, _, text = (order.get("name and words") or "").partition(" ")
    if not name:
        raise BadRequest(f"/session {word} NAME: which session?")
    if word == "show":
        detail = await desk.client.request(ShowSession(session=name), SessionDetail)
        return list_overlay.of_pairs(f"Session {detail.session.name}", _pairs(detail))
    request = _CHANGES[word](name, text.strip(), desk.state.room)
    return session_words((await desk.client.request(request, SessionView)).session)


_CHANGES: dict[str, Callable[[str, str, str], Request]] = {
    "open": lambda name, text, room: OpenSession(session=name, goal=text, room=room),
    "close": lambda name, text, room: CloseSession(session=name, closing=text),
    "pause": lambda name, text, room: PauseSession(session=name),
    "resume": lambda name, text, room: ResumeSession(session=name),
}


def session_words(one: Session) -> str:
    who = ", ".join(one.participants) or "everybody"
    return f"{one.name} is {one.status}, with {who}{f': {short(one.goal)}' if one.goal else ''}"


def _pairs(detail: SessionDetail) -> list[tuple[str, str]]:
    pairs = [("", session_words(detail.session))]
    pairs += [(one.id, f"{short(one.question)} {one.result or one.state}") for one in detail.decisions]
    return pairs + [(f"context {one.name}", f"version {one.version} by {one.by}") for one in detail.contexts]


ACTIONS: dict[str, Callable[[Desk, Order], Awaitable[Outcome]]] = {
    "propose": propose,
    "vote": vote,
    "decisions": decisions,
    "decide": decide,
    "session": session,
}
