"""Derives evidence from keys before the agent shows it: a prompt was submitted, a question was answered. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.protocol.types.core_types import Activity
from sidecar.activity.activity_verdict import ActivityClaim
from sidecar.evidence.turn_evidence import EvidenceSource
from sidecar.screen.rules import Dialog

SUBMIT_COUNTS_S = 1.0
GONE_COUNTS_S = 0.4
NOT_TAKEN_YET_S = 0.3
NOT_NOTICED_YET_S = 5.0
ANSWER_COUNTS_S = 0.3
UNREAD_ANSWER_COUNTS_S = 0.25  # for a question that cannot be read: the next one may stand there already
_TURN_SOURCES = (EvidenceSource.VENDOR, EvidenceSource.HOOK)
_ENTER_KEY = re.compile(rb"\r|\x1b\[13u")
_CHOICE_KEY = re.compile(rb"[\r1-9y]|\x1b\[13u")


def is_submit_key(pressed: bytes, key: bytes) -> bool:
    """Whether these keys submit the text in a composer."""
    return _ENTER_KEY.search(pressed) is not None or key in pressed


def is_choice_key(pressed: bytes) -> bool:
    """Whether this key may answer a question."""
    return _CHOICE_KEY.fullmatch(pressed) is not None


@dataclass(frozen=True)
class PressedAnswer:
    """A key that went into this question. Until the question changes, or for a moment, it counts as answered."""

    at: float
    dialog: Dialog | None

    def holds(self, dialog: Dialog | None, now: float) -> bool:
        unchanged = dialog is None or (self.dialog is not None and dialog.digest == self.dialog.digest)
        return unchanged and now < self.until(dialog) - 1e-6

    def until(self, dialog: Dialog | None) -> float:
        return self.at + (ANSWER_COUNTS_S if dialog is not None and dialog.text else UNREAD_ANSWER_COUNTS_S)


class KeyEvidence:
    def __init__(self) -> None:
        self._claim: ActivityClaim | None = None
        self._answer: PressedAnswer | None = None
        self._text = ""

    def mark_submitted(self, reason: str, text: str, now: float, keeps: float = SUBMIT_COUNTS_S) -> None:
        self._claim, self._text = _busy_claim(reason, now, keeps), text

    def standing(self, text: str, printed: float, now: float) -> None:
        """`text`: what the composer holds; `printed`: when the agent last printed. The time limit is suspended while a
        slow agent has not accepted the submitted text, and longer if it has not reacted at all."""
        if not self._claim or not self._text or text != self._text:
            return
        patience = NOT_NOTICED_YET_S if printed <= self._claim.since else NOT_TAKEN_YET_S
        if now - self._claim.since < patience:
            self._claim = replace(self._claim, renewed=now)

    def mark_answered(self, dialog: Dialog | None, now: float, *, starting: bool) -> None:
        """Work follows or, while the agent starts, more of the start."""
        self._answer = PressedAnswer(now, dialog)
        self._text = ""
        self._claim = None if starting else _busy_claim("a question was just answered", now, ANSWER_COUNTS_S)

    def with_claims(
        self, others: Mapping[EvidenceSource, ActivityClaim], dialog: Dialog | None, now: float
    ) -> tuple[dict[EvidenceSource, ActivityClaim], float | None]:
        """The claims that still count, with our own among them, and when that changes by itself."""
        claims = dict(others)
        if self._answer and not self._answer.holds(dialog, now):
            self._answer = None
        if answer := self._answer:
            claims = {source: one for source, one in claims.items() if not _is_answered(one, answer)}
        self._forget(claims, now)
        if self._claim:
            claims[EvidenceSource.KEYS] = self._claim
        return claims, self._answer.until(dialog) if self._answer else None

    def _forget(self, claims: Mapping[EvidenceSource, ActivityClaim], now: float) -> None:
        """The other sources know better once they have shown that work or a question has begun or ended."""
        mine = self._claim
        if mine and (not mine.fresh(now) or any(_has_begun_after(one, mine.since) for one in claims.values())):
            self._claim = None


def _busy_claim(reason: str, now: float, keeps: float) -> ActivityClaim:
    return ActivityClaim(EvidenceSource.KEYS, Activity.BUSY, reason, now, now, keeps)


def _is_answered(claim: ActivityClaim, answer: PressedAnswer) -> bool:
    return claim.says is Activity.ASKING and claim.since <= answer.at


def _has_begun_after(claim: ActivityClaim, when: float) -> bool:
    """A screen or a title may change for other reasons and be calm. A source that reports turns is reliable."""
    return claim.since > when and (claim.says is not Activity.IDLE or claim.source in _TURN_SOURCES)
