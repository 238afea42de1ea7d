"""AgentChat's proposals: decisions between two members, each step of them signed. Pure.

A proposal is a private decision with the rule `recipient`. A member of ours is asked in the chat, may answer there, and
AgentChat is told the answer too. Amounts of money are only text: nothing is paid.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.access.signatures import PublicKey
from gateway.decisions import decision_rules
from gateway.dialects.agentchat import frames, name_mapping
from gateway.dialects.agentchat.frames import InvalidProposal, SignatureRequired
from gateway.dialects.message_conversion import milliseconds
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import RuleOutcome
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, Conflict
from gateway.protocol.events import DecisionEvent, Message
from gateway.protocol.requests.request import MAX_DURATION_S
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import Signed
from gateway.protocol.types.decision_types import AnswerKind, Decision, DecisionAction, DecisionState, Given

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
RECIPIENT_RULE = "recipient"
PROPOSAL_ID_PREFIX = "prop_"
MAX_OPEN_PROPOSALS = 100
K, S = AnswerKind, DecisionState


# signed texts


def proposal_text(frame: frames.ProposeRequest) -> bytes:
    fields = (frame.to, frame.task, _javascript_text(frame.amount), frame.currency or "", frame.payment_code or "")
    return "|".join((*fields, _javascript_text(frame.expires))).encode()


def answer_text(frame: frames.ProposalAnswer) -> bytes:
    kind, said = _kind_and_word(frame)
    return f"{kind.upper()}|{frame.proposal_id}|{said or ''}".encode()


def _javascript_text(raw: msgspec.Raw) -> str:
    """The value as JavaScript converts it to a string; empty for a missing value and for 0."""
    value = _plain_value(raw)
    if isinstance(value, str):
        return value
    return bytes(raw).decode() if value else ""


def _plain_value(raw: msgspec.Raw) -> str | int | float | None:
    try:
        return msgspec.json.decode(raw, type=str | int | float | None)
    except msgspec.ValidationError:
        raise BadRequest("`amount` must be a number or text, and `expires` a number of seconds.") from None


def _kind_and_word(frame: frames.ProposalAnswer) -> tuple[AnswerKind, str | None]:
    match frame:
        case frames.AcceptRequest():
            return K.ACCEPT, frame.payment_code
        case frames.RejectRequest():
            return K.REJECT, frame.reason
        case frames.CompleteRequest():
            return K.COMPLETE, frame.proof
        case frames.DisputeRequest():
            return K.DISPUTE, frame.reason


def check_signature(key: PublicKey | None, signature: str | None, payload: bytes) -> Signed:
    if key is None:
        raise SignatureRequired(
            "Proposals and their answers need an identity with a key. Send IDENTIFY with a public key."
        )
    if not signature:
        raise SignatureRequired("Proposals and their answers must be signed. Add `sig`.")
    if not key.signed(payload, signature):
        raise InvalidProposal("INVALID_SIGNATURE")
    return Signed(base64.b64encode(payload).decode(), signature, key.pem)


# the rules


def new_proposal_id(now: float, noise: str) -> str:
    number, digits = int(now * 1000), ""
    while number:
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
    return f"{PROPOSAL_ID_PREFIX}{digits}_{noise}"


@dataclass(frozen=True)
class Meeting:
    """A room of which two are members, and the other one's name."""

    room: str
    member: str


def propose_decision(  # noqa: PLR0913, PLR0917 - who proposes what to whom, where
    state: GatewayState,
    by: str,
    to: Meeting,
    frame: frames.ProposeRequest,
    signed: Signed,
    rule_context: RuleContext,
    noise: str,
) -> RuleOutcome:
    if sum(1 for one in state.decisions.values() if one.by == by and not one.over) >= MAX_OPEN_PROPOSALS:
        raise Conflict(
            f"You have {MAX_OPEN_PROPOSALS} open or accepted proposals, which is the maximum. "
            "Complete some, or let them expire."
        )
    motion = decision_rules.NewDecision(
        room=to.room,
        question=_proposal_as_text(frame),
        rule=RECIPIENT_RULE,
        voters=(to.member,),
        private=True,
        expires_in=_expiry_seconds(frame.expires),
        id=new_proposal_id(rule_context.now, noise),
        details={
            "task": frame.task,
            "amount": _plain_value(frame.amount),
            "currency": frame.currency,
            "payment_code": frame.payment_code,
            "terms": frame.terms,
        },
        signed=signed,
    )
    _, facts = decision_rules.open_decision(state, by, motion, rule_context)
    return RuleOutcome(Done(facts[0].event.seq), facts)


def _proposal_as_text(frame: frames.ProposeRequest) -> str:
    """The task and the offer as text, for a reader who sees nothing else."""
    offer = " ".join(one for one in (_javascript_text(frame.amount), frame.currency or "") if one)
    said = (("offered", offer), ("payment code", frame.payment_code), ("terms", frame.terms))
    return "\n".join([frame.task, *(f"{name}: {text}" for name, text in said if text)])


def _expiry_seconds(raw: msgspec.Raw) -> float | None:
    value = _plain_value(raw)
    if isinstance(value, str) or (value and not 0 < value <= MAX_DURATION_S):
        raise BadRequest("`expires` must be a number of seconds from now, more than 0.")
    return float(value) if value else None


def answer_proposal(
    state: GatewayState, by: str, frame: frames.ProposalAnswer, signed: Signed, rule_context: RuleContext
) -> RuleOutcome:
    kind, said = _kind_and_word(frame)
    decision = state.decisions.get(frame.proposal_id)
    if decision is None or not _may_know(decision, by):
        raise InvalidProposal("PROPOSAL_NOT_FOUND")
    if cause := _refusal_cause(decision, by, kind, rule_context.now):
        raise InvalidProposal(cause)
    if (error := decision_rules.answer_refusal(state, decision, by, kind, rule_context.now)) is not None:
        raise error
    reason = said or "" if kind in (K.REJECT, K.DISPUTE) else ""
    details = {_DETAIL_FIELD[kind]: said} if kind in _DETAIL_FIELD else None
    given = Given(by, kind, rule_context.stamp, reason=reason, details=details, signed=signed)
    _, facts = decision_rules.add_answer(state, decision, given, rule_context)
    return RuleOutcome(Done(facts[0].event.seq), facts)


def _may_know(decision: Decision, by: str) -> bool:
    """Whether the member may know of the decision. Ids of this dialect cannot be guessed; those of other decisions can,
    and must not reveal what is between two others."""
    mine = decision.id.startswith(PROPOSAL_ID_PREFIX) or by in (decision.by, *decision.voters)
    return decision.rule == RECIPIENT_RULE and mine


_DETAIL_FIELD = {K.ACCEPT: "payment_code", K.COMPLETE: "proof"}


def _refusal_cause(decision: Decision, by: str, kind: AnswerKind, now: float) -> str:
    """Why this answer is refused, as a cause that existing clients know."""
    if kind in (K.COMPLETE, K.DISPUTE):
        if decision.state is not S.ACCEPTED:
            return "PROPOSAL_NOT_ACCEPTED"
        return "" if by in (decision.by, *decision.voters) else "NOT_PROPOSAL_PARTY"
    if decision.state is S.EXPIRED or (decision.pending and decision_rules.is_due(decision, now)):
        return "PROPOSAL_EXPIRED"
    if not decision.pending:
        return "PROPOSAL_NOT_PENDING"
    return "" if by in decision.voters else "NOT_PROPOSAL_RECIPIENT"


# frames for the parties


def proposal_frame_for(state: GatewayState, event: DecisionEvent, reader: str) -> bytes | None:
    """The frame of a proposal's step, for each of its parties; other decisions are announced by
    messages in the room."""
    decision, answer = event.decision, event.answer
    if decision.rule != RECIPIENT_RULE or reader not in (decision.by, *decision.voters):
        return None
    at = milliseconds(event.timestamp)
    if event.action is DecisionAction.OPENED:
        return frames.encode_reply("PROPOSAL", at, **_proposal_fields(state, decision))
    if answer is None or decision.state not in _FRAME_BY_STATE:
        return None
    fields = {"proposal_id": decision.id, "status": str(decision.state), "updated_at": at}
    sig = answer.signed.signature if answer.signed else None
    return frames.encode_reply(
        _FRAME_BY_STATE[decision.state], at, **fields, **_answer_fields(state, decision.state, answer, at), sig=sig
    )


_FRAME_BY_STATE = {S.ACCEPTED: "ACCEPT", S.REJECTED: "REJECT", S.COMPLETED: "COMPLETE", S.DISPUTED: "DISPUTE"}


def _proposal_fields(state: GatewayState, decision: Decision) -> dict[str, Any]:
    details = decision.details or {}
    return {
        "id": decision.id,
        "from": name_mapping.at_id(state, decision.by),
        "to": name_mapping.at_id(state, decision.voters[0]),
        "task": details.get("task", decision.question),
        **{name: details.get(name) for name in ("amount", "currency", "payment_code", "terms")},
        "expires": milliseconds(decision.expires) or None,
        "status": str(decision.state),
        "created_at": milliseconds(decision.at),
        "sig": decision.signed.signature if decision.signed else None,
    }


def _answer_fields(gateway_state: GatewayState, state: DecisionState, answer: Given, at: int) -> dict[str, Any]:
    details, by = answer.details or {}, name_mapping.at_id(gateway_state, answer.by)
    match state:
        case S.ACCEPTED:
            return {"payment_code": details.get("payment_code")}
        case S.REJECTED:
            return {"reason": answer.reason or None}
        case S.COMPLETED:
            return {"completed_by": by, "completed_at": at, "proof": details.get("proof", answer.reason or None)}
    return {"disputed_by": by, "disputed_at": at, "reason": answer.reason}


def is_told_in_frames(state: GatewayState, message: Message) -> bool:
    """Whether a frame announces the same step as this message of the gateway. An expiry has no frame."""
    if not message.recipients:
        return False
    about = (message.seq, message.reply_to)
    found = next((one for one in state.decisions.values() if one.rule == RECIPIENT_RULE and one.asked in about), None)
    return found is not None and found.state not in (S.EXPIRED, S.CANCELLED)
