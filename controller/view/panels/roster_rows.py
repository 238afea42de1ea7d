"""Renders who is in the room and what each does: agents that ask first, then busy ones, then those at whose work nobody
has looked yet, then those with waiting messages. Pure.

With room enough an agent has two rows, another one while it uses a tool, and one where a vendor reads along; else one;
and if that is too much, the last row counts the rest. An agent that asks is always named or counted as one that asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controller.view.state.chat_state import ChatState
from controller.view.text.row_types import Fragment, Row
from controller.view.text.text_rows import clean_for_screen, fit_to_width, width_of, width_of_row
from controller.wording.key_text import KeyTrust, trust_sign
from controller.wording.member_state_text import (
    holding_condition,
    is_done,
    state_text_within,
    tool_fits,
    tool_within,
    vendor_text,
)
from gateway.protocol.events import MemberView
from gateway.protocol.types.core_types import Activity, Presence

_SIGN_BY_ACTIVITY = {
    Activity.STARTING: ("class:dim", "…"),
    Activity.IDLE: ("class:good", "●"),
    Activity.BUSY: ("class:busy", "◆"),
    Activity.ASKING: ("class:ask", "?"),
    Activity.ERROR: ("class:bad", "!"),
    Activity.GONE: ("class:dim", "✗"),
    Activity.UNKNOWN: ("class:bad", "~"),
}
_HELD: Fragment = ("class:bad", "◷")
_ABSENT: Fragment = ("class:dim", "○")
_DONE: Fragment = ("class:good", "✓")
_URGENCY = {Activity.ASKING: 0, Activity.ERROR: 1, Activity.BUSY: 2}
_FINISHED, _WAITING, _AT_REST, _AWAY = 3, 4, 5, 6


@dataclass(frozen=True)
class _RosterRow:
    """A row, or a part of the one row of a narrow pane, and whose it is."""

    row: Row = ()
    name: str = ""


def roster_rows(state: ChatState, width: int, height: int) -> list[Row]:
    """At most `height` rows."""
    return [one.row for one in _roster(state, width, height)]


def member_at(state: ChatState, width: int, height: int, row: int) -> str:
    """The member of this row; empty for a blank row, and for that which counts the rest."""
    rows = _roster(state, width, height)
    return rows[row].name if row < len(rows) else ""


def _roster(state: ChatState, width: int, height: int) -> list[_RosterRow]:
    asking = _asking_names(state)
    agents = _sorted_agents(state, asking)
    people = [one for one in state.others_here() if one.presence is Presence.ONLINE]
    persons = [_RosterRow(_person_row(one, state, width), one.name) for one in people]
    others = [*([_RosterRow()] if people else []), *persons]
    for rows_of in (_rows_with_tool, _two_rows):
        full = [_RosterRow(row, one.name) for one in agents for row in rows_of(one, state, asking, width)]
        if len(full) + len(others) <= height:
            return [*full, *others]
    tight = [*(_RosterRow(_one_row(one, state, asking, width), one.name) for one in agents), *persons]
    if len(tight) <= height:
        return tight
    kept = max(0, height - 1)
    rest: list[MemberView] = [*agents, *people][kept:]
    return [*tight[:kept], _RosterRow(_rest_row(rest, asking, width))][: max(0, height)]


def roster_line(state: ChatState, width: int) -> Row:
    """All agents on one row, for a narrow pane; those who do not fit are counted."""
    return tuple(fragment for part in _line_parts(state, width) for fragment in part.row)


def member_in_line_at(state: ChatState, width: int, column: int) -> str:
    """The agent at this column of the row; empty between them, and for what counts the rest."""
    end = 0
    for part in _line_parts(state, width):
        end += width_of_row(part.row)
        if column < end:
            return part.name
    return ""


def _line_parts(state: ChatState, width: int) -> list[_RosterRow]:
    asking = _asking_names(state)
    agents = _sorted_agents(state, asking)
    parts = [_RosterRow(_line_part(one, asking), one.name) for one in agents]
    for kept in range(len(parts), -1, -1):
        rest = agents[kept:]
        tail = [_RosterRow((("", f"{_rest_text(rest, asking)} "),))] if rest else []
        found = [*parts[:kept], *tail]
        if sum(width_of_row(one.row) for one in found) <= width:
            return found
    return [_RosterRow((("", fit_to_width(_rest_text(agents, asking), width)),))] if width > 0 else []


def _asking_names(state: ChatState) -> frozenset[str]:
    """Those with an open question, and those whose screen shows one."""
    shown = {one.name for one in state.agents() if one.activity is Activity.ASKING and _is_here(one)}
    return frozenset(shown | {one.member for one in state.open_asks()})


def _is_here(member: MemberView) -> bool:
    return member.presence is Presence.ONLINE


def _sorted_agents(state: ChatState, asking: frozenset[str]) -> list[MemberView]:
    return sorted(state.agents_here(), key=lambda one: (_urgency_of(one, asking), one.name))


def _urgency_of(member: MemberView, asking: frozenset[str]) -> int:
    if member.name in asking:
        return 0
    if not _is_here(member):
        return _AWAY
    if holding_condition(member):
        return _URGENCY[Activity.ERROR]
    if is_done(member):
        return _FINISHED
    return _URGENCY.get(member.activity, _WAITING if member.queued else _AT_REST)


def _sign_of(member: MemberView, asking: frozenset[str]) -> Fragment:
    if member.name in asking:
        return _SIGN_BY_ACTIVITY[Activity.ASKING]
    if not _is_here(member):
        return _ABSENT
    if holding_condition(member):
        return _HELD
    return _DONE if is_done(member) else _SIGN_BY_ACTIVITY[member.activity]


def _rows_with_tool(member: MemberView, state: ChatState, asking: frozenset[str], width: int) -> list[Row]:
    """Two rows, and further ones for the tool that finds no place in the second, and for the vendor."""
    tool = "" if tool_fits(member, width - 2) else tool_within(member, width - 2)
    further = (one for one in (tool, vendor_text(member)) if one)
    return [
        *_two_rows(member, state, asking, width),
        *((("class:dim", fit_to_width(f"  {one}", width)),) for one in further),
    ]


def _two_rows(member: MemberView, state: ChatState, asking: frozenset[str], width: int) -> list[Row]:
    name = fit_to_width(clean_for_screen(member.name), width - 2)
    role = clean_for_screen(f" {member.role}") if member.role else ""
    trust = _trust_part(member, state, width - 2 - width_of(name))
    first: Row = (
        _sign_of(member, asking),
        ("", " "),
        (state.names.style_of(member.name), name),
        *trust,
        ("class:dim", fit_to_width(role, width - 2 - width_of(name) - width_of_row(trust))),
    )
    return [first, (("class:dim", fit_to_width("  " + state_text_within(member, width - 2), width)),)]


def _one_row(member: MemberView, state: ChatState, asking: frozenset[str], width: int) -> Row:
    name = fit_to_width(clean_for_screen(member.name), width - 2)
    trust = _trust_part(member, state, width - 2 - width_of(name))
    columns = width - 2 - width_of(name) - width_of_row(trust)
    words = fit_to_width(f" {state_text_within(member, columns - 1)}", columns)
    return (
        _sign_of(member, asking),
        ("", " "),
        (state.names.style_of(member.name), name),
        *trust,
        ("class:dim", words),
    )


def _person_row(member: MemberView, state: ChatState, width: int) -> Row:
    name = fit_to_width(clean_for_screen(member.name), width - 2)
    trust = _trust_part(member, state, width - 2 - width_of(name))
    return (("class:dim", "  "), (state.names.style_of(member.name), name), *trust)


def _trust_part(member: MemberView, state: ChatState, columns: int) -> Row:
    """How far this machine trusts the member's key; nothing for a member without one."""
    sign = trust_sign(state.keys, member.name)
    if not sign or columns < 2:
        return ()
    usable = state.keys[member.name].trust
    style = "class:bad" if not usable.is_usable else "class:good" if usable is KeyTrust.VERIFIED else "class:dim"
    return ((style, f" {sign}"),)


def _rest_row(rest: Sequence[MemberView], asking: frozenset[str], width: int) -> Row:
    style = "class:ask" if any(one.name in asking for one in rest) else "class:dim"
    return ((style, fit_to_width(_rest_text(rest, asking), width)),)


def _rest_text(rest: Sequence[MemberView], asking: frozenset[str]) -> str:
    """`+3`, or `+3, 2 ask`."""
    count = sum(one.name in asking for one in rest)
    if not count:
        return f"+{len(rest)}"
    return f"+{len(rest)} ask" if count == len(rest) else f"+{len(rest)}, {count} ask"


def _line_part(member: MemberView, asking: frozenset[str]) -> Row:
    waiting = f"+{member.queued}" if member.queued else ""
    return (
        _sign_of(member, asking),
        ("", f" {clean_for_screen(member.name)}{'‖' if member.paused else ''}{waiting}  "),
    )
