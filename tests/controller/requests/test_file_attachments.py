"""What `--quote` and `/quote` read of a person's own files."""

from pathlib import Path

import pytest

from controller.requests.command_requests import SendOptions, send_request
from controller.requests.file_attachments import MOST_QUOTES, quote_files, quote_lines_of_file
from gateway.protocol.errors import GroupChatError
from gateway.protocol.types.core_types import MAX_CONTENT_BYTES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text("".join(f"line {number}\n" for number in range(1, 100)))
    (tmp_path / "a b.txt").write_text("blank")
    (tmp_path / "odd:7").write_text("called like a range")
    (tmp_path / "binary").write_bytes(b"\x00\x01")
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    (tmp_path / "empty").write_text("")
    (tmp_path / "large").write_text("x" * (MAX_CONTENT_BYTES + 1))
    (tmp_path / "link").symlink_to(tmp_path / "src/a.py")
    return tmp_path


QUOTED = {
    "src/a.py:42-44": ("src/a.py", "42-44", "line 42\nline 43\nline 44\n"),
    "src/a.py:7": ("src/a.py", "7", "line 7\n"),
    "src/a.py:99-200": ("src/a.py", "99-200", "line 99\n"),
    "a b.txt": ("a b.txt", None, "blank"),
    "odd:7": ("odd:7", None, "called like a range"),
    "link:1": ("link", "1", "line 1\n"),
}


@pytest.mark.parametrize("given", QUOTED)
def test_lines_of_a_file_are_read(folder: Path, given: str) -> None:
    part = quote_lines_of_file(given, folder)
    assert (part.type, part.path, part.lines, part.text) == ("file", *QUOTED[given])
    assert part.revision and len(part.revision) == 12


REFUSED = {
    "nowhere.py:1": "nowhere.py cannot be read: No such file or directory.",
    "src": "src cannot be read: Is a directory.",
    "src/a.py:0-3": "lines begin at 1",
    "src/a.py:9-3": "the last is not before the first",
    "src/a.py:100": "src/a.py has only 99 lines.",
    "binary": "binary is not text.",
    "latin": "latin is not text.",
    "empty": "empty is empty.",
    "large": "Choose lines, such as large:1-200.",
    "": "Which lines of which file?",
    "a\nb": "line",
}


@pytest.mark.parametrize("given", REFUSED)
def test_what_cannot_be_quoted_is_a_sentence(folder: Path, given: str) -> None:
    with pytest.raises(GroupChatError) as refused:
        quote_lines_of_file(given, folder)
    assert REFUSED[given] in refused.value.message


def test_several_go_with_one_message_which_may_have_no_words(folder: Path) -> None:
    parts = quote_files(["src/a.py:1", "a b.txt"], folder)
    request = send_request(SendOptions("@ada", quotes=parts))
    assert (request.content, request.to, len(request.parts)) == ("", ("@ada",), 2)
    with pytest.raises(GroupChatError, match=f"At most {MOST_QUOTES}"):
        quote_files(["src/a.py:1"] * (MOST_QUOTES + 1), folder)
