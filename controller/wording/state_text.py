"""Member states in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.protocol.events import MemberView
from gateway.protocol.types.agent_conditions import HOLDING_KINDS, Condition, ConditionKind, condition_text
from gateway.protocol.types.core_types import Activity, Composer, Presence

_SEPARATOR = " · "


@dataclass(frozen=True)
class BorderText:
    """The text in the border of an agent's pane."""

    title: str
    words: str

    def first(self, count: int) -> str:
        """The most important parts of the words."""
        return _SEPARATOR.join(self.words.split(_SEPARATOR)[:count])


def border_text(member: MemberView, *, away: bool) -> BorderText:
    """The text for the border. While the gateway is away, an agent's state is unknown."""
    return BorderText(title_with_role(member.name, member.role), "" if away else state_text(member))


def title_with_role(name: str, role: str | None) -> str:
    return f"{name} ({role})" if role else name


def state_text(member: MemberView) -> str:
    """The member's state in few words, the most important first: where they do not all fit, the last ones are left
    out."""
    if member.presence is not Presence.ONLINE and member.activity is not Activity.STARTING:
        words = [str(member.presence)]
    else:
        words = [_activity_word(member)]
        if member.condition is not None:
            words = _with_condition(words[0], member.condition)
    if member.paused:
        words.append("paused")
    if member.queued:
        words.append(f"{member.queued} waiting")
    if member.composer is Composer.DRAFT:
        words.append("draft")
    if member.hops_left is not None:
        words.append(f"{member.hops_left} hop{'' if member.hops_left == 1 else 's'} left")
    return _SEPARATOR.join(words)


def _activity_word(member: MemberView) -> str:
    """An agent whose screen is not understood is `unknown`, and not merely here: nothing is typed into it. A person,
    and a program without a sidecar, has no activity."""
    if member.activity is not Activity.UNKNOWN:
        return str(member.activity)
    return "unknown" if member.since else "online"


def holding_condition(member: MemberView) -> ConditionKind | None:
    """Why its vendor gives it no answers now, so that its messages wait. A dialog, or work, tells more."""
    if member.condition is None or member.activity in (Activity.ASKING, Activity.BUSY):
        return None
    return member.condition.kind if member.condition.kind in HOLDING_KINDS else None


def _with_condition(activity: str, condition: Condition) -> list[str]:
    """A limit, or a missing login, tells more than that the agent is idle or shows an error; it goes first, because the
    rest may be cut."""
    text = condition_text(condition)
    if condition.kind in HOLDING_KINDS:
        return [text] if activity in ("idle", "error") else [text, activity]
    return [activity, text]


def state_text_within(member: MemberView, columns: int) -> str:
    """As much of the state as fits in whole words; at least what the member does."""
    parts = state_text(member).split(_SEPARATOR)
    fitting = (_SEPARATOR.join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((text for text in fitting if len(text) <= columns), parts[0])
