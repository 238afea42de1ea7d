"""Agents that are known by a rules file alone: where it is found, and what it makes of the file."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from sidecar.agents import REGISTRY, agent_for, load_agent_file
from sidecar.agents.adapter.adapter import LaunchContext, RunningAgent
from sidecar.errors import BadRules, SidecarError
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from tests.sidecar.capabilities import transcript_of

MARKS = "[marks]\nprompt = '^mine> $'\n"
BOX = """
[box]
marks = ">"
[[rules]]
name = "a"
region = "box"
says = "idle"
regex = '^>'
[[rules]]
name = "b"
region = "below"
says = "busy"
regex = '^works'
[[rules]]
name = "c"
region = "dialog"
says = "asking"
regex = '^Sure'
"""
TITLE = "[[rules]]\nname = 'd'\nregion = 'title'\nsays = 'idle'\nregex = 'x'\n"
TRANSCRIPT = """
[transcript]
file = "{home}/talks/*.jsonl"
[[transcript.lines]]
is = "prompt"
where = { type = "user", "meta.hidden" = false }
text = "message.content"
turn = "id"
[[transcript.lines]]
is = "answer"
where = { type = "assistant" }
text = "message.content"
"""


def written(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / "rules" / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'agent = "{name}"\n{text}')
    return path


def place(folder: Path) -> LaunchContext:
    return LaunchContext(folder / "shop", folder / "private", "http://127.0.0.1:1/x", "id-1", {"HOME": str(folder)})


def test_a_named_agent_is_found_in_the_state_folder_then_in_the_project(tmp_path: Path) -> None:
    state, project = tmp_path / "state", tmp_path / "project"
    theirs = written(project, MARKS)
    assert agent_for((), "mine", state, project).rules.origin == str(theirs)
    own = written(state, MARKS)
    assert agent_for((), "mine", state, project).rules.origin == str(own)
    assert agent_for((), str(theirs), state).rules.origin == str(theirs)


def test_a_file_of_the_project_never_takes_the_place_of_a_known_agent_and_recognises_no_command(
    tmp_path: Path,
) -> None:
    written(tmp_path, MARKS.replace("mine", "x"), "claude")
    written(tmp_path, MARKS + "[launch]\nprograms = ['bash']")
    assert agent_for(("claude",), "claude", None, tmp_path) is REGISTRY["claude"]
    assert agent_for(("bash",), None, None, tmp_path) is REGISTRY["generic"]


def test_the_users_own_file_recognises_its_programs(tmp_path: Path) -> None:
    written(tmp_path, MARKS + "[launch]\ncommand = '/opt/mine --fast'")
    written(tmp_path, "with faults", "other")
    assert agent_for(("mine", "x"), None, tmp_path).name == "mine"
    assert agent_for(("bash",), None, tmp_path).name == "generic"


def test_an_agent_without_a_file_is_told_where_one_would_be(tmp_path: Path) -> None:
    with pytest.raises(SidecarError, match=f"needs a rules file, {tmp_path}/rules/mine.toml"):
        agent_for((), "mine", tmp_path)
    written(tmp_path, "colour = 1\n" + MARKS)
    with pytest.raises(BadRules, match="line 2: `colour` is not known"):
        agent_for((), "mine", tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MARKS, (0.4, b"\x03", False, b"\r")),
        (BOX, (1.0, b"\x1b", True, b"\r")),
        (BOX + TITLE, (None, b"\x1b", True, b"\r")),
        ("silence = 0\n" + MARKS, (None, b"\x03", False, b"\r")),
        (MARKS + "[submit]\nkey = 'tab'\ninterrupt = 'escape'\nechoes = true", (0.4, b"\x1b", True, b"\t")),
    ],
)
def test_what_the_file_leaves_out(tmp_path: Path, text: str, expected: tuple[object, ...]) -> None:
    agent = load_agent_file(written(tmp_path, text))
    assert (agent.silence, agent.interrupt.key, agent.submit.echoes, agent.submit.key) == expected


def test_names_in_the_files_own_command_are_filled_in_and_in_no_other(tmp_path: Path) -> None:
    launch = """[launch]
command = "mine --id {session} {project}"
resume = ["mine", "--again", "{session}"]
environment = { LOG = "{private}/log" }
files = { "{private}/hooks.json" = '{ "on": "{hook}" }' }
[hooks]
style = "claude"
"""
    launching = load_agent_file(written(tmp_path, MARKS + launch)).launching
    plan = launching.launch(launching.command, place(tmp_path))
    assert plan.command == ("mine", "--id", "id-1", str(tmp_path / "shop"))
    assert (plan.session, plan.env["LOG"]) == ("id-1", str(tmp_path / "private" / "log"))
    assert plan.files[tmp_path / "private" / "hooks.json"].startswith('{ "on": "/bin/sh -c ')
    again = launching.resumed(launching.command, "id-1")
    assert again == ("mine", "--again", "{session}")
    assert launching.launch(again or (), place(tmp_path)).command == ("mine", "--again", "id-1")
    assert launching.launch(("mine", "{session}"), place(tmp_path)).command == ("mine", "{session}")
    assert launching.resumed(("mine", "x"), "id-1") is None


@pytest.mark.parametrize(
    ("entry", "fact"),
    [
        (
            {"type": "user", "meta": {"hidden": False}, "message": {"content": "hi"}, "id": 7},
            TurnFact(TurnFactKind.PROMPT, "hi", "7", EvidenceSource.TRANSCRIPT),
        ),
        ({"type": "user", "meta": {"hidden": True}, "message": {"content": "hi"}}, None),
        (
            {"type": "assistant", "message": {"content": [{"text": "a"}, {"image": 1}, "b"]}},
            TurnFact(TurnFactKind.ANSWER, "ab", "", EvidenceSource.TRANSCRIPT),
        ),
        ({"type": "assistant", "message": 3}, TurnFact(TurnFactKind.ANSWER, source=EvidenceSource.TRANSCRIPT)),
        ({}, None),
    ],
)
def test_a_line_of_its_transcript(tmp_path: Path, entry: Mapping[str, object], fact: TurnFact | None) -> None:
    assert transcript_of(load_agent_file(written(tmp_path, MARKS + TRANSCRIPT))).line(entry) == fact


def test_its_transcript_is_the_newest_file_of_this_run(tmp_path: Path) -> None:
    talks = tmp_path / "talks"
    talks.mkdir()
    old, new, other = talks / "b.jsonl", talks / "a.jsonl", talks / "c.txt"
    old.touch()
    adapter = load_agent_file(written(tmp_path, MARKS + TRANSCRIPT))
    adapter.launching.launch(adapter.launching.command, place(tmp_path))
    find, started = transcript_of(adapter).find, 1_000_000.0
    for number, path in enumerate((old, new, other)):
        path.touch()
        os.utime(path, (started + number, started + number))
    found = find(RunningAgent(place(tmp_path), 1, started))
    assert found is not None and (found.path, found.fresh) == (new, True)
    os.utime(old, (started + 5, started + 5))  # a conversation that was resumed
    found = find(RunningAgent(place(tmp_path), 1, started))
    assert found is not None and (found.path, found.fresh) == (old, False)
    assert find(RunningAgent(place(tmp_path), 1, started + 60)) is None
