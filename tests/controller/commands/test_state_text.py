"""What is said of a member in few words, and what is left out first."""

from __future__ import annotations

import pytest

from controller.commands.state_text import BorderText, state_text, state_text_within
from gateway.protocol.events import MemberView
from gateway.protocol.types.core_types import Activity, Composer, MemberKind, Presence

BUSY = MemberView(
    "ada",
    MemberKind.AGENT,
    presence=Presence.ONLINE,
    activity=Activity.BUSY,
    composer=Composer.DRAFT,
    paused=True,
    queued=2,
    hops_left=1,
)
ALL = "busy · paused · 2 waiting · draft · 1 hop left"


def test_what_holds_messages_back_comes_before_what_may_do_so_later() -> None:
    assert state_text(BUSY) == ALL


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (len(ALL), ALL),
        (len(ALL) - 1, "busy · paused · 2 waiting · draft"),
        (30, "busy · paused · 2 waiting"),
        (24, "busy · paused"),
        (12, "busy"),
        (2, "busy"),
    ],
)
def test_words_are_left_out_whole(columns: int, words: str) -> None:
    assert state_text_within(BUSY, columns) == words


def test_a_border_has_shorter_forms() -> None:
    border = BorderText("ada", ALL)
    assert [border.first(count) for count in (1, 2, 9)] == ["busy", "busy · paused", ALL]
    assert BorderText("ada", "").first(1) == ""
