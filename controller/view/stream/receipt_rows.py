"""Renders the receipts of a person's own message in one row, however many members it went to. Pure.

Up to three members are named each. More are summed up by what became of the message: "✓ 11 answered · gus held: busy".
Once all have answered, the row is quiet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from controller.view.text.row_types import Fragment, Row
from controller.view.text.text_rows import clean_for_screen, fit_row, fit_to_width, width_of_row
from gateway.protocol.text.receipt_text import brief_receipt_text, is_failure, receipt_text
from gateway.protocol.types.core_types import Rung, Step

MAX_NAMED_MEMBERS = 3
MAX_NAMES_OF_A_GROUP = 2
DIM, GOOD, BAD = "class:dim", "class:good", "class:bad"


class _Group(NamedTuple):
    """Members of whom the same is to be said."""

    order: int
    sign: str
    style: str
    text: str
    members: tuple[str, ...]


def receipt_rows(ladder: Mapping[str, Step], indent: int, width: int) -> list[Row]:
    room = max(1, width - indent)
    left = ("", " " * indent)
    return [(left, *_summary(ladder, room)), *((left, (DIM, one)) for one in _hints(ladder, room))]


def _summary(ladder: Mapping[str, Step], room: int) -> list[Fragment]:
    groups = _group_by_text(ladder)
    forms = [_named(ladder)] if len(ladder) <= MAX_NAMED_MEMBERS else []
    forms += [_summed(groups, MAX_NAMES_OF_A_GROUP), _summed(groups, 0)]
    fitting = next((one for one in forms if width_of_row(one) <= room), None)
    parts = fitting if fitting is not None else fit_row(forms[-1], room)
    if all(step.rung is Rung.ANSWERED for step in ladder.values()):
        return [(DIM, text) for _, text in parts]
    return parts


def _named(ladder: Mapping[str, Step]) -> list[Fragment]:
    parts: list[Fragment] = []
    for member, step in sorted(ladder.items()):
        _, sign, style = _weight(step)
        parts.append((style, clean_for_screen(f"{'  ' if parts else ''}{sign} {member} {receipt_text(step)}")))
    return parts


def _summed(groups: list[_Group], most_names: int) -> list[Fragment]:
    """The groups, of which those that have answered are first. The dot of a group serves as the one between two."""
    parts: list[Fragment] = []
    for one in groups:
        counted = len(one.members) > 1 and (one.style == GOOD or len(one.members) > most_names)
        who = str(len(one.members)) if counted else ", ".join(one.members)
        between, sign = " · " if parts else "", "" if parts and one.sign == "·" else f"{one.sign} "
        parts.append((one.style, clean_for_screen(f"{between}{sign}{who} {one.text}")))
    return parts


def _group_by_text(ladder: Mapping[str, Step]) -> list[_Group]:
    found: dict[tuple[int, str, str, str], list[str]] = {}
    for member, step in sorted(ladder.items()):
        found.setdefault((*_weight(step), brief_receipt_text(step)), []).append(member)
    return [_Group(*key, tuple(members)) for key, members in sorted(found.items(), key=lambda one: one[0][0])]


def _weight(step: Step) -> tuple[int, str, str]:
    """The place among the others, the sign, the style."""
    if step.rung is Rung.ANSWERED:
        return (0, "✓", GOOD)
    if is_failure(step):
        return (1, "✗", BAD)
    return (2 if step.rung is Rung.HELD else 3, "·", DIM)


def _hints(ladder: Mapping[str, Step], room: int) -> list[str]:
    """A hint for an urgent message that busy agents have postponed."""
    names = [member for member, step in sorted(ladder.items()) if step.rung is Rung.SUBMITTED and step.reason]
    if not names:
        return []
    words = (
        f"  /stop {names[0]} ends what it works on"
        if len(names) == 1
        else f"  /stop ends what they work on: {', '.join(names)}"
    )
    return [fit_to_width(clean_for_screen(words), room)]
