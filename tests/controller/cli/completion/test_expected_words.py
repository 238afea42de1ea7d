"""What may stand at a place of a command line."""

from __future__ import annotations

from typing import Any

import pytest
import typer.main

from controller.cli.completion.expected_words import KIND_BY_NAME, KIND_BY_PLACE, kind_of_parameter, wanted_at
from controller.cli.completion.value_lookups import LOOKUPS
from gateway.command_line.command_index import command_index
from tests.support.command_tree import APPS


@pytest.fixture(scope="module")
def index() -> dict[str, Any]:
    """The index of `groupchat`, and in it the verbs of the two other programs."""
    found = {name: command_index(typer.main.get_command(app)) for name, app in APPS.items()}
    others = found["gateway"]["verbs"] | found["sidecar"]["verbs"]
    return {**found["controller"], "verbs": {**found["controller"]["verbs"], **others}}


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("history --room ", "room"),
        ("history --from ", "member"),
        ("history --before ", "message"),
        ("history -n ", ""),
        ("send ", "address"),
        ("send @ada ", "address"),
        ("send --reply-to ", "message"),
        ("--gateway http://x send --room ", "room"),
        ("receipts ", "message"),
        ("receipts 5 ", ""),
        ("cancel ", "message"),
        ("cancel 5 ", "agent"),
        ("retry 5 ", "agent"),
        ("pause ", "agent"),
        ("stop ", "agent"),
        ("share ", "agent"),
        ("share ada ", "policy"),
        ("keys ada ", "key"),
        ("approve ", "ask"),
        ("approve ada ", "ask option"),
        ("deny ", "ask"),
        ("continue ", "agent or room"),
        ("mode ", "mode"),
        ("mode set ", "mode"),
        ("mode debate --room ", "room"),
        ("mode --room ", "room"),
        ("vote ", "decision"),
        ("decide ", "decision"),
        ("propose x --voter ", "member"),
        ("rooms --join ", "room"),
        ("rooms --create ", ""),
        ("rooms invite ", "room"),
        ("rooms invite lab ", "member"),
        ("members rm ", "member"),
        ("session show ", "session"),
        ("context pull ", "document"),
        ("context history main --before ", ""),
        ("transcript --since ", ""),
        ("transcript --thread ", "message"),
        ("listen --since ", "message"),
        ("why ", "agent"),
        ("join ada --agent ", "program"),
        ("add ada --agent ", "program"),
        ("skill ", "skill"),
        ("skill advisor --for ", "program with skills"),
        ("logs ", "log"),
        ("restart ", "pane"),
        ("attach ", "team"),
        ("down ", "team"),
        ("up --team ", ""),
        ("token revoke ", "member"),
        ("token create ", ""),
        ("explain ", "agent"),
        ("export ", "room"),
        ("join ada -- claude ", ""),
    ],
)
def test_the_kind_of_what_is_looked_up(index: dict[str, Any], line: str, kind: str) -> None:
    assert wanted_at(index, line.split(), "").kind == kind


@pytest.mark.parametrize(
    ("line", "incomplete", "words"),
    [
        ("", "", {"send", "history", "token", "join", "mode"}),
        ("token", "", {"create", "list", "revoke", "rotate"}),
        ("history", "--", {"--room", "--limit", "--json", "--state"}),
        ("token create x --kind", "", {"human", "agent", "tool"}),
        ("join x --restart", "", {"never", "crash", "always"}),
    ],
)
def test_the_words_that_are_known_already(index: dict[str, Any], line: str, incomplete: str, words: set[str]) -> None:
    assert words <= {one.word for one in wanted_at(index, line.split(), incomplete).candidates}


def test_each_kind_has_a_lookup() -> None:
    assert {*KIND_BY_NAME.values(), *KIND_BY_PLACE.values()} - {""} == set(LOOKUPS)


def test_each_place_exists(index: dict[str, Any]) -> None:
    for place in KIND_BY_PLACE:
        *path, name = place.split()
        node = index
        for verb in path:
            node = node["verbs"][verb]
        assert name in {one["name"] for one in [*node["arguments"], *node["options"]]}, place


def test_an_option_before_the_place_is_known(index: dict[str, Any]) -> None:
    wanted = wanted_at(index, ["history", "--room", "lab", "--before"], "")
    assert (wanted.kind, wanted.option("room"), wanted.option("state")) == ("message", "lab", "")


@pytest.mark.parametrize(("verb", "name", "kind"), [("up", "team", ""), ("down", "team", "team"), ("x", "name", "")])
def test_a_name_of_another_command_has_its_own_kind(verb: str, name: str, kind: str) -> None:
    assert kind_of_parameter((verb,), name) == kind
