"""What `/copy` copies of a message."""

from __future__ import annotations

import pytest

from controller.view.stream.copied_text import text_to_copy
from gateway.protocol.errors import BadRequest
from tests.controller.streams import said

CODE = "try:\n```py\nprint(1)\n\tx = 2\n```\nor\n~~~\nls -l\n~~~\nbye"


@pytest.mark.parametrize(
    ("content", "which", "text", "what"),
    [
        ("good morning", "", "good morning", "#9"),
        ("one\ntwo\r\nthree", "", "one\ntwo\nthree", "#9"),
        (CODE, "code", "print(1)\n\tx = 2", "code block 1 of 2 of #9"),
        (CODE, "code 2", "ls -l", "code block 2 of 2 of #9"),
        ("```\nrm x", "code", "rm x", "code block 1 of #9"),
        ("a\x1b[31mb\x9b\u202e", "", "a\N{REPLACEMENT CHARACTER}[31mb\N{REPLACEMENT CHARACTER}", "#9"),
    ],
)
def test_text_that_is_copied(content: str, which: str, text: str, what: str) -> None:
    assert text_to_copy(said(9, content), which) == (text, what)


@pytest.mark.parametrize(
    ("content", "which", "why"),
    [
        ("none", "code", "#9 has no code blocks."),
        (CODE, "code 3", "#9 has 2 code blocks."),
        (CODE, "code x", "takes `code`"),
        (CODE, "all", "takes `code`"),
        ("```\nx\n```", "code 0", "#9 has 1 code block."),
    ],
)
def test_what_cannot_be_copied_is_said(content: str, which: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        text_to_copy(said(9, content), which)
