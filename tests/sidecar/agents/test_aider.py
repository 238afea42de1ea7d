"""What the adapter of aider returns: its launch with an extension of ours; what its questions mean."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.protocol.types.core_types import AskAbout
from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import LaunchContext, LaunchPlan
from sidecar.evidence.turn_evidence import ToolUse
from tests.sidecar.capabilities import approvals_of, hooks_of

AIDER = REGISTRY["aider"]


def launched(command: str, **env: str) -> LaunchPlan:
    place = LaunchContext(Path("/home/a/shop"), Path("/private"), "http://127.0.0.1:1/secret", "s", env)
    return AIDER.launching.launch(command.split(), place)


def test_its_python_loads_the_extension_and_its_command_is_as_given() -> None:
    launch = launched("aider --model x a.py")
    assert launch.command == ("aider", "--model", "x", "a.py")
    assert launch.env == {"PYTHONPATH": "/private/aider"}
    assert set(map(str, launch.files)) == {
        "/private/aider/sitecustomize.py",
        "/private/aider/aider_extension.py",
        "/private/aider/run.json",
    }
    run = json.loads(launch.files[Path("/private/aider/run.json")])
    assert run == {"hooks": "http://127.0.0.1:1/secret", "file": "/private/aider-turns.jsonl"}
    assert launch.transcript == Path("/private/aider-turns.jsonl")


def test_modules_of_its_person_are_still_found() -> None:
    assert launched("aider", PYTHONPATH="/home/a/lib").env == {"PYTHONPATH": "/private/aider:/home/a/lib"}


@pytest.mark.parametrize("command", ["aider --version", "aider -m hi", "aider --message=hi", "aider --lint a.py"])
def test_what_is_no_chat_is_started_as_given(command: str) -> None:
    assert launched(command) == LaunchPlan(tuple(command.split()))


def test_no_conversation_is_resumed() -> None:
    assert AIDER.launching.resumed(["aider"], "s") is None


def question(text: str, subject: str) -> Mapping[str, object]:
    return {"hook_event_name": "question", "turn": "t", "question": text, "subject": subject}


@pytest.mark.parametrize(
    ("text", "subject", "detail", "about"),
    [
        ("Run shell command?", "touch made", "touch made", AskAbout.COMMAND),
        ("Run shell commands?", "cd a\nls", "cd a\nls", AskAbout.COMMAND),
        ("Add file to the chat?", "a.py", "a.py", AskAbout.PATH),
        ("Create new file?", "b.py", "b.py", AskAbout.PATH),
        ("Add URL to the chat?", "http://x.org", "http://x.org", AskAbout.TEXT),
        ("Attempt to fix lint errors?", "", "Attempt to fix lint errors?", AskAbout.TEXT),
    ],
)
def test_its_extension_decides_a_question(text: str, subject: str, detail: str, about: AskAbout) -> None:
    asked = approvals_of(AIDER).asked(question(text, subject))
    assert asked is not None and (asked.detail, asked.about) == (detail, about)
    assert (asked.decides, asked.complete, asked.words, asked.turn) == (True, True, False, "t")
    assert asked.question.startswith(text)


def test_a_decision_is_a_yes_or_no() -> None:
    decide = approvals_of(AIDER).decide
    assert decide is not None
    assert (decide(True, "alice", ""), decide(False, "alice", "")) == ({"reply": "y"}, {"reply": "n"})
    assert approvals_of(AIDER).asked({"hook_event_name": "idle"}) is None


def test_a_written_file_is_told() -> None:
    event = {
        "hook_event_name": "tool.ended",
        "tool_name": "edit",
        "tool_input": {"path": "/home/a/shop/a.py"},
        "cwd": "/home/a/shop",
    }
    assert hooks_of(AIDER).tool(event) == ToolUse("edit", ("/home/a/shop/a.py",), True, True, "/home/a/shop")
