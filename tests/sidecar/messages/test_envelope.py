"""Whatever the content is, the typed text has no control byte and only our envelope."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.agents import REGISTRY
from sidecar.errors import SidecarError
from sidecar.messages.envelope import (
    clean_text,
    envelope_message,
    envelopes_in_one_line,
    is_same_text,
    numbers_in,
    parse_template,
    paste_bytes,
)

unseen = st.characters(categories=["Cf"])
parts = st.one_of(
    st.text(), unseen, st.sampled_from(["[a -> b #9] ", "\x1b[201~", "\n", "\r", "\u2028", "[", " -> ", "#812]"])
)
nasty = st.lists(parts).map("".join)


@given(nasty)
def test_no_control_byte_gets_through(content: str) -> None:
    sent = paste_bytes(envelope_message("alice", "claude", 812, content), bracketed=True)
    inner = sent.removeprefix(b"\x1b[200~").removesuffix(b"\x1b[201~").decode()
    assert not [one for one in inner if one != "\n" and (ord(one) < 32 or 127 <= ord(one) < 160)]


@given(nasty)
def test_content_can_not_forge_an_envelope(content: str) -> None:
    text = envelope_message("alice", "claude", 812, content)
    assert numbers_in(text) == (812,)
    assert numbers_in(envelopes_in_one_line(text)) == (812,)
    assert numbers_in(f"\n\n<pasted>\n{text}\n</pasted>") == (812,)
    assert numbers_in("".join(one for one in text if unicodedata.category(one) != "Cf")) == (812,)


@given(nasty, st.sampled_from(["[{sender} #{number}]", "[chat from {sender} to {recipient} #{number}]"]))
def test_nor_one_of_another_form(content: str, template: str) -> None:
    assert numbers_in(envelope_message("alice", "claude", 812, content, parse_template(template))) == (812,)


@pytest.mark.parametrize(
    "template",
    ["", "{sender}: ", "[{sender}]", "[{recipient} #{number}]", "[{sender} #{number}] ", "[{sender!r} #{number}]"],
)
def test_a_form_that_proves_nothing_is_refused(template: str) -> None:
    with pytest.raises(SidecarError, match="is not an envelope"):
        parse_template(template)


@pytest.mark.parametrize(
    "content", ["hello", "/clear", "!ls", "# note", "/etc/hosts", "a\n\nb", "  x\ny", "שלום 你好 👩‍👩‍👧"]
)
def test_ordinary_text_arrives_exactly(content: str) -> None:
    assert envelope_message("alice", "claude", 1, content) == f"[alice -> claude #1] {content}"


def test_not_even_a_name_brings_a_control_byte_or_a_line() -> None:
    assert envelope_message("al\x1b[201~\nice", "cl\x9baude", 812, "hi") == "[al[201~ ice -> claude #812] hi"


def test_annotations_hide_nothing() -> None:
    assert clean_text("a\ufff9b\ufffac\ufffbd") == "abcd"


def test_line_ends_and_tabs_are_as_the_vendors_make_them() -> None:
    assert clean_text("a\r\nb\rc\td\ufeff") == "a\nb\nc    d"


@pytest.mark.parametrize(
    ("text", "finished"),
    [("ends in \\", "ends in \\ ."), ("ask @bob", "ask @bob ."), ("a@b.c is fine", "a@b.c is fine"), ("x", "x")],
)
def test_claude_gets_no_ending_that_swallows_enter(text: str, finished: str) -> None:
    assert REGISTRY["claude"].text.finish(text) == finished


@pytest.mark.parametrize(
    ("text", "finished"), [("ask @bob", "ask @bob "), ("use $skill", "use $skill "), ("a@b.c", "a@b.c"), ("x", "x")]
)
def test_codex_gets_no_ending_that_opens_a_list(text: str, finished: str) -> None:
    assert REGISTRY["codex"].text.finish(text) == finished


@pytest.mark.parametrize(
    ("shown", "ours", "same"),
    [
        ("a b\nc", "a b c", True),
        ("a b\nc", "a b", False),
        ("", "a", False),
        ("flag 🏳️‍  moved", "flag 🏳️‍🌈 moved", True),
        ("👨 👩 family 1️", "👨‍👩‍👧 family 1️⃣", True),
        ("cafe", "cafe\u0301", True),
        ("café", "cafe\u0301", True),
        ("cafe\u0301", "café", True),
        ("cafx", "cafe\u0301", False),
        ("한글", unicodedata.normalize("NFD", "한글"), True),
        ("한들", "한글", False),
        ("K 〈", "\u212a \u2329", True),
        ("你好 שלום", "你好 שלום", True),
        ("你 שלום", "你好 שלום", False),
        ("👍 done!", "👍 done?", False),
    ],
)
def test_a_composer_wraps_where_it_likes(shown: str, ours: str, same: bool) -> None:
    assert is_same_text(shown, ours) is same
