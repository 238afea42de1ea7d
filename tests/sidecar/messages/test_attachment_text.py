"""Attachments as typed for an agent: quoted, bounded and fenced, or as a file."""

from pathlib import Path
from typing import Any

import pytest

from gateway.protocol.events import Message
from gateway.protocol.text.attachments import Attachment, attachments_of
from gateway.protocol.types.core_types import MessageKind, Part
from sidecar.agents import REGISTRY
from sidecar.delivery.attachment_files import MAX_KEPT_FILES, AttachmentFiles
from sidecar.delivery.message_progress import DeliveryConfig
from sidecar.delivery.prompt_text import BACKSLASH_HINT_TEXT, PromptTexts
from sidecar.messages.attachment_text import (
    MAX_ATTACHMENT_CHARS,
    MAX_QUOTED_CHARS,
    attachment_chars,
    attachments_as_typed,
)
from sidecar.messages.quiet_notices import QuietNotices
from tests.sidecar.memory_room import WHEN, FewRooms

FOLDER = Path("/private/attached")


def said(number: int = 7, text: str = "look", sender: str = "alice", **fields: Any) -> Message:
    return Message(number, "m", "general", sender, ("@all",), MessageKind.CHAT, text, WHEN, **fields)


LINES = Part("file", "def f():\n    return 1\n", path="a.py", lines="42-43", revision="1a2b3c")

READ = {
    "lines of a file": (said(parts=(LINES,)), [("a.py:42-43 at 1a2b3c", "2 lines")]),
    "a link": (said(parts=(Part("link", url="https://x.example/"),)), [("link https://x.example/", "")]),
    "a quotation": (said(parts=(Part("quote", "so be it"),)), [("quote", "1 line")]),
    "no name": (said(parts=(Part("file", "x"),)), [("text", "1 line")]),
    "a context with a file": (
        said(context={"file": "a.py", "lines": "1-2", "revision": "ab", "text": "x\ny\n"}),
        [("a.py:1-2 at ab", "2 lines")],
    ),
    "of a client that sends no text": (said(context={"file": "a.py", "lines": "1"}), [("a.py:1", "")]),
    "data": (said(context={"branch": "main"}), [("context", "3 lines")]),
    "a file and data": (
        said(context={"file": "a.py", "text": "x", "branch": "main"}),
        [("a.py", "1 line"), ("context", "3 lines")],
    ),
    "a text of no file": (said(context={"text": "x"}), [("context", "3 lines")]),
    "a text that is none": (said(context={"file": "a.py", "text": 5}), [("a.py", ""), ("context", "3 lines")]),
    "what an answer tells of itself": (said(context={"answers": [1], "tokens": 5, "same_as": 3}), []),
    "what an interface keeps for itself": (
        said(context={"wire": {"dialect": "x", "ttl": 60}, "data": {"branch": "main"}}),
        [("context", "5 lines")],
    ),
    "nothing beside it": (said(context={"wire": {"dialect": "x", "ttl": 60}}), []),
    "what the gateway tells programs": (said(sender="system", context={"tripped": {}}), []),
    "several lines in a name": (said(parts=(Part("x\ny", path="a\nb", lines="1\n2"),)), [("a b:1 2", "")]),
}


@pytest.mark.parametrize(("message", "found"), READ.values(), ids=READ)
def test_parts_and_context_are_read_in_one_way(message: Message, found: list[tuple[str, str]]) -> None:
    assert [(one.name, one.size if one.text else "") for one in attachments_of(message)] == found


def test_a_summary_tells_what_it_is_and_how_long() -> None:
    assert Attachment("a.py:1-3", "1\n2\n3\n", "1a2b").summary == "a.py:1-3, 3 lines"
    assert Attachment("link https://x.example/").summary == "link https://x.example/"


def test_short_lines_are_quoted_within_a_fence_that_is_longer_than_any_in_them() -> None:
    text = attachments_as_typed(said(parts=(Part("quote", "a\n````\n```\nb"),)), FOLDER).text
    assert text == "with quote (4 lines, 12 characters):\n`````\n| a\n| ````\n| ```\n| b\n`````"


def test_a_long_attachment_is_in_a_file_and_its_length_is_shown() -> None:
    long = "x" * (MAX_ATTACHMENT_CHARS + 1)
    found = attachments_as_typed(said(parts=(LINES, Part("file", long, path="b.py"))), FOLDER)
    assert found.text.endswith(
        f"\nwith b.py (1 line, {len(long)} characters), in a file for you to read:\n{FOLDER / '7-2.txt'}"
    )
    assert found.files == {FOLDER / "7-2.txt": long}


def test_all_together_is_bounded() -> None:
    parts = tuple(Part("file", "x" * 3000, path=f"{number}.py") for number in range(1000))
    found = attachments_as_typed(said(parts=parts), FOLDER)
    assert len(found.text) < MAX_QUOTED_CHARS + 2000
    assert "with 993 more (" in found.text and len(found.files) == 6
    everything = "".join((found.text, *found.files.values()))
    assert all(f"{number}.py" in everything for number in range(1000))
    assert attachment_chars(said(parts=parts)) == MAX_QUOTED_CHARS + len("look")


def texts(name: str, *messages: Message, bracketed: bool = True, digests: bool = False) -> str:
    me = DeliveryConfig(name, REGISTRY[name], FewRooms(), lambda: None, AttachmentFiles(lambda: FOLDER))
    return PromptTexts(me, QuietNotices()).of(messages, bracketed=bracketed, digests=digests).text


def test_each_attachment_is_under_its_own_message() -> None:
    both = texts("codex", said(1, "one", parts=(LINES,)), said(2, "two"), said(3, "", sender="bob", context={"a": 1}))
    quoted = "```\n| def f():\n|     return 1\n```"
    assert both == (
        f"[alice -> codex #1] one\nwith a.py:42-43 at 1a2b3c (2 lines, 22 characters):\n{quoted}\n\n"
        "[alice -> codex #2] two\n\n[bob -> codex #3]\nwith context (3 lines, 11 characters):\n"
        '```\n| {\n|  "a": 1\n| }\n```'
    )


def test_in_a_digest_only_files_are_named() -> None:
    waiting = [said(number, "x", parts=(LINES,)) for number in range(1, 30)]
    text = texts("codex", *waiting, digests=True)
    assert text.count("in a file for you to read:") == 29 and "def f" not in text


def test_where_lines_are_joined_they_are_joined_too() -> None:
    text = texts("generic", said(1, "one", parts=(LINES,)), bracketed=False)
    assert text == (
        "[alice -> generic #1] one with a.py:42-43 at 1a2b3c (2 lines, 22 characters): "
        "``` | def f(): |     return 1 ```"
    )


@pytest.mark.parametrize("name", ["claude", "gemini"])
def test_a_quoted_line_with_a_shielded_sign_is_explained(name: str) -> None:
    text = texts(name, said(parts=(Part("file", "@dataclass\nclass A: ...", path="a.py"),)))
    assert "| \\@dataclass" in text and text.endswith(BACKSLASH_HINT_TEXT)
    assert BACKSLASH_HINT_TEXT not in texts(name, said(text="see @/etc/passwd", parts=(LINES,)))


def test_the_newest_files_are_kept(tmp_path: Path) -> None:
    files = AttachmentFiles(lambda: tmp_path / "attached")
    for number in range(MAX_KEPT_FILES + 3):
        assert files.put({files.folder / f"{number}-1.txt": "x"})
    kept = {path.name for path in files.folder.iterdir()}
    assert len(kept) == MAX_KEPT_FILES and f"{MAX_KEPT_FILES + 2}-1.txt" in kept


def test_what_one_prompt_names_is_kept_whole(tmp_path: Path) -> None:
    files = AttachmentFiles(lambda: tmp_path / "attached")
    named = {files.folder / f"{number}-1.txt": "x" for number in range(MAX_KEPT_FILES + 3)}
    assert files.put(named) and all(path.exists() for path in named)
