"""The states of one delivery (its rungs): which may follow which, and which of them still need work.

Pure: no clock, no I/O.
"""

from __future__ import annotations

from gateway.protocol.errors import WrongRung
from gateway.protocol.types.core_types import Delivery, Rung, Step

R = Rung

_FAILED_RUNGS = frozenset({R.FAILED, R.EXPIRED, R.CANCELLED})
HANDED_OVER_RUNGS = frozenset({R.ACCEPTED, R.SEEN, R.ANSWERED})

NEXT_RUNGS: dict[Rung, frozenset[Rung]] = {
    R.QUEUED: frozenset(R) - {R.QUEUED},
    R.HELD: frozenset(R) - {R.QUEUED},
    R.TYPED: frozenset({R.HELD, R.VERIFIED, R.UNVERIFIED, R.SUBMITTED}) | HANDED_OVER_RUNGS | _FAILED_RUNGS,
    R.VERIFIED: frozenset({R.HELD, R.SUBMITTED}) | HANDED_OVER_RUNGS | _FAILED_RUNGS,
    R.UNVERIFIED: frozenset({R.HELD, R.SUBMITTED}) | HANDED_OVER_RUNGS | _FAILED_RUNGS,
    # Back to held only when the recipient's sidecar has proof that the agent did not consume the text.
    R.SUBMITTED: frozenset({R.HELD, R.FAILED}) | HANDED_OVER_RUNGS,
    R.ACCEPTED: frozenset({R.HELD, R.SEEN, R.ANSWERED, R.FAILED}),
    R.SEEN: frozenset({R.ANSWERED, R.FAILED}),
    R.ANSWERED: frozenset(),
    R.FAILED: frozenset({R.QUEUED}),
    R.EXPIRED: frozenset({R.QUEUED}),
    R.CANCELLED: frozenset({R.QUEUED}),
}

WAITING_RUNGS = frozenset({R.QUEUED, R.HELD})
OPEN_RUNGS = WAITING_RUNGS | {R.TYPED, R.VERIFIED, R.UNVERIFIED, R.SUBMITTED}
RETRIABLE_RUNGS = _FAILED_RUNGS


NORMAL_PRIORITY, HIGHEST_PRIORITY, RANKS_PER_URGENCY = 5, 10, 16


def rank(urgent: bool, priority: int) -> int:
    """The rank of a delivery, lowest first: urgent messages, then by priority."""
    return (0 if urgent else RANKS_PER_URGENCY) + HIGHEST_PRIORITY - priority


NORMAL_RANK = rank(False, NORMAL_PRIORITY)


def apply_steps(delivery: Delivery, steps: tuple[Step, ...]) -> Delivery:
    """The delivery after these steps. Raises an error that names the first step that cannot follow."""
    rung = delivery.rung
    for step in steps:
        if step.rung not in NEXT_RUNGS[rung]:
            raise WrongRung(
                f"Message {delivery.message} for {delivery.member} is {rung}: {step.rung} cannot follow. "
                f"Possible next states: {', '.join(sorted(NEXT_RUNGS[rung])) or 'none, because it is finished'}."
            )
        rung = step.rung
    last = steps[-1]
    return Delivery(delivery.message, delivery.member, rung, last.reason, last.at)


def is_repeated_report(delivery: Delivery, steps: tuple[Step, ...]) -> bool:
    """Whether a report is repeated because its answer was lost: its last step is the current one."""
    last = steps[-1]
    return delivery.rung is last.rung and delivery.reason == last.reason and delivery.rung is not R.HELD
