"""What a decider tells its followers of each member that is in no log. Pure.

Times are sent as ages, because the clocks of two machines may differ.
"""

from __future__ import annotations

import math

import msgspec

from gateway.model.transient_member_state import LiveMember
from gateway.protocol.types.agent_conditions import Condition
from gateway.protocol.types.agent_work import UnseenResult, Work
from gateway.protocol.types.conversation_starts import ConversationStart
from gateway.protocol.types.core_types import Activity, Composer

NEVER = -math.inf


class LiveFacts(msgspec.Struct, frozen=True, array_like=True):
    """`elsewhere`: how many connections the member has at all gateways but the one that is told. Ages are in seconds;
    none where it has never been."""

    elsewhere: int
    heard: float | None
    lost: float | None
    expected: float | None
    since: float | None
    tells_activity: bool
    activity: Activity
    composer: Composer
    note: str
    folder: str
    condition: Condition | None
    work: Work | None
    unseen: UnseenResult
    conversation: ConversationStart | None
    told_limit: Condition | None
    told_return: tuple[str, float | None]


def live_facts_of(live: LiveMember, elsewhere: int, now: float) -> LiveFacts:
    return LiveFacts(
        elsewhere,
        _age(live.heard, now),
        _age(live.lost, now),
        _age(live.expected, now),
        _age(live.since, now),
        live.tells_activity,
        live.activity,
        live.composer,
        live.note,
        live.folder,
        live.condition,
        live.work,
        live.unseen,
        live.conversation,
        live.told_limit,
        (live.told_return[0], _age(live.told_return[1], now)),
    )


def take_facts(live: LiveMember, facts: LiveFacts, now: float) -> None:
    """A member's own connections here are known here best, and so is when it was last heard here."""
    live.elsewhere = facts.elsewhere
    live.heard = max(_moment(facts.heard, now), live.heard if live.connections else NEVER)
    live.lost, live.expected = _moment(facts.lost, now), _moment(facts.expected, now)
    if facts.activity is not live.activity:
        live.begin_activity(facts.activity, facts.note, _moment(facts.since, now))
    live.tells_activity = facts.tells_activity
    live.activity, live.composer, live.note = facts.activity, facts.composer, facts.note
    live.folder, live.condition = facts.folder, facts.condition
    live.work, live.unseen, live.conversation = facts.work, facts.unseen, facts.conversation
    live.told_limit = facts.told_limit
    live.told_return = (facts.told_return[0], _moment(facts.told_return[1], now))


def _age(moment: float, now: float) -> float | None:
    return round(now - moment, 3) if moment > NEVER else None


def _moment(age: float | None, now: float) -> float:
    return NEVER if age is None else now - age
