"""Member states in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.protocol.events import MemberView
from gateway.protocol.text.printable_text import printable_line
from gateway.protocol.types.agent_conditions import HOLDING_KINDS, Condition, ConditionKind, condition_text
from gateway.protocol.types.agent_work import short_tool_text, tool_text
from gateway.protocol.types.core_types import Activity, Composer, MemberKind, Presence

_SEPARATOR = " · "
DONE_WORD = "done"


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


def state_text(member: MemberView, tool: str = "") -> str:
    """The member's state in few words, the most important first: where they do not all fit, the last ones are left
    out. `tool` is what it works with, as it is to be shown."""
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
    if tool:
        words.append(tool)
    if member.composer is Composer.DRAFT:
        words.append("draft")
    if member.hops_left is not None:
        words.append(f"{member.hops_left} hop{'' if member.hops_left == 1 else 's'} left")
    return _SEPARATOR.join(words)


def vendor_text(member: MemberView) -> str:
    """Who reads what it reads, beside those who are in the room; empty for members that say nothing of it."""
    return f"read by {printable_line(member.vendor)}" if member.vendor else ""


def _activity_word(member: MemberView) -> str:
    """An agent of which nothing is understood is `unknown`, and not merely here: nothing is typed into it. A person,
    and a tool, has no activity. Where nobody has looked at what an idle agent has done, it is `done`."""
    if is_done(member):
        return DONE_WORD
    if member.activity is not Activity.UNKNOWN:
        return str(member.activity)
    return "unknown" if member.since or member.kind is MemberKind.AGENT else "online"


def is_done(member: MemberView) -> bool:
    """Whether it is idle after work at which no person has looked yet."""
    return member.done and member.activity is Activity.IDLE


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
        return [text] if activity in ("idle", DONE_WORD, "error") else [text, activity]
    return [activity, text]


def state_text_within(member: MemberView, columns: int) -> str:
    """As much of the state as fits in whole words; at least what the member does. The file that it works on is shown
    without its folders, where they do not fit."""
    whole, short = (printable_line(text_of(member.work)) for text_of in (tool_text, short_tool_text))
    parts = state_text(member, short).split(_SEPARATOR)
    shorter = (_SEPARATOR.join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((text for text in (state_text(member, whole), *shorter) if len(text) <= columns), parts[0])


def tool_within(member: MemberView, columns: int) -> str:
    """The tool and its file, without its folders where they do not fit; empty if it uses none."""
    whole, short = printable_line(tool_text(member.work)), printable_line(short_tool_text(member.work))
    return whole if len(whole) <= columns else short


def tool_fits(member: MemberView, columns: int) -> bool:
    """Whether `state_text_within` shows the tool."""
    tools = {printable_line(text_of(member.work)) for text_of in (tool_text, short_tool_text)}
    return not tools.isdisjoint(state_text_within(member, columns).split(_SEPARATOR))
