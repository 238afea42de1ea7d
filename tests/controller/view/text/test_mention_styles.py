"""`@name` in a message has the colour of that member."""

from __future__ import annotations

import pytest

from controller.view.styles.name_styles import NameStyles
from controller.view.text.mention_styles import mark_mentions


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("ask @ada, please", [("class:name.0", "@ada")]),
        ("@Ada and @alice.", [("class:name.0", "@Ada"), ("class:me", "@alice")]),
        ("mail bob@ada or @@ada", []),
        ("@nobody here", []),
        ("@ada-2 is another", []),
        ("no name", []),
    ],
)
def test_only_names_of_members_are_coloured(text: str, marked: list[tuple[str, str]]) -> None:
    names = NameStyles()
    names.number(("ada",))
    row = mark_mentions((("", text),), "alice", ("ada", "alice"), names)
    assert "".join(part for _, part in row) == text
    assert [one for one in row if one[0]] == marked
