"""Where a collision is told."""

from __future__ import annotations

import pytest

from gateway.agent_control.file_collision_notices import collision_text, rooms_to_tell
from gateway.model.file_writes import EarlierWrite
from gateway.model.rule_context import RuleContext


@pytest.mark.parametrize(
    ("rooms", "others", "told"),
    [
        ({"general"}, {"general"}, ("general",)),
        ({"general", "lab"}, {"lab"}, ("lab",)),
        ({"a", "general", "lab"}, {"a", "general"}, ("general",)),
        ({"lab"}, {"shed"}, ("lab", "shed")),
        ({"lab"}, set(), ("lab",)),
        (set(), set(), ()),
    ],
)
def test_in_one_room_of_both_or_in_one_of_each(rooms: set[str], others: set[str], told: tuple[str, ...]) -> None:
    assert rooms_to_tell(rooms, others) == told


@pytest.mark.parametrize(
    ("seconds", "ago"), [(0, "1 minute before"), (100, "2 minutes before"), (599, "10 minutes before")]
)
def test_the_line_names_both_the_file_and_the_time(seconds: float, ago: str) -> None:
    text = collision_text("ben", "src/a.py", EarlierWrite("ada", 1e9), RuleContext(now=1e9 + seconds))
    assert text.startswith("ben has written src/a.py, which ada wrote ") and ago in text
