"""What is kept on disk of an agent's conversations, and what a damaged or older file means."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import LaunchContext, LaunchMethod
from sidecar.conversation.conversation_file import (
    CONVERSATION_FILE,
    HISTORY_FILE,
    UNREADABLE_SUFFIX,
    iso_time,
    read_conversations,
)
from sidecar.conversation.conversation_recorder import ConversationKeeper
from sidecar.conversation.conversation_rules import NEVER_WRITTEN_TEXT, REPLACED_TEXT
from sidecar.conversation.start_choice import WantedStart

NOON = 1_796_040_000.0


class Vendor:
    """An agent whose vendor has the conversations `written`."""

    def __init__(self, folder: Path) -> None:
        self.written: set[str] = set()
        self.now = NOON
        self.private, self.project = folder / "private", folder / "shop"
        self.private.mkdir()
        self.project.mkdir()

    def keeper(self) -> ConversationKeeper:
        launching = LaunchMethod(is_written=lambda session, place: session in self.written)
        agent = replace(REGISTRY["claude"], launching=launching)
        return ConversationKeeper(agent, LaunchContext(self.project, self.private, "", "", {}), lambda: self.now)

    def has_turn(self, session: str) -> None:
        one = self.keeper()
        one.note_session(session)
        one.note_turn(session, is_written=session in self.written)

    def history(self) -> list[tuple[str, str]]:
        path = self.private / HISTORY_FILE
        lines = path.read_text().splitlines() if path.exists() else []
        return [(json.loads(line)["session"], json.loads(line)["why"]) for line in lines]

    def comes_back_to(self) -> str:
        return self.keeper().choose(WantedStart()).session


@pytest.fixture
def vendor(tmp_path: Path) -> Vendor:
    return Vendor(tmp_path)


def test_an_id_is_replaced_when_the_new_one_is_written_and_not_before(vendor: Vendor) -> None:
    vendor.written = {"old"}
    vendor.has_turn("old")
    vendor.has_turn("new")
    assert vendor.comes_back_to() == "old"
    assert vendor.history() == []
    vendor.written.add("new")
    assert vendor.comes_back_to() == "new", "it was killed before anybody saw it written"
    vendor.has_turn("new")
    assert vendor.history() == [("old", REPLACED_TEXT)]
    assert {path.stat().st_mode & 0o777 for path in vendor.private.iterdir()} == {0o600}


def test_a_turn_that_was_never_written_is_not_forgotten_silently(vendor: Vendor) -> None:
    vendor.has_turn("first")
    chosen = vendor.keeper().choose(WantedStart())
    assert (str(chosen.start), chosen.session, chosen.why) == ("lost", "first", NEVER_WRITTEN_TEXT)
    vendor.keeper().note_session("second")
    assert vendor.history() == [("first", NEVER_WRITTEN_TEXT)]


@pytest.mark.parametrize(
    ("text", "session"),
    [
        ('{"agent": "claude", "session": "of-an-earlier-version"}', "of-an-earlier-version"),
        ('{"agent": "codex", "session": "of-another-agent"}', ""),
        ('{"agent": "claude", "session": ""}', ""),
        ('{"projects": [{"agent": "claude", "project": "/else", "kept": {"session": "x"}}]}', ""),
        ('{"projects": []}', ""),
        ("{", ""),
        ("", ""),
        ('{"projects": [{"agent": 7}]}', ""),
    ],
)
def test_a_file_of_an_earlier_version_or_a_damaged_one(vendor: Vendor, text: str, session: str) -> None:
    (vendor.private / CONVERSATION_FILE).write_text(text)
    assert vendor.comes_back_to() == session


def test_a_damaged_file_is_put_aside(vendor: Vendor) -> None:
    (vendor.private / CONVERSATION_FILE).write_text('{"projects": [{"agent": "claude", "kept": {"session": "wanted"')
    vendor.keeper().note_session("new")
    assert "wanted" in (vendor.private / (CONVERSATION_FILE + UNREADABLE_SUFFIX)).read_text()
    assert [one.candidate.session for one in read_conversations(vendor.private) if one.candidate] == ["new"]


def test_other_projects_and_other_agents_keep_theirs(vendor: Vendor, tmp_path: Path) -> None:
    vendor.written = {"of-shop", "of-blog"}
    vendor.has_turn("of-shop")
    vendor.project = tmp_path / "blog"
    vendor.project.mkdir()
    assert vendor.comes_back_to() == ""
    vendor.has_turn("of-blog")
    vendor.project = tmp_path / "shop"
    assert vendor.comes_back_to() == "of-shop"
    assert vendor.history() == []


def test_a_moved_project_is_recognised_and_its_old_path_is_free(vendor: Vendor, tmp_path: Path) -> None:
    vendor.written = {"of-shop"}
    vendor.has_turn("of-shop")
    vendor.project = vendor.project.rename(tmp_path / "store")
    assert vendor.keeper().moved_from == str(tmp_path / "shop")
    vendor.has_turn("of-shop")
    assert vendor.keeper().moved_from == ""
    vendor.project = tmp_path / "shop"
    vendor.project.mkdir()
    assert vendor.comes_back_to() == ""


@pytest.mark.parametrize("seconds", [NOON - 86_400 * 365, NOON - 3600, 0.0])
def test_a_clock_that_is_set_back_changes_no_choice(vendor: Vendor, seconds: float) -> None:
    vendor.written = {"old", "new"}
    vendor.has_turn("old")
    vendor.now = seconds
    assert vendor.comes_back_to() == "old"
    vendor.has_turn("old")
    vendor.has_turn("new")
    assert vendor.comes_back_to() == "new"
    assert vendor.history() == [("old", REPLACED_TEXT)]


@pytest.mark.parametrize(
    ("seconds", "text"), [(NOON, "2026-11-30T12:00:00Z"), (0.0, ""), (12.0, ""), (float("inf"), ""), (-5.0, "")]
)
def test_a_time_that_no_clock_shows_is_left_out(seconds: float, text: str) -> None:
    assert iso_time(seconds) == text


def test_a_full_disk_stops_nothing(vendor: Vendor) -> None:
    (vendor.private / CONVERSATION_FILE).mkdir()
    vendor.has_turn("one")
    assert vendor.comes_back_to() == ""


def test_an_agent_that_reports_no_turns_is_kept_when_it_shows_itself(tmp_path: Path) -> None:
    place = LaunchContext(tmp_path, tmp_path, "", "", {})
    keeper = ConversationKeeper(REGISTRY["generic"], place)
    keeper.note_session("only")
    assert keeper.awaits_turn
    keeper.note_shown("only")
    assert not keeper.awaits_turn
    (known,) = read_conversations(tmp_path)
    assert known.kept is not None and known.kept.session == "only"
