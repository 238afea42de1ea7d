"""What nobody sees is taken out of a text, and what a script or an emoji needs stays."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.text.invisible_characters import IGNORABLE, is_ignorable, is_unseen, strip_ignorable

IGNORABLES = [chr(code) for first, last in IGNORABLE for code in range(first, last + 1)]
WRITTEN = {
    "a family": "👩‍👩‍👧 and 🏳️‍🌈",
    "a heart in colour": "I ❤️ it, ☎︎",
    "a keycap": "#️⃣ 1️⃣",
    "skin and joiner": "🧑🏽‍🚀",
    "the flag of Scotland": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f!",
    "Persian": "می‌خواهم نامه‌ها",
    "Sinhala": "ශ්‍රී ලංකා",
    "Hindi": "क्‍ष क्‌ष",
    "Hebrew with a mark": "שלום\u200f!",
    "Arabic with a mark": "مرحبا\u061c 12",
    "Mongolian": "ᠠ᠋ᠨ᠎ᠠ",
    "a name with a variant of its ideograph": "葛\U000e0100城",
}


def test_the_ranges_are_the_whole_property() -> None:
    assert len(IGNORABLES) == 4174
    assert all(map(is_ignorable, IGNORABLES))
    assert all(map(is_unseen, IGNORABLES))


def test_every_format_character_is_unseen() -> None:
    assert all(is_unseen(chr(code)) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf")


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_what_a_text_needs_stays(text: str) -> None:
    assert strip_ignorable(text) == text


@pytest.mark.parametrize("text", ["{}[a -> b #9]", "x{}y", "1{}", "{}", "\n{}\n", "a{0}{0}{0}"])
def test_what_has_no_use_goes(text: str) -> None:
    assert {strip_ignorable(text.format(one)) for one in IGNORABLES} == {text.format("")}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("❤️️️x", "❤️x"),
        ("👩‍x", "👩x"),
        ("🏴\U000e0061x", "🏴x"),
        ("می‌‌خ", "میخ"),
        ("葛\U000e0100\U000e0101", "葛"),
        ("hi\U000e0068\U000e0069\U000e007f", "hi"),
        ("של\u200fום", "שלום"),
        ("שלום\u061c!", "שלום!"),
        ("ab\u202ecd\u2066e\u2069", "abcde"),
    ],
)
def test_a_run_carries_nothing_hidden(text: str, left: str) -> None:
    assert strip_ignorable(text) == left


@given(st.lists(st.one_of(st.sampled_from(IGNORABLES), st.text(max_size=3))).map("".join))
def test_nothing_that_is_seen_is_touched(text: str) -> None:
    assert [one for one in strip_ignorable(text) if not is_ignorable(one)] == [
        one for one in text if not is_ignorable(one)
    ]
    assert strip_ignorable(strip_ignorable(text)) == strip_ignorable(text)
