"""`groupchat context` as a person and a script use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.requests.shared_document_files import template_names
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """One gateway for the whole file, because each command already takes half a second."""
    process = GatewayProcess(tmp_path_factory.mktemp("context") / "state")
    with process.running():
        yield process


@pytest.fixture
def groupchat(process: GatewayProcess) -> Groupchat:
    return Groupchat(process.state, quick=True)


def test_push_merge_diff_pull_and_history(groupchat: Groupchat, tmp_path: Path) -> None:
    file = tmp_path / "notes.json"
    file.write_text('{"goal": "ship it", "done": ["a"]}')
    pushed = groupchat("context", "push", "notes", str(file))
    assert (pushed.code, pushed.out, pushed.err) == (0, "'notes' of #general has version 1 (31 bytes).\n", "")
    merged = groupchat("context", "merge", "notes", "-", "--json", given='{"done": ["a", "b"]}').json
    assert (merged["version"], merged["scope"]) == (2, "#general")
    assert groupchat("context", "diff", "notes", str(file)).out == '- done[]: "b"\n'
    told = groupchat("context", "diff", "notes", str(file), "--json").json
    assert (told["same"], told["version"], told["differences"][0]["path"]) == (False, 2, "done[]")
    assert "The same as version 1" in groupchat("context", "diff", "notes", str(file), "--version", "1").out
    out = tmp_path / "out.json"
    assert "Version 2" in groupchat("context", "pull", "notes", str(out)).out
    assert json.loads(out.read_text()) == {"goal": "ship it", "done": ["a", "b"]}
    assert groupchat("context", "pull", "notes", "--version", "1").json == {"goal": "ship it", "done": ["a"]}
    first, second = groupchat("context", "history", "notes").out.splitlines()
    assert ("alice  put" in first, 'alice  merge  {"done": ["a", "b"]}' in second) == (True, True)
    assert [one["version"] for one in groupchat("context", "history", "notes", "--json").json["changes"]] == [2, 1]


@pytest.mark.parametrize("name", ["coder", "planner", "researcher"])
def test_a_template(groupchat: Groupchat, name: str) -> None:
    made = groupchat("context", "push", name, "--template", name, "--member", "alice", "--version", "0")
    assert (made.code, made.err) == (0, "")
    document = groupchat("context", "pull", name, "--member", "@alice", "--json").json["document"]
    assert (document["role"], len(document["duties"])) == (name, 4)
    again = groupchat("context", "merge", name, "--template", name, "--member", "alice")
    assert "nothing was changed" in again.out
    assert template_names() == ["coder", "planner", "researcher"]


def test_list_and_delete(groupchat: Groupchat) -> None:
    groupchat("context", "push", "rules", "-", "--global", given="{}")
    listed = groupchat("context", "list", "--global", "--json").json["contexts"]
    assert [(one["scope"], one["name"], one["version"]) for one in listed] == [("global", "rules", 1)]
    assert "rules" in groupchat("context", "list").out
    assert groupchat("context", "delete", "rules", "--global").code == 0
    assert groupchat("context", "list", "--global", "--json").json["contexts"] == []
    assert groupchat("context", "list", "--global").out == "No shared documents.\n"


WRONG = [
    (("push", "x"), "", "bad_request", "Name a JSON file"),
    (("push", "x", "missing.json"), "", "bad_request", "missing.json cannot be read: No such file"),
    (("push", "x", "-"), "{", "bad_request", "Standard input is not JSON"),
    (("push", "x", "-"), "[1]", "bad_request", "holds no JSON object"),
    (("push", "x", "-"), '{"a": NaN}', "bad_request", "is not JSON"),
    (("push", "x", "-", "--template", "coder"), "{}", "bad_request", "not both"),
    (("push", "x", "--template", "poet"), "", "bad_request", "There are: coder, planner, researcher"),
    (("push", "x", "-", "--global", "--room", "lab"), "{}", "bad_request", "exclude each other"),
    (("push", "x", "-", "--room", "nowhere"), "{}", "unknown_room", "no room"),
    (("push", "x", "-", "--member", "clod"), "{}", "not_found", "clod"),
    (("push", "x", "-", "--version", "3"), "{}", "conflict", "no context"),
    (("push", "a b", "-"), "{}", "invalid_name", "is not a valid name"),
    (("push", "x", "-"), json.dumps({"a": "x" * 1024 * 1024}), "too_large", "maximum is 1048576"),
    (("pull", "x"), "", "not_found", "`groupchat context list`"),
]


@pytest.mark.parametrize(("words", "given", "code", "told"), WRONG, ids=range(len(WRONG)))
def test_errors_are_sentences(groupchat: Groupchat, words: tuple[str, ...], given: str, code: str, told: str) -> None:
    outcome = groupchat("context", *words, "--json", given=given)
    assert (outcome.code, outcome.out, outcome.error["code"]) == (1, "", code)
    assert told in outcome.error["message"]
