"""What an empty chat shows."""

from __future__ import annotations

import pytest

from controller.view.stream.empty_room import agents_text, first_run_rows
from controller.view.text.text_rows import width_of
from gateway.protocol.events import MemberView
from gateway.protocol.types.core_types import Activity, Presence
from tests.controller.streams import agent

ADA, BEN = agent("ada"), agent("ben", Activity.STARTING)


@pytest.mark.parametrize("columns", [20, 60, 80, 120, 200])
def test_five_hints_fit_every_window(columns: int) -> None:
    rows = first_run_rows("general", [ADA, BEN], [ADA, BEN], columns)
    assert len(rows) <= 8  # the messages of 60x20 have more
    assert all(sum(width_of(text) for _, text in row) <= columns for row in rows)
    text = "\n".join("".join(part for _, part in row) for row in rows)
    if columns >= 60:
        for words in ("@ada hello", "/help or F1", "F2", "Ctrl-D", "Still starting: ben.", "what an agent asks"):
            assert words in text


@pytest.mark.parametrize(
    ("here", "known", "key"),
    [([BEN], [ADA, BEN], "@ben hello"), ([], [ADA, BEN], "/invite ada"), ([], [], "@claude hello")],
)
def test_only_an_agent_of_the_room_is_talked_to(here: list[MemberView], known: list[MemberView], key: str) -> None:
    assert first_run_rows("lab", here, known, 80)[1][0][1].strip() == key


@pytest.mark.parametrize(
    ("agents", "text"),
    [
        ([], "No agent is here yet."),
        ([ADA, agent("cleo")], "Ready: ada, cleo."),
        ([ADA, BEN], "Still starting: ben."),
        ([agent("ada", presence=Presence.AWAY)], "Still starting: ada."),
        ([ADA, agent("cleo", Activity.ASKING)], "cleo asks: F2 answers."),
    ],
)
def test_who_is_still_starting(agents: list[MemberView], text: str) -> None:
    assert agents_text(agents) == text
