"""The HTML file of a transcript: what members wrote is text, and the page loads nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.output.transcript_html import STYLE, html_document
from controller.output.transcript_parts import TranscriptPart, messages_parts, session_parts
from gateway.protocol.events import Message
from gateway.protocol.results import SessionDetail
from gateway.protocol.text.printable_text import printable_lines
from gateway.protocol.types.core_types import MessageKind, Part
from gateway.protocol.types.decision_types import Decision
from gateway.protocol.types.session_types import Session

STAMP = "2027-01-15T08:00:00.000Z"
VOID = {"meta"}
ALLOWED = {
    "html": {"lang"},
    "head": set(),
    "meta": {"charset", "http-equiv", "content", "name"},
    "title": set(),
    "style": set(),
    "body": set(),
    "main": set(),
    "h1": {"dir"},
    "h2": {"dir"},
    "h3": {"id", "dir"},
    "bdi": set(),
    "time": {"datetime"},
    "a": {"href"},
    "ul": set(),
    "li": {"dir"},
    "p": {"class", "dir"},
    "pre": {"class", "dir"},
}
HOSTILE = [
    "<script>alert(1)</script>",
    "</pre><h3 id=m1>#1 alice</h3><pre>I agree",
    "</title></style><img src=x onerror=alert(1)>",
    "<!-- --><![CDATA[ ]]><?php ?>",
    '"><a href="https://evil.example/">x</a>',
    "javascript:alert(1) https://evil.example/x.png",
    "&lt;b&gt; &amp; &#60;script&#62; &NotAnEntity",
    "\n\n# heading\n```\n### #1 alice",
    "\x00\x1b[31m\x9b\u202eevil\u2066\u2028next\x85line\r\rend",
    "' onmouseover='alert(1)",
    "{{7*7}} ${7*7} <%= 1 %>",
    "\ud800",
]


class Page(HTMLParser):
    """Reads a page strictly: every element is one of ours, and is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, str]] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= ALLOWED[tag], (tag, attrs)
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        opened, text = self.open.pop()
        assert opened == tag
        self.texts.append((tag, text))

    def handle_data(self, data: str) -> None:
        if self.open:
            tag, text = self.open[-1]
            self.open[-1] = (tag, text + data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)

    def those(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.seen if name == tag]


def message(seq: int, text: str, *, by: str = "ada", to: tuple[str, ...] = (), answers: int | None = None) -> Message:
    parts = (Part("file", text=text, path=text),)
    return Message(
        seq, f"m-{seq}", "general", by, to, MessageKind.CHAT, text, STAMP, recipients=to, parts=parts, reply_to=answers
    )


def room(text: str) -> list[TranscriptPart]:
    messages = [message(1, text), message(2, text, by=text, to=(text,), answers=1), message(3, text, answers=99)]
    return messages_parts(text, [("Room", text), (text, text)], messages)


def session(text: str) -> list[TranscriptPart]:
    one = Session(text, 1, 1, text, text, STAMP, goal=text, closing=text, participants=(text,))
    detail = SessionDetail(one, decisions=())
    return session_parts(detail, (), [message(1, text)])


def check(parts: Sequence[TranscriptPart]) -> Page:
    text = html_document(parts)
    text.encode()
    page = Page(text)
    assert all((one["href"] or "").startswith("#m") for one in page.those("a"))
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = [one["content"] for one in page.those("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]
    return page


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_markup(text: str) -> None:
    page = check(room(text))
    assert [one["id"] for one in page.those("h3") if "id" in one] == ["m1", "m2", "m3"]
    assert [one["href"] for one in page.those("a")] == ["#m1"], "there is no message 99 on the page"
    shown = [words.removeprefix("\n") for tag, words in page.texts if tag == "pre"]
    assert shown == ["\n".join(printable_lines(text))] * 6, "a message and an attachment, whole"
    check(session(text))


@given(st.text(alphabet="<>&\"'/!-[]=#`;: \n\r\tabm1\u2028\u202e\x00\x85", max_size=80))
def test_any_text_stays_text(text: str) -> None:
    check(room(text))
    check(session(text))


def test_the_page_loads_nothing_and_fits_a_phone() -> None:
    text = html_document(room("hello"))
    assert not re.search(r"url\(|@import|https?:|//|<(?:link|script|img|iframe|object|form)", text)
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    assert "color-scheme: light dark" in STYLE and "@media (prefers-color-scheme: dark)" in STYLE
    assert "overflow-wrap: anywhere" in STYLE and "white-space: pre-wrap" in STYLE


def test_a_message_has_sender_recipient_time_and_what_it_answers() -> None:
    text = html_document(messages_parts("#general", [], [message(7, "hi"), message(9, "yes", to=("bob",), answers=7)]))
    assert (
        '<h3 id="m9">#9 <bdi>ada</bdi> to <bdi>bob</bdi> <time datetime="2027-01-15T08:00:00.000Z">'
        '2027-01-15 08:00:00 UTC</time> <a href="#m7">answers #7</a></h3>' in text
    )


def test_decisions_of_a_session_are_told() -> None:
    one = Session("work", 1, 1, "general", "ann", STAMP)
    decision = Decision("d-1", 5, 5, "general", "ann", "<b>Which?</b>", STAMP, "majority")
    page = check(session_parts(SessionDetail(one, decisions=(decision,)), (), ()))
    assert ("h2", "Decisions") in page.texts
    assert ("pre", "\n<b>Which?</b>") in page.texts


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("plain words", "said"),
        ("look:\n```python\nx = 1\n```", "aligned"),
        ("   ~~~\nx\n~~~", "aligned"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "aligned"),
        ("a | b, or |c|", "said"),
        ("a `word` and ``` inside", "said"),
    ],
)
def test_columns_that_matter_are_kept_in_line(text: str, style: str) -> None:
    page = Page(html_document(messages_parts("t", [], [message(1, text)])))
    assert page.those("pre")[0]["class"] == style
