"""The files for systemd and launchd, read again by programs that know their formats."""

from __future__ import annotations

import os
import plistlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.maintenance.service.service_files import GatewayService, launchd_list, service_name, systemd_unit
from gateway.protocol.errors import BadRequest

WORDS = [
    "plain",
    "two words",
    'a "quote"',
    "50%",
    "%h",
    "$HOME",
    "${HOME}",
    "back\\slash",
    "ünï",
    "",
    "'single'",
    "a;b",
]


def service(*words: str) -> GatewayService:
    return GatewayService("llm-groupchat", "/state of %me", ("/usr/bin/env", *words))


def words_of(unit: str) -> list[str]:
    """As systemd reads the command: quotes and backslashes, then `%%` and `$$`."""
    (line,) = re.findall("^ExecStart=(.*)$", unit, re.MULTILINE)
    quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', line)
    return [re.sub(r"\\(.)", r"\1", one).replace("%%", "%").replace("$$", "$") for one in quoted]


def test_every_word_of_the_command_arrives_as_it_is() -> None:
    unit = systemd_unit(service(*WORDS))
    assert words_of(unit) == ["/usr/bin/env", *WORDS]
    assert plistlib.loads(launchd_list(service(*WORDS)))["ProgramArguments"] == ["/usr/bin/env", *WORDS]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here.")
def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    unit = systemd_unit(service(*WORDS))
    assert faults_of(unit, tmp_path) == []
    assert any("whenever" in one for one in faults_of(unit.replace("=always", "=whenever"), tmp_path)), "it does look"


def faults_of(unit: str, folder: Path) -> list[str]:
    file = folder / "llm-groupchat.service"
    file.write_text(unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(file)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return [line for line in done.stderr.splitlines() if file.name in line or "failed" in line.lower()]


@pytest.mark.skipif(shutil.which("plutil") is None, reason="This is no Mac.")
def test_the_mac_finds_no_fault_in_the_list(tmp_path: Path) -> None:
    file = tmp_path / "llm-groupchat.plist"
    file.write_bytes(launchd_list(service(*WORDS)))
    assert subprocess.run(["plutil", "-lint", str(file)], check=False).returncode == 0


@pytest.mark.parametrize("word", ["a\nRestart=no", "a\0b", "\x1b[2J"])
def test_a_word_with_a_control_character_is_refused(word: str) -> None:
    with pytest.raises(BadRequest, match="control character"):
        service(word)


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ("/home/a/state", "llm-groupchat"),
        ("/home/a/Shop Nr. 1", "llm-groupchat-shop-nr-1-"),
        ("/", "llm-groupchat-"),
    ],
)
def test_each_state_folder_has_a_service_of_its_own(state: str, name: str) -> None:
    found = service_name(state, "/home/a/state")
    assert found == name or re.fullmatch(re.escape(name) + "[0-9a-f]{8}", found)
    other = service_name(f"/elsewhere{state}", "/home/a/state")
    assert other != found
