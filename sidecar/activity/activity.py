"""Evidence and time in, what the agent is doing out, with the reasons. Pure.

Any source may say busy; a dialog vetoes everything; idle needs two sources that agree and have settled, and one of them
is the screen; what no rule recognises is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.protocol.types import Activity, Composer
from sidecar.screen.evidence import Source
from sidecar.screen.rules import Dialog

SETTLE = 0.008
OUTVOTED = 3.0
CALM = (Activity.IDLE, Activity.ERROR)


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

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


@dataclass(frozen=True)
class Situation:
    """`settle` is how long calm must have stood: longer where the rules were never tried on this version. `again` is
    when something besides the claims changes by itself."""

    claims: Mapping[Source, Claim] = field(default_factory=dict)
    alive: bool = True
    before: Activity = Activity.STARTING
    composer: Composer = Composer.UNKNOWN
    dialog: Dialog | None = None
    settle: float = SETTLE
    again: float | None = None


@dataclass(frozen=True)
class Verdict:
    """`because` names the claims that decided, `sources` whose they are; `against` names those that say otherwise."""

    activity: Activity
    composer: Composer = Composer.UNKNOWN
    because: tuple[str, ...] = ()
    dialog: Dialog | None = None
    look_again: float | None = None
    against: tuple[str, ...] = ()
    sources: frozenset[Source] = frozenset()


def judge(situation: Situation, now: float) -> Verdict:
    """The one answer. `look_again` is when time alone may change it."""
    if not situation.alive:
        return Verdict(Activity.GONE, Composer.HIDDEN, ("process: it has exited",))
    fresh = [claim for claim in situation.claims.values() if claim.fresh(now)]
    activity, because = _vote(fresh, situation, now)
    return Verdict(
        activity,
        situation.composer,
        tuple(map(str, because)),
        situation.dialog,
        _next_look(situation, now),
        tuple(str(claim) for claim in fresh if claim not in because and claim.says is not activity),
        frozenset(claim.source for claim in because),
    )


def _vote(fresh: list[Claim], situation: Situation, now: float) -> tuple[Activity, list[Claim]]:
    heard = [claim for claim in fresh if not _outvoted(claim, fresh, now)]
    for says in (Activity.ASKING, Activity.BUSY):
        if found := [claim for claim in heard if claim.says is says]:
            return says, found
    if doubts := [claim for claim in heard if claim.says is Activity.UNKNOWN]:
        return _undecided([], situation.before), doubts
    calm = [claim for claim in heard if claim.says in CALM]
    if _agreed(calm, len(fresh) > len(heard), situation, now):
        wrong = [claim for claim in calm if claim.says is Activity.ERROR]
        return (Activity.ERROR, wrong) if wrong else (Activity.IDLE, calm)
    return _undecided(calm, situation.before), calm


def _undecided(calm: list[Claim], before: Activity) -> Activity:
    """Starting lasts until something is recognised; what is about to be idle stays what it was until it has settled."""
    settling = len(calm) >= 2 and any(claim.source is Source.SCREEN for claim in calm)
    if before is Activity.STARTING or (settling and before is not Activity.ASKING):
        return before
    return Activity.UNKNOWN


def _agreed(calm: list[Claim], outvoted: bool, situation: Situation, now: float) -> bool:
    """A screen that is outvoted still has to show where to type: what is under a dialog nobody knows is not idle."""
    seen = any(claim.source is Source.SCREEN for claim in calm)
    shown = outvoted and situation.composer in (Composer.EMPTY, Composer.DRAFT)
    return len(calm) >= 2 and (seen or shown) and all(claim.settled(now, situation.settle) for claim in calm)


def _outvoted(claim: Claim, fresh: list[Claim], now: float) -> bool:
    """Two sources that have said calm for long are believed against a third that got stuck; a dialog on the screen is
    never voted away."""
    if claim.says in CALM or claim.source is Source.PROCESS or not claim.settled(now, OUTVOTED):
        return False
    if claim.says is Activity.ASKING and claim.source is Source.SCREEN:
        return False
    return sum(one.says in CALM and one.settled(now, OUTVOTED) for one in fresh) >= 2


def _next_look(situation: Situation, now: float) -> float | None:
    times = [] if situation.again is None else [situation.again]
    for claim in situation.claims.values():
        times += [claim.since + situation.settle, claim.since + OUTVOTED]
        if claim.keeps is not None:
            times.append(claim.renewed + claim.keeps)
    return min((time for time in times if time > now + 1e-6), default=None)
