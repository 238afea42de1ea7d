"""Whatever the content is, the typed text has no control byte and only our envelope."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.agents import REGISTRY
from sidecar.errors import SidecarError
from sidecar.messages.envelope import (
    clean_text,
    envelopes_in_one_line,
    is_part_of,
    is_same_text,
    numbers_in,
    parse_template,
    paste_bytes,
)
from sidecar.rules_file.envelope_template import DEFAULT_ENVELOPE
from tests.sidecar.enveloped import enveloped

unseen = st.characters(categories=["Cf"])
parts = st.one_of(
    st.text(), unseen, st.sampled_from(["[a -> b #9] ", "\x1b[201~", "\n", "\r", "\u2028", "[", " -> ", "#812]"])
)
nasty = st.lists(parts).map("".join)


@given(nasty)
def test_no_control_byte_gets_through(content: str) -> None:
    sent = paste_bytes(enveloped("alice", "claude", 812, content), bracketed=True)
    inner = sent.removeprefix(b"\x1b[200~").removesuffix(b"\x1b[201~").decode()
    assert not [one for one in inner if one != "\n" and (ord(one) < 32 or 127 <= ord(one) < 160)]


rooms = st.sampled_from(["general", "design", "r" * 64, "a-1.b_c"])
in_public = st.sampled_from([(), ("claude",)])


@given(nasty, rooms, in_public)
def test_content_can_not_forge_an_envelope(content: str, room: str, wakes: tuple[str, ...]) -> None:
    text = enveloped("alice", "claude", 812, content, room=room, wakes=wakes)
    assert numbers_in(text) == (812,)
    assert numbers_in(envelopes_in_one_line(text)) == (812,)
    assert numbers_in(f"\n\n<pasted>\n{text}\n</pasted>") == (812,)
    assert numbers_in("".join(one for one in text if unicodedata.category(one) != "Cf")) == (812,)


OTHER_FORMS = (
    "[{sender} #{number}]",
    "[chat from {sender} to {recipient} #{number}]",
    "[#{room} {sender} #{number}]",
    "[{room} {sender} {recipient} #{number}]",
)


@given(nasty, st.sampled_from(OTHER_FORMS), rooms, in_public)
def test_nor_one_of_another_form(content: str, template: str, room: str, wakes: tuple[str, ...]) -> None:
    text = enveloped("alice", "claude", 812, content, parse_template(template), room, wakes=wakes)
    assert numbers_in(text) == (812,)


LONGEST = "n" * 64
TEMPLATE_OF_LARGEST_SIZE = f"[{'x' * 70} {{room}} {{sender}} -> {{recipient}} #{{number}}]"


def test_the_longest_envelope_is_read_as_one() -> None:
    text = enveloped(
        LONGEST, LONGEST, 10**18 - 1, "hi", parse_template(TEMPLATE_OF_LARGEST_SIZE), LONGEST, wakes=(LONGEST,)
    )
    assert numbers_in(text) == (10**18 - 1,)


HEADS: list[tuple[str, str, tuple[str, ...], str]] = [
    # template, room, wakes, what the model sees before the text
    (DEFAULT_ENVELOPE, "general", (), "[alice -> ada #9]"),
    (DEFAULT_ENVELOPE, "", (), "[alice -> ada #9]"),
    (DEFAULT_ENVELOPE, "design", (), "[#design alice -> ada #9]"),
    (DEFAULT_ENVELOPE, "general", ("ada",), "[alice -> ada, in public #9]"),
    (DEFAULT_ENVELOPE, "design", ("ben", "ada"), "[#design alice -> ada, in public #9]"),
    (DEFAULT_ENVELOPE, "design", ("ben",), "[#design alice -> ada #9]"),
    ("[from {sender} #{number}]", "design", ("ada",), "[#design from alice #9]"),
    ("[{sender} in {room} #{number}]", "design", (), "[alice in design #9]"),
    ("[{sender} in {room} #{number}]", "general", (), "[alice in general #9]"),
    ("[{sender} in {room} #{number}]", "", (), "[alice in general #9]"),
]


@pytest.mark.parametrize(("template", "room", "wakes", "head"), HEADS)
def test_an_envelope_names_the_room_and_says_what_is_public(
    template: str, room: str, wakes: tuple[str, ...], head: str
) -> None:
    text = enveloped("alice", "ada", 9, "hi", parse_template(template), room, wakes=wakes)
    assert text == f"{head} hi"
    assert numbers_in(text) == (9,)
    assert envelopes_in_one_line(text) == text


@pytest.mark.parametrize(
    "template",
    [
        "",
        "{sender}: ",
        "[{sender}]",
        "[{room} #{number}]",
        "[{sender} {rooms} #{number}]",
        "[{recipient} #{number}]",
        "[{sender} #{number}] ",
        "[{sender!r} #{number}]",
    ],
)
def test_a_form_that_proves_nothing_is_refused(template: str) -> None:
    with pytest.raises(SidecarError, match="is not an envelope"):
        parse_template(template)


@pytest.mark.parametrize(
    "content", ["hello", "/clear", "!ls", "# note", "/etc/hosts", "a\n\nb", "  x\ny", "שלום 你好 👩‍👩‍👧"]
)
def test_ordinary_text_arrives_exactly(content: str) -> None:
    assert enveloped("alice", "claude", 1, content) == f"[alice -> claude #1] {content}"


def test_not_even_a_name_brings_a_control_byte_or_a_line() -> None:
    assert enveloped("al\x1b[201~\nice", "cl\x9baude", 812, "hi") == "[al[201~ ice -> claude #812] hi"


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


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ("exit\n\n\nblank lines before,\n\n\nand after", True),
        ("and after", True),
        ("\n\nr", False),
        ("blank lines before,", False),
        ("[alice -> you #7] a line of so many words that it says whose text it is", True),
        ("another text of a person, and after that its end", False),
    ],
)
def test_a_part_of_a_text_is_a_large_one_or_its_end(shown: str, found: bool) -> None:
    words = "a line of so many words that it says whose text it is"
    ours = f"[alice -> you #7] {words}\nexit\n\n\nblank lines before,\n\n\nand after\n\n"
    assert is_part_of(shown, ours) is found
