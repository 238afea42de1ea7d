"""Delivery steps and member states in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.protocol.delivery_reasons import EndCause, cause_of
from gateway.protocol.events import MemberView
from gateway.protocol.types import Activity, Composer, Presence, Rung, Step

_TEXT_BY_RUNG = {
    Rung.QUEUED: "queued",
    Rung.HELD: "held",
    Rung.TYPED: "typed",
    Rung.VERIFIED: "typed",
    Rung.UNVERIFIED: "typed",
    Rung.SUBMITTED: "submitted",
    Rung.ACCEPTED: "accepted",
    Rung.SEEN: "seen by the model",
    Rung.ANSWERED: "answered",
    Rung.FAILED: "failed",
    Rung.EXPIRED: "expired",
    Rung.CANCELLED: "cancelled",
}
BAD_RUNGS = {Rung.FAILED, Rung.EXPIRED}


def is_failure(step: Step) -> bool:
    """Whether the delivery failed. One that a person ended, by a key or a No, has not failed."""
    return step.rung in BAD_RUNGS and not is_ordered_end(step)


def is_ordered_end(step: Step) -> bool:
    return cause_of(step.rung, step.reason) in (EndCause.INTERRUPTED, EndCause.REFUSED)


def receipt_text(step: Step) -> str:
    words = _TEXT_BY_RUNG[step.rung]
    if is_ordered_end(step):
        return step.reason
    if step.reason and step.rung in (Rung.HELD, Rung.SUBMITTED, Rung.FAILED, Rung.CANCELLED):
        return f"{words} because {step.reason}" if step.rung is Rung.HELD else f"{words}: {step.reason}"
    return words


@dataclass(frozen=True)
class BorderText:
    """The text in the border of an agent's pane."""

    title: str
    words: str


def border_text(member: MemberView, *, away: bool) -> BorderText:
    """The text for the border. While the gateway is away, an agent's state is unknown."""
    return BorderText(title_with_role(member.name, member.role), "" if away else state_text(member))


def title_with_role(name: str, role: str | None) -> str:
    return f"{name} ({role})" if role else name


def state_text(member: MemberView) -> str:
    """The member's state in few words."""
    if member.presence is not Presence.ONLINE and member.activity is not Activity.STARTING:
        words = [str(member.presence)]
    else:
        words = [str(member.activity)] if member.activity is not Activity.UNKNOWN else ["online"]
    if member.composer is Composer.DRAFT:
        words.append("draft")
    if member.paused:
        words.append("paused")
    if member.hops_left is not None:
        words.append(f"{member.hops_left} hop{'' if member.hops_left == 1 else 's'} left")
    if member.queued:
        words.append(f"{member.queued} waiting")
    return " · ".join(words)
