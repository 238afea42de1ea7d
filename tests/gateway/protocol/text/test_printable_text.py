"""What somebody wrote, as it may be printed."""

from __future__ import annotations

import json
import time
import unicodedata

import pytest

from gateway.protocol.text.printable_text import (
    INDENT,
    escape_json,
    local_time_text,
    printable_line,
    printable_lines,
    quote_lines,
    shorten_line,
)
from tests.hostile.strings import REFUSED, STRINGS, WORST, problems


def printable(text: str) -> str:
    """As the outputs put it together: all lines but the first are indented."""
    return f"\n{INDENT}".join(printable_lines(text))


ALL = {**STRINGS, **REFUSED, "worst": WORST}


@pytest.mark.parametrize("name", ALL)
def test_nothing_of_a_hostile_text_is_left(name: str) -> None:
    text = f"alice: {ALL[name]}"
    assert problems(printable_line(text)) == []
    assert problems(printable(text)) == []
    assert problems(f"|{quote_lines(text)}") == []
    assert "\n" not in printable_line(text)
    assert all(one.startswith("    ") for one in printable(text).split("\n")[1:])
    assert all(one.startswith("| ") for one in quote_lines(text).split("\n"))
    printable(text).encode()


@pytest.mark.parametrize("name", STRINGS)
def test_json_means_the_same_and_shows_what_it_holds(name: str) -> None:
    value = {STRINGS[name]: [STRINGS[name]]}
    written = escape_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(written) == value
    assert problems(written) == []


KEPT = [
    "plain",
    "naïve café",
    "שלום עולם",
    "می\u200cخواهم",
    "क\u094d\u200dष",
    "漢字",
    "👨\u200d👩\u200d👧 ❤\ufe0f",
    "a\u0301",
    "\U0001fa77 \U0001fae8 of Unicode 15",
    "\U00031350 \U000323b0 of Unicode 15 and of one to come",
    "\u0378 not assigned",
    "\ue0b0 \uf09b \U000f0001 of a font",
    "\u0600\u0661 \u06dd",
    "\U0001fa77\u200d\U0001fae8",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_people_write_stays(text: str) -> None:
    assert printable(text) == printable_line(text) == text


@pytest.mark.parametrize("text", KEPT)
def test_it_is_done_once(text: str) -> None:
    for one in (*STRINGS.values(), text):
        assert printable_line(printable_line(one)) == printable_line(one)
        assert printable_lines("\n".join(printable_lines(one))) == printable_lines(one)


TEXTS = [
    ("one\ntwo\r\nthree", "one\n    two\n    three"),
    ("a\tb", "a    b"),
    ("\x1b]0;x\x07", "�]0;x�"),
    ("bo\u200bss", "boss"),
    ("\u202eabc\u202c", "abc"),
    ("x\ud800", "x�"),
    ("a\u3000b\u2800c", "a b c"),
    ("\ufdd0a\ufdef \ufffe\U0001ffff\U0010ffff", "�a� ���"),
    ("\ufff9a\ufffab\ufffb \x85 \x9b", "�a�b� \n     �"),
    ("a\xa0b\u1680c\u2003d\u202fe\u205ff", "a b c d e f"),
    ("", ""),
]


@pytest.mark.slow
def test_only_what_is_known_to_harm_is_replaced() -> None:
    """Whatever the running Python knows of Unicode: a character of a version to come is no harm."""
    harmful = {chr(code) for code in range(0x110000) if printable_line(f"a{chr(code)}b") == "a\ufffdb"} - {"\ufffd"}
    kinds = {unicodedata.category(one) for one in harmful}
    assert kinds == {"Cc", "Cf", "Cn", "Cs"}
    assert {one for one in harmful if unicodedata.category(one) == "Cf"} == set("\ufff9\ufffa\ufffb")
    assert (
        sum(unicodedata.category(one) == "Cn" for one in harmful) == 66
    )  # noncharacters: for ever, by Unicode's policy


@pytest.mark.parametrize(("text", "shown"), TEXTS)
def test_how_it_looks(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_text_cut_short() -> None:
    assert shorten_line("a  b\nc", 10) == "a b c"
    assert shorten_line("x" * 20, 10) == "xxxxxxxxx…"
    assert shorten_line("\n" * 1000 + "x", 10).endswith("…")


@pytest.mark.parametrize("stamp", ["", "then", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "\x1b[31m"])
def test_what_is_no_time_is_shown_as_such(stamp: str) -> None:
    assert local_time_text(stamp) == "??:??:??"


def test_a_time() -> None:
    assert local_time_text("2026-11-21T10:00:01.000Z").count(":") == 2


@pytest.mark.slow
def test_a_megabyte_takes_no_time() -> None:
    begun = time.monotonic()
    for text in ("\u200b\u0301" * 250_000, "\n" * 500_000, "\x1b" * 500_000, "\u0301" * 500_000):
        printable(text), printable_line(text), escape_json(text)
    assert time.monotonic() - begun < 30
