"""A team with encryption makes a key for each agent, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.requests.encryption.known_keys import read_known_keys
from controller.team.team import parse_team
from controller.team.toml_reader import TeamError
from controller.wording.key_text import KeyTrust
from controller.workspace.startup.agent_keys import make_agent_keys
from gateway.encryption.key_storage.key_files import encode_key_file, list_keys, store_key
from gateway.encryption.member_client.member_machine import open_member_machine
from gateway.encryption.member_keys.private_keys import draw_keys


def test_each_agent_gets_a_private_key_file_and_one_line_says_why_it_has_no_passphrase(tmp_path: Path) -> None:
    told: list[str] = []
    make_agent_keys(tmp_path, ["claude", "codex"], told.append)
    assert len(told) == 1
    assert told[0].startswith("keys were made for claude, codex, without a passphrase: nobody sits at a sidecar")
    for name in ("claude", "codex"):
        (key,) = list_keys(tmp_path, name)
        assert key.path.stat().st_mode & 0o777 == 0o600
        assert open_member_machine(tmp_path, name) is not None
        assert read_known_keys(tmp_path, "boss")[name].trust is KeyTrust.VERIFIED


def test_a_key_that_is_there_stays(tmp_path: Path) -> None:
    make_agent_keys(tmp_path, ["claude"], print)
    before = list_keys(tmp_path, "claude")[0].path.read_text()
    told: list[str] = []
    make_agent_keys(tmp_path, ["claude"], told.append)
    assert (told, [one.path.read_text() for one in list_keys(tmp_path, "claude")]) == ([], [before])


def test_a_key_with_a_passphrase_is_left_and_said(tmp_path: Path) -> None:
    store_key(tmp_path, encode_key_file(draw_keys("claude", 1_700_000_000), "correct horse"))
    told: list[str] = []
    make_agent_keys(tmp_path, ["claude"], told.append)
    (line,) = told
    assert line.startswith("claude cannot open what is sealed")


@pytest.mark.parametrize(("text", "wanted"), [("", False), ("encryption = true", True), ("encryption = false", False)])
def test_the_team_file_says_whether(text: str, wanted: bool) -> None:
    assert parse_team(text).encryption is wanted


def test_another_value_is_refused() -> None:
    with pytest.raises(TeamError, match="must be true or false"):
        parse_team('encryption = "yes"')
