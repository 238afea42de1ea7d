"""What the first words of a command line mean, before any of our programs has been imported."""

from __future__ import annotations

import pytest
import typer.main

from controller.cli.verb_forwarding import FORWARDED, as_options
from gateway.command_line.command_index import command_index
from tests.support.command_tree import APPS


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ([], []),
        (["version"], ["--version"]),
        (["version", "x"], ["version", "x"]),
        (["help"], ["--help"]),
        (["help", "send"], ["send", "--help"]),
        (["help", "rooms", "invite"], ["rooms", "invite", "--help"]),
        (["help", "--json"], ["help", "--json"]),
        (["send", "help"], ["send", "help"]),
    ],
)
def test_help_and_version_may_be_verbs(words: list[str], meant: list[str]) -> None:
    assert as_options(words) == meant


def test_no_verb_of_ours_is_hidden_by_them() -> None:

    verbs = command_index(typer.main.get_command(APPS["controller"]))["verbs"]
    assert not {"help", "version"} & (set(verbs) | set(FORWARDED))
