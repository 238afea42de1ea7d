"""The terminal's answer about its background, apart from what the person typed meanwhile."""

from __future__ import annotations

import os
import time

import pytest

from controller.chat.terminal.terminal_background import BackgroundQuestion, ask_background

COLOUR, KIND = b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\", b"\x1b[?62;4c"


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        (COLOUR + KIND, ""),
        (KIND, ""),
        (b"hel" + COLOUR + b"lo" + KIND + b"!", "hello!"),
        (b"\x1b]11;rgb:00/00/00\x07" + b"\x1b[A" + KIND, "\x1b[A"),
    ],
)
def test_answers_and_typed_text_are_told_apart(sent: bytes, typed: str) -> None:
    inner, outer = os.pipe()
    try:
        os.write(outer, sent)
        question = BackgroundQuestion(inner, time.monotonic() + 30)
        assert question.read() == sent
        assert question.typed == typed
    finally:
        os.close(inner)
        os.close(outer)


def test_a_silent_terminal_is_not_waited_for_any_longer() -> None:
    inner, outer = os.pipe()
    try:
        os.write(outer, b"ab")
        question = BackgroundQuestion(inner, time.monotonic() + 0.05)
        assert question.read() == b"ab"
        assert question.typed == "ab"
    finally:
        os.close(inner)
        os.close(outer)


def test_nobody_is_asked_without_a_wish() -> None:
    with ask_background({}, wanted=False) as question:
        assert question.read() == b""
