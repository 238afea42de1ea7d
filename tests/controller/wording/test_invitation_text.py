"""What an invitation did."""

from __future__ import annotations

import pytest

from controller.wording.invitation_text import invited_text


@pytest.mark.parametrize(
    ("names", "members", "words"),
    [
        (["ada"], {"ada"}, "ada is in lab."),
        (["ada", "ben"], {"ada", "ben"}, "ada, ben are in lab."),
        (["bob"], {"ada"}, "bob may join lab."),
        (["ada", "bob"], {"ada"}, "ada is in lab. bob may join lab."),
    ],
)
def test_who_is_in_and_who_may_join(names: list[str], members: set[str], words: str) -> None:
    assert invited_text("lab", names, members) == words
