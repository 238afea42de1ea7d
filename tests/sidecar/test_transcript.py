"""A growing transcript."""

import json
from pathlib import Path

from sidecar.agents import REGISTRY
from sidecar.signals import Turn
from sidecar.transcript import Tail

DEMO = REGISTRY["demo"]


def line(kind: str, text: str = "") -> str:
    return json.dumps({"type": kind, "text": text}) + "\n"


def test_only_what_is_new_and_whole_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(line("user", "old"))
    tail = Tail(DEMO, None)
    tail.follow(path)
    assert tail.new() == []
    with path.open("a") as file:
        file.write(line("user", "new") + "not json\n" + line("assistant", "answer")[:10])
    assert [(one.kind, one.text) for one in tail.new()] == [(Turn.PROMPT, "new")]
    with path.open("a") as file:
        file.write(line("assistant", "answer")[10:])
    assert [(one.kind, one.text) for one in tail.new()] == [(Turn.ANSWER, "answer")]


def test_a_file_that_is_not_there_yet_or_was_replaced(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    tail = Tail(DEMO, path)
    assert tail.new() == []
    path.write_text(line("user", "a long first line"))
    assert len(tail.new()) == 1
    path.write_text(line("error"))
    assert [one.kind for one in tail.new()] == [Turn.FAILED]
