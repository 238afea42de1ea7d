"""What the chat's commands about decisions and sessions do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from controller.chat.actions.action_interface import ActionResult, ChatContext
from controller.chat_commands.command_table import ParsedCommand
from controller.view.stream import list_overlay
from controller.wording.decision_text import (
    DecisionCard,
    decision_lines,
    parse_proposal,
    shorten_text_to_line,
    split_kind_and_choice,
)
from gateway.client import Client
from gateway.client.paged_requests import fetch_all_pages
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.decision_requests import AnswerDecision, CloseDecision, Decisions, Propose, ShowDecision
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.session_requests import (
    CloseSession,
    OpenSession,
    PauseSession,
    ResumeSession,
    Sessions,
    ShowSession,
)
from gateway.protocol.results import DecisionList, DecisionView, SessionDetail, SessionList, SessionView
from gateway.protocol.types.decision_types import Decision
from gateway.protocol.types.session_types import Session


async def propose_in_chat(chat: ChatContext, order: ParsedCommand) -> ActionResult:
    """`@name text` is a proposal to one; `question | one | another` a vote of the room, or of those named before it."""
    said = parse_proposal(order.values["question"], chat.state.me)
    request = Propose(
        question=said.question or " ", options=said.options, to=said.to, voters=said.voters, room=chat.state.room
    )
    made = (await chat.client.request(request, DecisionView)).decision
    alone = chat.state.me not in made.voters and not made.private
    hint = " Name @me among the voters to vote yourself." if alone else ""
    return f"{made.id} is asked of {', '.join(made.voters)}.{hint}"


async def cast_vote(chat: ChatContext, order: ParsedCommand) -> ActionResult:
    key, text = order.values["decision"], order.values["answer"]
    known = (one.decision for one in chat.state.decisions.values() if one.decision.id == key)
    free = next((not one.options for one in known if one.rule == "first"), False)
    word, _, reason = (text, "", "") if free else text.partition(" because ")
    kind, choice = split_kind_and_choice(word)
    request = AnswerDecision(decision=key, kind=kind, choice=choice, reason=reason.strip())
    return decision_reply((await chat.client.request(request, DecisionView)).decision)


async def answer_card(client: Client, card: DecisionCard, answer: str) -> str:
    kind, choice = split_kind_and_choice(answer)
    request = AnswerDecision(decision=card.decision.id, kind=kind, choice=choice)
    return decision_reply((await client.request(request, DecisionView)).decision)


def decision_reply(decision: Decision) -> str:
    return decision.result or f"Your answer counts; {decision.id} is still open."


async def show_decisions(chat: ChatContext, order: ParsedCommand) -> ActionResult:
    if key := order.get("decision"):
        found = [(await chat.client.request(ShowDecision(decision=key), DecisionView)).decision]
    else:
        request = Decisions(room=chat.state.room)
        found = list((await fetch_all_pages(chat.client.request, request, DecisionList)).decisions)
    if not found:
        return "No open decisions."
    return list_overlay.overlay_of_text("Decisions", "\n".join(line for one in found for line in decision_lines(one)))


async def close_own_decision(chat: ChatContext, order: ParsedCommand) -> ActionResult:
    request = CloseDecision(decision=order.values["decision"])
    return (await chat.client.request(request, DecisionView)).decision.result


async def change_session(chat: ChatContext, order: ParsedCommand) -> ActionResult:
    """`open NAME goal`, `close NAME words`, `pause NAME`, `resume NAME`, `show NAME`; else those there are."""
    word = order.get("action") or "list"
    if word == "list":
        found = await fetch_all_pages(chat.client.request, Sessions(room=chat.state.room), SessionList)
        pairs = [(one.name, session_text(one)) for one in found.sessions]
        return list_overlay.overlay_of_pairs("Sessions", pairs) if pairs else "There is no session here."
    name, _, text = (order.get("name and words") or "").partition(" ")
    if not name:
        raise BadRequest(f"/session {word} NAME: which session?")
    if word == "show":
        detail = await chat.client.request(ShowSession(session=name), SessionDetail)
        return list_overlay.overlay_of_pairs(f"Session {detail.session.name}", _session_rows(detail))
    request = _REQUEST_BY_ACTION[word](name, text.strip(), chat.state.room)
    return session_text((await chat.client.request(request, SessionView)).session)


_REQUEST_BY_ACTION: dict[str, Callable[[str, str, str], Request]] = {
    "open": lambda name, text, room: OpenSession(session=name, goal=text, room=room),
    "close": lambda name, text, room: CloseSession(session=name, closing=text),
    "pause": lambda name, text, room: PauseSession(session=name),
    "resume": lambda name, text, room: ResumeSession(session=name),
}


def session_text(one: Session) -> str:
    who = ", ".join(one.participants) or "everybody"
    return f"{one.name} is {one.status}, with {who}{f': {shorten_text_to_line(one.goal)}' if one.goal else ''}"


def _session_rows(detail: SessionDetail) -> list[tuple[str, str]]:
    pairs = [("", session_text(detail.session))]
    pairs += [(one.id, f"{shorten_text_to_line(one.question)} {one.result or one.state}") for one in detail.decisions]
    return pairs + [(f"context {one.name}", f"version {one.version} by {one.by}") for one in detail.contexts]


DECISION_ACTIONS: dict[str, Callable[[ChatContext, ParsedCommand], Awaitable[ActionResult]]] = {
    "propose": propose_in_chat,
    "vote": cast_vote,
    "decisions": show_decisions,
    "decide": close_own_decision,
    "session": change_session,
}
