"""A growing transcript: no fact is lost and none is reported twice."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import Adapter, TranscriptFormat
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from sidecar.evidence_sources.transcript import MAX_PAST_BYTES, TranscriptTail, read_facts
from tests.sidecar.capabilities import transcript_of

DEMO, GEMINI = REGISTRY["demo"], REGISTRY["gemini"]


def line(kind: str, text: str = "") -> str:
    return json.dumps({"type": kind, "text": text}) + "\n"


def entry(name: str, text: str, **more: object) -> str:
    return json.dumps({"id": name, "type": "gemini", "content": text, **more}) + "\n"


@contextlib.contextmanager
def tailing(agent: Adapter, path: Path | None) -> Iterator[TranscriptTail]:
    with contextlib.closing(TranscriptTail(agent, path)) as tail:
        yield tail


def told(tail: TranscriptTail) -> list[str]:
    return [fact.text for fact in tail.new()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.jsonl"


def test_only_new_and_complete_lines_are_read(path: Path) -> None:
    path.write_text(line("user", "old"))
    with tailing(DEMO, None) as tail:
        tail.follow(path)
        assert tail.new() == []
        with path.open("a") as file:
            file.write(line("user", "new") + "not json\n[]\n" + line("assistant", "answer")[:10])
        assert [(one.kind, one.text) for one in tail.new()] == [(TurnFactKind.PROMPT, "new")]
        with path.open("a") as file:
            file.write(line("assistant", "answer")[10:])
        assert [(one.kind, one.text) for one in tail.new()] == [(TurnFactKind.ANSWER, "answer")]


def test_a_file_that_is_not_there_yet(path: Path) -> None:
    with tailing(DEMO, path) as tail:
        assert tail.new() == []
        path.write_text(line("user", "a"))
        assert told(tail) == ["a"]


def test_a_truncated_file_is_read_from_its_start(path: Path) -> None:
    path.write_text(line("user", "a long first line"))
    with tailing(DEMO, path) as tail:
        tail.new()
        path.write_text(line("error"))
        assert [one.kind for one in tail.new()] == [TurnFactKind.FAILED]


def test_facts_repeated_by_a_rewritten_file_are_not_reported_again(path: Path) -> None:
    path.write_text(line("user", "1") + line("user", "1") + line("user", "2"))
    with tailing(DEMO, path) as tail:
        assert told(tail) == ["1", "1", "2"]
        path.write_text(line("user", "0") + line("user", "1") + line("user", "1") + line("user", "1"))
        assert told(tail) == ["0", "1"]


def test_past_facts_stay_past_when_the_file_is_rewritten(path: Path) -> None:
    path.write_text(line("user", "old"))
    with tailing(DEMO, None) as tail:
        tail.follow(path)
        path.write_text(line("error", "x") + line("user", "old") + line("user", "new"))
        assert told(tail) == ["x", "new"]


def test_a_replaced_file_is_read_to_its_end_first(path: Path) -> None:
    path.write_text(line("user", "1"))
    with tailing(DEMO, path) as tail:
        assert told(tail) == ["1"]
        with path.open("a") as file:
            file.write(line("user", "2") + line("user", "half")[:8])
        path.rename(path.with_suffix(".old"))
        path.write_text(line("user", "1") + line("user", "3"))
        assert told(tail) == ["2", "3"]


def test_a_deleted_file_that_is_still_written_is_still_read(path: Path) -> None:
    with path.open("w") as file, tailing(DEMO, path) as tail:
        print(line("user", "1"), end="", file=file, flush=True)
        assert told(tail) == ["1"]
        path.unlink()
        print(line("user", "2"), end="", file=file, flush=True)
        assert told(tail) == ["2"]
        path.write_text(line("user", "3"))
        assert told(tail) == ["3"]


def test_an_entry_repeated_with_its_tool_calls_is_reported_once(path: Path) -> None:
    path.write_text(entry("a", "Let me see.") + entry("a", "Let me see.", toolCalls=[{}]) + entry("b", "Let me see."))
    assert [one.text for one in read_facts(GEMINI, path)] == ["Let me see.", "Let me see."]
    path.write_text(entry("a", "Let me") + entry("a", "Let me see."))
    assert [one.text for one in read_facts(GEMINI, path)] == ["Let me", "Let me see."]


def test_a_very_long_past_is_not_read(path: Path) -> None:
    read: list[object] = []

    def line_of(entry: Mapping[str, object]) -> TurnFact | None:
        read.append(entry)
        return transcript_of(DEMO).line(entry)

    agent = replace(DEMO, transcript=TranscriptFormat(line_of))
    path.write_text(line("user", "x" * MAX_PAST_BYTES) + line("user", "old") * 9)
    with tailing(agent, None) as tail:
        tail.follow(path)
        assert tail.new() == []
        assert len(read) < 9
        with path.open("a") as file:
            file.write(line("user", "new"))
        assert told(tail) == ["new"]


@pytest.mark.parametrize("written", ["in place", "as another file"])
def test_no_fact_of_a_very_long_file_is_reported_twice(path: Path, written: str) -> None:
    path.write_text("".join(line("user", str(number)) for number in range(5)))
    with contextlib.closing(TranscriptTail(DEMO, path, most=3)) as tail:
        assert told(tail) == ["0", "1", "2", "3", "4"]
        if written == "as another file":
            path.rename(path.with_suffix(".old"))
        path.write_text("".join(line("user", str(number)) for number in ("x", *range(5))))
        assert told(tail) == []
        with path.open("a") as file:
            file.write(line("user", "5"))
        assert told(tail) == ["5"]


def test_the_memory_of_named_entries_is_bounded_too(path: Path) -> None:
    path.write_text("".join(entry(str(number), "text") for number in range(9)))
    with contextlib.closing(TranscriptTail(GEMINI, path, most=3)) as tail:
        assert len(tail.new()) == 9
        with path.open("a") as file:
            file.write(entry("8", "text", toolCalls=[{}]) + entry("9", "text"))
        assert told(tail) == ["text"]
        path.write_text(entry("x", "new") + "".join(entry(str(number), "text") for number in range(9)))
        assert told(tail) == []


def test_the_files_of_a_folder_are_read_as_one(tmp_path: Path) -> None:
    """The agent begins a new one now and then, and deletes old ones."""
    folder = tmp_path / "journal"
    with tailing(DEMO, None) as tail:
        tail.follow(folder, fresh=True)
        assert tail.new() == []
        folder.mkdir()
        (folder / "0001.jsonl").write_text(line("user", "a"))
        assert told(tail) == ["a"]
        with (folder / "0001.jsonl").open("a") as file:
            file.write(line("user", "b"))
        (folder / "0002.jsonl").write_text(line("user", "c"))
        (folder / "0003.jsonl").write_text(line("user", "a"))
        assert told(tail) == ["b", "c", "a"]
        (folder / "0001.jsonl").unlink()
        with (folder / "0003.jsonl").open("a") as file:
            file.write(line("user", "d")[:-4])
        assert told(tail) == []
        with (folder / "0003.jsonl").open("a") as file:
            file.write(line("user", "d")[-4:])
        assert told(tail) == ["d"]


def test_what_stood_in_a_folder_before_is_past(tmp_path: Path) -> None:
    for name in ("0001", "0002"):
        (tmp_path / f"{name}.jsonl").write_text(line("user", name))
    with tailing(DEMO, None) as tail:
        tail.follow(tmp_path)
        assert tail.new() == []
        (tmp_path / "0003.jsonl").write_text(line("user", "new"))
        assert told(tail) == ["new"]
