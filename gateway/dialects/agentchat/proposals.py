"""AgentChat's proposals: decisions between two, each step of them signed. Pure: values in, values out.

A proposal is a private decision of the rule `recipient`: a member of ours is asked in the chat, and may answer there,
and what it answers is told to AgentChat as well. Money is only words here: nothing is paid.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.access.signatures import Key
from gateway.decisions import decisions
from gateway.dialects.agentchat import frames as words
from gateway.dialects.agentchat import names
from gateway.dialects.agentchat.frames import InvalidProposal, SignatureRequired
from gateway.dialects.common_text import milliseconds
from gateway.model.log_events import Clerk, Ruling
from gateway.model.state import House
from gateway.protocol.decision_nouns import AnswerKind, Decision, DecisionAction, DecisionState, Given
from gateway.protocol.errors import BadRequest, Conflict
from gateway.protocol.events import DecisionEvent, Message
from gateway.protocol.requests import MAX_SECONDS
from gateway.protocol.results import Done
from gateway.protocol.types import Signed

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
RECIPIENT = "recipient"
PREFIX = "prop_"
MOST_OPEN = 100
K, S = AnswerKind, DecisionState


# what is signed


def proposal_text(frame: words.Propose) -> bytes:
    fields = (frame.to, frame.task, _as_joined(frame.amount), frame.currency or "", frame.payment_code or "")
    return "|".join((*fields, _as_joined(frame.expires))).encode()


def answer_text(frame: words.Answer) -> bytes:
    kind, said = _kind_and_word(frame)
    return f"{kind.upper()}|{frame.proposal_id}|{said or ''}".encode()


def _as_joined(raw: msgspec.Raw) -> str:
    """What JavaScript makes of this value in a line of text; of nothing, and of 0, nothing."""
    value = _plain(raw)
    if isinstance(value, str):
        return value
    return bytes(raw).decode() if value else ""


def _plain(raw: msgspec.Raw) -> str | int | float | None:
    try:
        return msgspec.json.decode(raw, type=str | int | float | None)
    except msgspec.ValidationError:
        raise BadRequest("`amount` is a number or text, and `expires` a number of seconds.") from None


def _kind_and_word(frame: words.Answer) -> tuple[AnswerKind, str | None]:
    match frame:
        case words.Accept():
            return K.ACCEPT, frame.payment_code
        case words.Reject():
            return K.REJECT, frame.reason
        case words.Complete():
            return K.COMPLETE, frame.proof
        case words.Dispute():
            return K.DISPUTE, frame.reason


def checked(key: Key | None, signature: str | None, payload: bytes) -> Signed:
    if key is None:
        raise SignatureRequired("Proposals and their answers need an identity with a key: IDENTIFY with one.")
    if not signature:
        raise SignatureRequired("Proposals and their answers must be signed: `sig` is missing.")
    if not key.signed(payload, signature):
        raise InvalidProposal("INVALID_SIGNATURE")
    return Signed(base64.b64encode(payload).decode(), signature, key.pem)


# the rules


def new_id(now: float, noise: str) -> str:
    number, digits = int(now * 1000), ""
    while number:
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
    return f"{PREFIX}{digits}_{noise}"


@dataclass(frozen=True)
class Meeting:
    """A room in which two members are, and the other one's name."""

    room: str
    member: str


def proposed(  # noqa: PLR0913, PLR0917 - who proposes what to whom, where
    house: House, by: str, to: Meeting, frame: words.Propose, signed: Signed, clerk: Clerk, noise: str
) -> Ruling:
    if sum(1 for one in house.decisions.values() if one.by == by and not one.over) >= MOST_OPEN:
        raise Conflict(f"{MOST_OPEN} proposals of yours are open or accepted. Complete some, or let them expire.")
    motion = decisions.Motion(
        room=to.room,
        question=_in_words(frame),
        rule=RECIPIENT,
        voters=(to.member,),
        private=True,
        expires_in=_seconds(frame.expires),
        id=new_id(clerk.now, noise),
        details={
            "task": frame.task,
            "amount": _plain(frame.amount),
            "currency": frame.currency,
            "payment_code": frame.payment_code,
            "terms": frame.terms,
        },
        signed=signed,
    )
    _, facts = decisions.opened(house, by, motion, clerk)
    return Ruling(Done(facts[0].event.seq), facts)


def _in_words(frame: words.Propose) -> str:
    """The task and what is offered for it, for a reader who sees nothing else."""
    offer = " ".join(one for one in (_as_joined(frame.amount), frame.currency or "") if one)
    said = (("offered", offer), ("payment code", frame.payment_code), ("terms", frame.terms))
    return "\n".join([frame.task, *(f"{name}: {text}" for name, text in said if text)])


def _seconds(raw: msgspec.Raw) -> float | None:
    value = _plain(raw)
    if isinstance(value, str) or (value and not 0 < value <= MAX_SECONDS):
        raise BadRequest("`expires` is a number of seconds from now, more than 0.")
    return float(value) if value else None


def answered(house: House, by: str, frame: words.Answer, signed: Signed, clerk: Clerk) -> Ruling:
    kind, said = _kind_and_word(frame)
    decision = house.decisions.get(frame.proposal_id)
    if decision is None or not _may_know(decision, by):
        raise InvalidProposal("PROPOSAL_NOT_FOUND")
    if cause := _cause(decision, by, kind, clerk.now):
        raise InvalidProposal(cause)
    if (error := decisions.refusal(house, decision, by, kind, clerk.now)) is not None:
        raise error
    reason = said or "" if kind in (K.REJECT, K.DISPUTE) else ""
    details = {_DETAIL[kind]: said} if kind in _DETAIL else None
    given = Given(by, kind, clerk.stamp, reason=reason, details=details, signed=signed)
    _, facts = decisions.answered(house, decision, given, clerk)
    return Ruling(Done(facts[0].event.seq), facts)


def _may_know(decision: Decision, by: str) -> bool:
    """Ids of this dialect cannot be guessed; with those of others nobody shall find out what is between two."""
    mine = decision.id.startswith(PREFIX) or by in (decision.by, *decision.voters)
    return decision.rule == RECIPIENT and mine


_DETAIL = {K.ACCEPT: "payment_code", K.COMPLETE: "proof"}


def _cause(decision: Decision, by: str, kind: AnswerKind, now: float) -> str:
    """Why it cannot be answered so, in the words of the existing clients."""
    if kind in (K.COMPLETE, K.DISPUTE):
        if decision.state is not S.ACCEPTED:
            return "PROPOSAL_NOT_ACCEPTED"
        return "" if by in (decision.by, *decision.voters) else "NOT_PROPOSAL_PARTY"
    if decision.state is S.EXPIRED or (decision.pending and decisions.is_due(decision, now)):
        return "PROPOSAL_EXPIRED"
    if not decision.pending:
        return "PROPOSAL_NOT_PENDING"
    return "" if by in decision.voters else "NOT_PROPOSAL_RECIPIENT"


# what is told


def shown(house: House, event: DecisionEvent, reader: str) -> bytes | None:
    """A step of a proposal, to both of its parties; other decisions are told in the room's own words."""
    decision, answer = event.decision, event.answer
    if decision.rule != RECIPIENT or reader not in (decision.by, *decision.voters):
        return None
    at = milliseconds(event.timestamp)
    if event.action is DecisionAction.OPENED:
        return words.frame("PROPOSAL", at, **_proposal(house, decision))
    if answer is None or decision.state not in _TOLD:
        return None
    fields = {"proposal_id": decision.id, "status": str(decision.state), "updated_at": at}
    sig = answer.signed.signature if answer.signed else None
    return words.frame(_TOLD[decision.state], at, **fields, **_answer(house, decision.state, answer, at), sig=sig)


_TOLD = {S.ACCEPTED: "ACCEPT", S.REJECTED: "REJECT", S.COMPLETED: "COMPLETE", S.DISPUTED: "DISPUTE"}


def _proposal(house: House, decision: Decision) -> dict[str, Any]:
    details = decision.details or {}
    return {
        "id": decision.id,
        "from": names.at(house, decision.by),
        "to": names.at(house, decision.voters[0]),
        "task": details.get("task", decision.question),
        **{name: details.get(name) for name in ("amount", "currency", "payment_code", "terms")},
        "expires": milliseconds(decision.expires) or None,
        "status": str(decision.state),
        "created_at": milliseconds(decision.at),
        "sig": decision.signed.signature if decision.signed else None,
    }


def _answer(house: House, state: DecisionState, answer: Given, at: int) -> dict[str, Any]:
    details, by = answer.details or {}, names.at(house, answer.by)
    match state:
        case S.ACCEPTED:
            return {"payment_code": details.get("payment_code")}
        case S.REJECTED:
            return {"reason": answer.reason or None}
        case S.COMPLETED:
            return {"completed_by": by, "completed_at": at, "proof": details.get("proof", answer.reason or None)}
    return {"disputed_by": by, "disputed_at": at, "reason": answer.reason}


def told_in_frames(house: House, message: Message) -> bool:
    """The room's own words about a step that a frame tells already; of an end by time there is no frame."""
    if not message.recipients:
        return False
    about = (message.seq, message.reply_to)
    found = next((one for one in house.decisions.values() if one.rule == RECIPIENT and one.asked in about), None)
    return found is not None and found.state not in (S.EXPIRED, S.CANCELLED)
