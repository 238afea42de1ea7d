"""The table of rights as people read it in docs/rights.md, compared with the one that decides, cell by cell."""

from __future__ import annotations

import re
from itertools import product, takewhile
from pathlib import Path

import pytest

from gateway.access.operation_kinds import OperationKind
from gateway.access.permissions import ALLOWED_HOLDERS, Actor, Holder, Permission
from gateway.operations.operation_table import OPERATIONS
from gateway.protocol.errors import Forbidden
from gateway.protocol.types.core_types import MemberKind, Scope

PAGE = Path(__file__).parents[3] / "docs" / "rights.md"
MARKS = {"yes": True, "-": False}


def cells_of(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def rows_under(text: str, heading: str) -> list[str]:
    """The table that begins with this heading, line by line."""
    lines = text[text.index(heading) :].splitlines()
    return list(takewhile(lambda line: line.startswith("|"), lines))


def read_table(text: str) -> dict[tuple[str, str], bool]:
    head, _, *rows = rows_under(text, "| action |")
    _, *holders = cells_of(head)
    table: dict[tuple[str, str], bool] = {}
    for row in rows:
        action, *marks = cells_of(row)
        table.update({(action, holder): MARKS[mark] for holder, mark in zip(holders, marks, strict=True)})
    return table


TABLE = read_table(PAGE.read_text())


def test_the_page_has_a_cell_for_each_action_and_holder() -> None:
    assert set(TABLE) == {(str(action), str(holder)) for action, holder in product(Permission, Holder)}


@pytest.mark.parametrize(("action", "holder"), list(product(Permission, Holder)))
def test_the_page_tells_the_truth(action: Permission, holder: Holder) -> None:
    assert TABLE[action, holder] is (holder in ALLOWED_HOLDERS[action])


def test_each_action_is_explained() -> None:
    text = PAGE.read_text()
    explained = {"keys into a dialog": "*keys into a dialog*", "share own output": "Every member sets this for itself"}
    for action in Permission:
        assert explained.get(action, f"**{action}**") in text


KINDS = [(Actor(kind, kind), {Holder(str(kind))}) for kind in MemberKind]
READ_ONLY = [
    (Actor("x", kind, scopes, read_only=True), {Holder.READ_ONLY, *also})
    for kind in MemberKind
    for scopes, also in (
        (frozenset[Scope](), set[Holder]()),
        (frozenset({Scope.ADMIN, Scope.APPROVER}), set[Holder]()),
        (frozenset(Scope), {Holder.OBSERVER}),
    )
]
SCOPES = [(Actor("x", MemberKind.TOOL, frozenset({scope})), {Holder.TOOL, Holder(str(scope))}) for scope in Scope]
OTHERS = [
    (Actor("x", MemberKind.AGENT, frozenset(Scope)), {Holder.AGENT, Holder.OBSERVER, Holder.APPROVER, Holder.ADMIN}),
    (Actor("human", MemberKind.HUMAN, team=True), {Holder.TEAM}),
    (Actor("claude", MemberKind.AGENT, team=True), {Holder.TEAM}),
]


@pytest.mark.parametrize(("actor", "holders"), [*KINDS, *SCOPES, *OTHERS, *READ_ONLY])
def test_a_member_may_what_its_kind_or_one_of_its_scopes_may(actor: Actor, holders: set[Holder]) -> None:
    assert actor.holders() == holders
    for action in Permission:
        may = any(TABLE[action, holder] for holder in holders)
        assert actor.may(action) is may
        if may:
            actor.require(action)
        else:
            with pytest.raises(Forbidden, match=r"docs/rights\.md") as caught:
                actor.require(action)
            assert str(action) in caught.value.message


def test_the_limits_of_the_team_token() -> None:
    for action in (Permission.APPROVE, Permission.KEYS_INTO_DIALOG, Permission.ADMINISTER, Permission.RESTART):
        assert not TABLE[action, Holder.TEAM]
    assert TABLE[Permission.READ_DIRECT, Holder.TEAM], "its sockets see all chat"


def test_the_page_tells_what_each_operation_does() -> None:
    _, _, *rows = rows_under(PAGE.read_text(), "| an operation |")
    listed = {effect: re.findall(r"`([\w.]+)`", which) for effect, which in map(cells_of, rows)}
    declared = {
        str(effect): [one.request.__struct_config__.tag for one in OPERATIONS if one.effect is effect]
        for effect in OperationKind
    }
    assert listed == declared


def test_nobody_approves_by_being_of_a_kind() -> None:
    for kind in MemberKind:
        assert not Actor(kind, kind).may(Permission.APPROVE)
        assert not Actor(kind, kind, frozenset({Scope.ADMIN, Scope.OBSERVER})).may(Permission.APPROVE)


def test_the_id_of_a_token_is_no_part_of_who_somebody_is() -> None:
    assert Actor("a", MemberKind.TOOL, token="1") == Actor("a", MemberKind.TOOL, token="2")
