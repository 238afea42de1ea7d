"""Evidence and time in, what the agent is doing out, with the reasons. Pure.

Any source may say busy; a dialog vetoes everything; idle needs two sources that agree and have settled; what no rule
recognises is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.protocol.nouns import Activity, Composer
from sidecar.rules import Dialog
from sidecar.signals import Source

SETTLE = 0.05
OUTVOTED = 3.0


@dataclass(frozen=True)
class Claim:
    """What one source says now: since when without a break, when it was last renewed, and how long it keeps."""

    source: Source
    says: Activity
    reason: str
    since: float
    renewed: float
    keeps: float | None = None

    def fresh(self, now: float) -> bool:
        return self.keeps is None or now - self.renewed < self.keeps - 1e-6

    def settled(self, now: float, settle: float) -> bool:
        return now - self.since >= settle - 1e-6


@dataclass(frozen=True)
class Situation:
    claims: Mapping[Source, Claim] = field(default_factory=dict)
    alive: bool = True
    before: Activity = Activity.STARTING
    composer: Composer = Composer.UNKNOWN
    dialog: Dialog | None = None


@dataclass(frozen=True)
class Verdict:
    activity: Activity
    composer: Composer = Composer.UNKNOWN
    because: tuple[str, ...] = ()
    dialog: Dialog | None = None
    look_again: float | None = None


def judge(situation: Situation, now: float) -> Verdict:
    """The one answer. `look_again` is when time alone may change it."""
    if not situation.alive:
        return Verdict(Activity.GONE, Composer.HIDDEN, ("process: it has exited",))
    fresh = [claim for claim in situation.claims.values() if claim.fresh(now)]
    activity, because = _vote(fresh, situation, now)
    return Verdict(
        activity,
        situation.composer,
        tuple(f"{claim.source}: {claim.reason}" for claim in because),
        situation.dialog,
        _next_look(situation, now),
    )


def _vote(fresh: list[Claim], situation: Situation, now: float) -> tuple[Activity, list[Claim]]:
    asking = [claim for claim in fresh if claim.says is Activity.ASKING]
    if asking:
        return Activity.ASKING, asking
    calm = [claim for claim in fresh if claim.says in (Activity.IDLE, Activity.ERROR)]
    busy = [claim for claim in fresh if claim.says is Activity.BUSY and not _outvoted(claim, calm, now)]
    if busy:
        return Activity.BUSY, busy
    if _agreed(calm, now):
        wrong = [claim for claim in calm if claim.says is Activity.ERROR]
        return (Activity.ERROR, wrong) if wrong else (Activity.IDLE, calm)
    return _undecided(calm, situation.before), calm


def _undecided(calm: list[Claim], before: Activity) -> Activity:
    """Starting lasts until something is recognised; what is about to be idle stays what it was until it has settled."""
    settling = len({claim.source for claim in calm}) >= 2
    if before is Activity.STARTING or (settling and before is not Activity.ASKING):
        return before
    return Activity.UNKNOWN


def _agreed(calm: list[Claim], now: float) -> bool:
    sources = {claim.source for claim in calm}
    return len(sources) >= 2 and all(claim.settled(now, SETTLE) for claim in calm)


def _outvoted(busy: Claim, calm: list[Claim], now: float) -> bool:
    """Two sources that have said calm for long are believed against a third that got stuck."""
    return busy.settled(now, OUTVOTED) and sum(claim.settled(now, OUTVOTED) for claim in calm) >= 2


def _next_look(situation: Situation, now: float) -> float | None:
    times = []
    for claim in situation.claims.values():
        times += [claim.since + SETTLE, claim.since + OUTVOTED]
        if claim.keeps is not None:
            times.append(claim.renewed + claim.keeps)
    return min((time for time in times if time > now + 1e-6), default=None)
