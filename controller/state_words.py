"""Where a delivery stands and what a member does, in words. Pure."""

from __future__ import annotations

from gateway.protocol.events import MemberView
from gateway.protocol.nouns import Activity, Composer, Presence, Rung, Step

_RUNG_WORDS = {
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
BAD = {Rung.FAILED, Rung.EXPIRED}


def receipt_words(step: Step) -> str:
    words = _RUNG_WORDS[step.rung]
    if step.reason and step.rung in (Rung.HELD, Rung.FAILED, Rung.CANCELLED):
        return f"{words} because {step.reason}" if step.rung is Rung.HELD else f"{words}: {step.reason}"
    return words


def state_words(member: MemberView) -> str:
    """What it is doing, in as few words as tell it."""
    if member.presence is not Presence.ONLINE and member.activity is not Activity.STARTING:
        words = [str(member.presence)]
    else:
        words = [str(member.activity)] if member.activity is not Activity.UNKNOWN else ["online"]
    if member.composer is Composer.DRAFT:
        words.append("draft")
    if member.paused:
        words.append("paused")
    if member.queued:
        words.append(f"{member.queued} waiting")
    return " · ".join(words)
