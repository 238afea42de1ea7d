"""A tool call described for a person: all of it, whatever its shape."""

import pytest

from gateway.protocol.text.question_text import question_subject
from gateway.protocol.types.core_types import Ask, AskAbout
from sidecar.agents.adapter.tool_call_text import describe_tool_call
from sidecar.messages.envelope import clean_text

OLD, NEW = "a\nb\nc", "a\nB\nc"


@pytest.mark.parametrize(
    ("given", "about", "question", "detail"),
    [
        ({"command": "ls\nrm x"}, AskAbout.COMMAND, "Run this command?", "ls\nrm x"),
        (
            {"command": ["bash", "-lc", "rm 'a b'"]},
            AskAbout.COMMAND,
            "Run this command?",
            "bash -lc 'rm '\"'\"'a b'\"'\"''",
        ),
        (
            {"command": "ls", "description": "List", "run_in_background": True},
            AskAbout.COMMAND,
            "Run this command? (run_in_background: true; List)",
            "ls",
        ),
        (
            {"command": "ls", "description": "List)\n 1  Yes, list", "run_in_background": True},
            AskAbout.COMMAND,
            "Run this command? (run_in_background: true; List) 1 Yes, list)",
            "ls",
        ),
        ({"file_path": "/w/a"}, AskAbout.PATH, "Use T on this path?", "/w/a"),
        (
            {"file_path": "/w/a", "old_string": OLD, "new_string": NEW},
            AskAbout.DIFF,
            "Change /w/a?",
            "--- /w/a\n+++ /w/a\n@@ @@\n a\n-b\n+B\n c",
        ),
        (
            {"file_path": "/w/a", "old_string": "x", "new_string": "y", "replace_all": True},
            AskAbout.DIFF,
            "Change /w/a?",
            "--- /w/a\n+++ /w/a\n@@ everywhere @@\n-x\n+y",
        ),
        (
            {
                "file_path": "/w/a",
                "edits": [{"old_string": "x", "new_string": "y"}, {"old_string": "p", "new_string": ""}],
            },
            AskAbout.DIFF,
            "Change /w/a?",
            "--- /w/a\n+++ /w/a\n@@ @@\n-x\n+y\n@@ @@\n-p",
        ),
        (
            {"file_path": "/w/a", "content": "x\ny"},
            AskAbout.DIFF,
            "Change /w/a?",
            "--- /w/a\n+++ /w/a\n@@ the whole file @@\n+x\n+y",
        ),
        (
            {"command": "*** Begin Patch\n*** End Patch"},
            AskAbout.DIFF,
            "Make this change?",
            "*** Begin Patch\n*** End Patch",
        ),
        ({"url": "http://x", "prompt": "what"}, AskAbout.TEXT, "Use T?", "url: http://x\nprompt: what"),
        ({"path": "/w", "pattern": "*.py"}, AskAbout.TEXT, "Use T?", "path: /w\npattern: *.py"),
        ({}, AskAbout.TEXT, "Use T?", ""),
    ],
)
def test_a_call_is_described_completely(given: dict[str, object], about: AskAbout, question: str, detail: str) -> None:
    call = describe_tool_call("T", given)
    assert (call.about, call.question, call.detail) == (about, question, detail)


def test_a_long_change_is_whole() -> None:
    lines = "\n".join(map(str, range(500)))
    call = describe_tool_call("Edit", {"file_path": "a", "old_string": lines, "new_string": lines.replace("250", "x")})
    assert len(call.detail.split("\n")) == 504


@pytest.mark.parametrize(
    ("old", "new", "rows"),
    [
        ("two\n", "zwei\n", ["-two", "+zwei"]),
        ("two\n", "", ["-two"]),
        ("", "zwei\n", ["+zwei"]),
        ("one\ntwo\n", "one\nzwei\n", [" one", "-two", "+zwei"]),
        ("two\n", "two", [" two", "-"]),
        ("two\n\n", "two\n", [" two", "-"]),
    ],
)
def test_a_change_has_no_line_that_is_not_in_the_file(old: str, new: str, rows: list[str]) -> None:
    call = describe_tool_call("Edit", {"file_path": "a", "old_string": old, "new_string": new})
    assert call.detail.split("\n")[3:] == rows


def test_a_new_file_has_as_many_lines_as_its_content() -> None:
    assert describe_tool_call("Write", {"file_path": "a", "content": "one\ntwo\n"}).detail.split("\n")[3:] == [
        "+one",
        "+two",
    ]


@pytest.mark.parametrize("name", ["/home/al/work/notes.md", "a b.py"])
def test_the_line_in_the_chat_names_the_changed_file_and_nothing_beside_it(name: str) -> None:
    """Gemini and Qwen label both sides of a change, after a tab."""
    told = f"Index: {name}\n--- {name}\tCurrent\n+++ {name}\tProposed\n@@ -1 +1 @@\n-a\n+b\n"
    call = describe_tool_call("T", {"file_path": name, "fileDiff": told})
    ask = Ask("gemini", 1, "0", call.question, "", detail=clean_text(call.detail), about=call.about)
    assert question_subject(ask) == ("asked to change ", f"{name} (+1 -1)")
