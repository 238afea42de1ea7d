"""What members wrote cannot break a transcript in Markdown."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from controller.output.transcript_markdown import escape_inline, fence_text, markdown_document
from controller.output.transcript_parts import session_parts
from gateway.protocol.events import Message
from gateway.protocol.results import SessionDetail
from gateway.protocol.types.core_types import MessageKind
from gateway.protocol.types.session_types import Session

STAMP = "2027-01-15T08:00:00.000Z"

nasty = st.text(alphabet="`~#>-*_[]()!<&\\\n\r\t\u2028 abw1.:/@|{}\x0b\x85", max_size=60)


@given(nasty)
def test_no_text_ends_its_fence(text: str) -> None:
    first, *body, last, after = fence_text(text)
    fence = first.removesuffix("text")
    assert (last, after) == (fence, "")
    assert not any(re.fullmatch(rf" {{0,3}}`{{{len(fence)},}}\s*", line) for line in body)
    assert all(len(line.splitlines()) <= 1 for line in body), "each is one line for every reader"


@given(nasty)
def test_a_line_stays_one_line_without_markup(text: str) -> None:
    line = escape_inline(text)
    assert len(line.splitlines()) <= 1
    bare = re.sub(r"\\[\\`*_{}\[\]()#!|<>~&@:.]", "x", line)
    assert not re.search(r"[\\`*_\[\]<>#|~@]|://|[Ww]{3}\.", bare)


@given(nasty, nasty)
def test_only_ours_are_headings(goal: str, content: str) -> None:
    session = Session("work", 1, 1, "general", "ann", STAMP, goal=goal, closing=content)
    message = Message(2, "m-2", "general", "ada", (), MessageKind.CHAT, content, STAMP)
    text = markdown_document(session_parts(SessionDetail(session), (), (message,)))
    headings, fence = [], ""
    for line in text.splitlines():
        if match := re.fullmatch(r"(`{3,})(?:text|json)?", line):
            if not fence:
                fence = match[1]
            elif line == fence:
                fence = ""
        elif not fence and line.startswith("#"):
            headings.append(line.split()[0] + " " + line.split()[1])
    assert fence == ""
    assert headings == ["# Session", *(["## Summary"] if content.strip() or content else []), "## Messages", "### \\#2"]
