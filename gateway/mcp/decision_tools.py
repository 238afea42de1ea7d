"""The tools for decisions: ask the people, propose something, vote."""

from __future__ import annotations

from asyncio import to_thread

from gateway.mcp import arguments, result_text
from gateway.mcp.tool_caller import Caller
from gateway.protocol.requests.decision_requests import AnswerDecision, Decisions, Propose, ShowDecision
from gateway.protocol.requests.member_requests import WhoAmI
from gateway.protocol.results import DecisionList, DecisionView, Identity
from gateway.protocol.types.core_types import DEFAULT_ROOM, MemberKind, Presence
from gateway.protocol.types.decision_types import AnswerKind, Decision

ANSWER_KINDS = {str(kind): kind for kind in AnswerKind if kind is not AnswerKind.VOTE}


async def ask_human(caller: Caller, given: arguments.AskHuman) -> str:
    """Ask the people. The question stays open when the wait ends; the answer then comes as a message, and only once."""
    request = Propose(
        question=given.question, room=await _room_of_caller(caller), people=True, options=tuple(given.options)
    )
    asked = (await caller.ask(request, DecisionView)).decision
    members = (await caller.members()).values()
    if not any(one.kind is MemberKind.HUMAN and one.presence is Presence.ONLINE for one in members):
        return f"No person is connected now. {_still_open_text(asked)}"
    wait = caller.limit_wait(given.timeout)
    return await _wait_for_end(caller, asked, wait) or f"No answer within {wait:g} s. {_still_open_text(asked)}"


async def propose(caller: Caller, given: arguments.Proposal) -> str:
    to = arguments.parse_names(given.to)
    request = Propose(
        question=given.question,
        room=await _room_of_caller(caller),
        to=to[0] if len(to) == 1 else None,
        voters=to if len(to) > 1 else (),
        options=tuple(given.options),
        rule=given.rule or None,
    )
    asked = (await caller.ask(request, DecisionView)).decision
    where = f"{asked.id} was sent to {', '.join(asked.voters)}."
    if not given.wait:
        return f"{where} {_still_open_text(asked)}"
    wait = caller.limit_wait(given.wait)
    end = await _wait_for_end(caller, asked, wait) or f"Not decided within {wait:g} s. {_still_open_text(asked)}"
    return f"{where}\n{end}"


async def vote(caller: Caller, given: arguments.Vote) -> str:
    if not given.decision:
        return await to_thread(result_text.open_decisions_text, (await caller.ask(Decisions(), DecisionList)).decisions)
    kind = ANSWER_KINDS.get(given.choice.strip().lower(), AnswerKind.VOTE)
    choice = given.choice if kind is AnswerKind.VOTE else ""
    request = AnswerDecision(decision=given.decision, kind=kind, choice=choice, reason=given.reason)
    decision = (await caller.ask(request, DecisionView)).decision
    return (
        await to_thread(result_text.decision_result_text, decision)
        if decision.result
        else f"Your answer counts. {decision.id} is still open."
    )


async def _room_of_caller(caller: Caller) -> str:
    """The default room, or the first of the caller's rooms if the caller is not in the default one."""
    rooms = (await caller.ask(WhoAmI(), Identity)).rooms
    return DEFAULT_ROOM if DEFAULT_ROOM in rooms or not rooms else rooms[0]


def _still_open_text(asked: Decision) -> str:
    return f"{asked.id} stays open. The answer comes to you as a message; peer_wait with reply_to={asked.asked} waits."


async def _wait_for_end(caller: Caller, asked: Decision, seconds: float) -> str:
    """The result, if the decision ended within the wait. The message that announces it then counts as read."""
    inbox = await caller.wait(seconds, reply_to=asked.asked)
    now = (await caller.ask(ShowDecision(decision=asked.id), DecisionView)).decision
    if now.result:
        return await to_thread(result_text.decision_result_text, now)
    return (
        await to_thread(result_text.inbox_text, inbox, await caller.members(), "")
        if inbox.messages or inbox.circle
        else ""
    )
