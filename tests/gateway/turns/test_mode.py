"""Modes as files: what they may say, and the sentence for what they may not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gateway.protocol.errors import BadRequest
from gateway.runtime.mode_files import built_in_modes, modes_with_team_folder, read_modes
from gateway.turns.mode import PLACEHOLDERS, fill_placeholders, parse_mode

GOOD = """
name = "standup"
about = "What everybody did."
topic = false

[[phase]]
name = "round"
who = "each"
tell = "Tell what you did, {speaker}."
"""


def test_those_that_come_with_the_gateway_can_all_be_read() -> None:
    assert len(built_in_modes()) == 7
    for mode in built_in_modes().values():
        assert mode.about and all(one.tell for one in mode.phases)


def test_a_team_adds_modes_and_replaces_some(tmp_path: Path) -> None:
    (tmp_path / "standup.toml").write_text(GOOD)
    (tmp_path / "mine.toml").write_text(GOOD.replace("standup", "debate"))
    (tmp_path / "notes.txt").write_text("no mode")
    found = modes_with_team_folder(tmp_path)
    assert set(found) == {*built_in_modes(), "standup"}
    assert [one.name for one in found["debate"].phases] == ["round"] and not found["standup"].topic
    assert modes_with_team_folder(None) == built_in_modes()


FAULTS: list[tuple[str, str, str]] = [
    ('name = "standup"', "name = 7", "name: Expected `str`, got `int`"),
    ('name = "standup"', 'name = "Stand up"', "name: 'Stand up' is not a valid name of a mode"),
    ('name = "standup"', 'name = "freeform"', "name: 'freeform' is not a valid name"),
    ("topic = false", "rounds = 0", "rounds: it must be between 1 and 100, not 0"),
    ("topic = false", "members = -1", "members: it must be"),
    ("topic = false", "topik = false", "unknown field `topik`"),
    ("topic = false", 'roles = ["each"]', "roles: 'each' is not a valid name of a role"),
    ('who = "each"', 'who = "judge"', "phase[0].who: 'judge' is not a speaker. Use one of each, others, picked"),
    ('who = "each"', "", "phase[0]: Object missing required field `who`"),
    (
        'who = "each"',
        'who = "each"\nagreed = "nowhere"',
        "phase[0].agreed: there is no phase 'nowhere'. Use one of round",
    ),
    ('who = "each"', 'who = "each"\ncolour = 1', "phase[0]: Object contains unknown field `colour`"),
    ("{speaker}", "{name}", "phase[0].tell: {name} is not a known placeholder. Use one of topic"),
    ('tell = "Tell what you did, {speaker}."', 'tell = " "', "phase[0].tell: the instruction to the speaker"),
    ("[[phase]]", "[phase]", "phase: Expected `array`, got `object`"),
    ('name = "round"', 'name = "end"', "phase[0].name: 'end' is not a valid name of a phase"),
    ("", "]", "cannot be read"),
]


@pytest.mark.parametrize(("good", "bad", "words"), FAULTS)
def test_a_bad_file_is_refused_with_its_name_and_the_key(tmp_path: Path, good: str, bad: str, words: str) -> None:
    file = tmp_path / "standup.toml"
    file.write_text(GOOD.replace(good, bad, 1) if good else GOOD + bad)
    with pytest.raises(BadRequest) as caught:
        read_modes(tmp_path)
    assert caught.value.message.startswith(f"{file}: ")
    assert words in caught.value.message


def test_other_files_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="is not a folder"):
        read_modes(tmp_path / "none")
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text(GOOD)
    with pytest.raises(BadRequest, match=r"b\.toml: key `name`: another file .* the mode 'standup'"):
        read_modes(tmp_path)
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadRequest, match=r"b\.toml: the file cannot be read"):
        read_modes(tmp_path)


def test_a_mode_has_phases() -> None:
    value: dict[str, Any] = {"name": "empty"}
    with pytest.raises(BadRequest, match="x: phase: it must be between 1 and 20, not 0"):
        parse_mode(value, "x")


def test_the_guide_shows_modes_as_they_are() -> None:
    page = (Path(__file__).parents[3] / "docs" / "guides" / "modes.md").read_text()
    block = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert block is not None
    mode = parse_mode(tomllib.loads(block[1]), "modes.md")
    assert [one.who for one in mode.phases] == ["each", "scribe"]
    rows = re.findall(r"^\| `([a-z-]+)` \|.*\| ([^|]*)\|$", page, re.MULTILINE)
    assert {name: tuple(re.findall(r"`([a-z]+)`", roles)) for name, roles in rows} == {
        name: mode.roles for name, mode in built_in_modes().items()
    }
    assert set(re.findall(r"`{(\w+)}`", page)) == set(PLACEHOLDERS)


def test_places_are_filled_once() -> None:
    assert fill_placeholders("{topic} {round} {other}", {"topic": "{round}", "round": "2"}) == "{round} 2 {other}"
