"""Decides from evidence and time what the agent is doing, with the reasons. Pure.

Any source may say busy; two calm ones outvote it after a while. A dialog overrides everything. Idle needs two settled
sources that agree, one of them the screen. What no rule recognises is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.protocol.types.core_types import Activity, Composer
from sidecar.evidence.turn_evidence import EvidenceSource
from sidecar.screen.rules import Dialog

CALM_FOR_S = 0.008
OUTVOTED_AFTER_S = 3.0
CALM_ACTIVITIES = (Activity.IDLE, Activity.ERROR)
UNREAD_SCREEN = "screen: no rule matches it"


@dataclass(frozen=True)
class ActivityClaim:
    """What one source says now: since when without a break, when it was last renewed, and how long it stays valid."""

    source: EvidenceSource
    says: Activity
    reason: str
    since: float
    renewed: float
    keeps: float | None = None

    def fresh(self, now: float) -> bool:
        return self.keeps is None or now - self.renewed < self.keeps - 1e-6

    def settled(self, now: float, settle: float) -> bool:
        return now - self.since >= settle - 1e-6

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


@dataclass(frozen=True)
class ActivityInput:
    """`settle` is how long calm must have lasted: longer for a version that the rules were never tested on. `again` is
    when something besides the claims changes by itself."""

    claims: Mapping[EvidenceSource, ActivityClaim] = field(default_factory=dict)
    alive: bool = True
    before: Activity = Activity.STARTING
    composer: Composer = Composer.UNKNOWN
    dialog: Dialog | None = None
    settle: float = CALM_FOR_S
    again: float | None = None


@dataclass(frozen=True)
class Verdict:
    """`because` names the claims that decided, `sources` their sources. `against` names the claims that disagree."""

    activity: Activity
    composer: Composer = Composer.UNKNOWN
    because: tuple[str, ...] = ()
    dialog: Dialog | None = None
    look_again: float | None = None
    against: tuple[str, ...] = ()
    sources: frozenset[EvidenceSource] = frozenset()


def decide_activity(situation: ActivityInput, now: float) -> Verdict:
    """The verdict. `look_again` is when time alone may change it."""
    if not situation.alive:
        return Verdict(Activity.GONE, Composer.HIDDEN, ("process: it has exited",))
    fresh = [claim for claim in situation.claims.values() if claim.fresh(now)]
    activity, because = _vote(fresh, situation, now)
    unread = activity is Activity.UNKNOWN and all(claim.source is not EvidenceSource.SCREEN for claim in fresh)
    return Verdict(
        activity,
        situation.composer,
        (*((UNREAD_SCREEN,) if unread else ()), *map(str, because)),
        situation.dialog,
        _next_check_at(situation, now),
        tuple(str(claim) for claim in fresh if claim not in because and claim.says is not activity),
        frozenset(claim.source for claim in because),
    )


def _vote(fresh: list[ActivityClaim], situation: ActivityInput, now: float) -> tuple[Activity, list[ActivityClaim]]:
    heard = [claim for claim in fresh if not _is_outvoted(claim, fresh, now)]
    for says in (Activity.ASKING, Activity.BUSY):
        if found := [claim for claim in heard if claim.says is says]:
            return says, found
    if doubts := [claim for claim in heard if claim.says is Activity.UNKNOWN]:
        return _activity_until_settled([], situation.before), doubts
    calm = [claim for claim in heard if claim.says in CALM_ACTIVITIES]
    if _is_calm_agreed(calm, len(fresh) > len(heard), situation, now):
        wrong = [claim for claim in calm if claim.says is Activity.ERROR]
        return (Activity.ERROR, wrong) if wrong else (Activity.IDLE, calm)
    return _activity_until_settled(calm, situation.before), calm


def _activity_until_settled(calm: list[ActivityClaim], before: Activity) -> Activity:
    """The agent is starting until something is recognised. An agent about to become idle keeps its activity until the
    claims have settled."""
    settling = len(calm) >= 2 and any(claim.source is EvidenceSource.SCREEN for claim in calm)
    if before is Activity.STARTING or (settling and before is not Activity.ASKING):
        return before
    return Activity.UNKNOWN


def _is_calm_agreed(calm: list[ActivityClaim], outvoted: bool, situation: ActivityInput, now: float) -> bool:
    """An outvoted screen must still show where to type: under a dialog that no rule knows, the agent is not idle."""
    seen = any(claim.source is EvidenceSource.SCREEN for claim in calm)
    shown = outvoted and situation.composer in (Composer.EMPTY, Composer.DRAFT)
    return len(calm) >= 2 and (seen or shown) and all(claim.settled(now, situation.settle) for claim in calm)


def _is_outvoted(claim: ActivityClaim, fresh: list[ActivityClaim], now: float) -> bool:
    """Two sources that have been calm for long outvote a third that is stuck. A dialog on the screen is never
    outvoted."""
    if (
        claim.says in CALM_ACTIVITIES
        or claim.source is EvidenceSource.PROCESS
        or not claim.settled(now, OUTVOTED_AFTER_S)
    ):
        return False
    if claim.says is Activity.ASKING and claim.source is EvidenceSource.SCREEN:
        return False
    return sum(one.says in CALM_ACTIVITIES and one.settled(now, OUTVOTED_AFTER_S) for one in fresh) >= 2


def _next_check_at(situation: ActivityInput, now: float) -> float | None:
    times = [] if situation.again is None else [situation.again]
    for claim in situation.claims.values():
        times += [claim.since + situation.settle, claim.since + OUTVOTED_AFTER_S]
        if claim.keeps is not None:
            times.append(claim.renewed + claim.keeps)
    return min((time for time in times if time > now + 1e-6), default=None)
