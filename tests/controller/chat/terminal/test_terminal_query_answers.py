"""An answer of the terminal that comes late, or in pieces, is never typed text."""

from __future__ import annotations

import pytest

from controller.chat.terminal.terminal_query_answers import MAX_ANSWER_CHARS, TerminalAnswers

COLOUR, KIND = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\", "\x1b[?62;22c"
PAUSE = None


@pytest.mark.parametrize(
    ("received", "typed"),
    [
        ([KIND], ""),
        ([COLOUR, KIND], ""),
        (["hel" + COLOUR + "lo" + KIND + "!"], "hello!"),
        (["a", *COLOUR, *KIND, "b"], "ab"),
        (["a" + COLOUR[:7], PAUSE, COLOUR[7:] + "b"], "ab"),
        ([KIND[:4], PAUSE, KIND[4:] + "b"], "b"),
        (["\x1b", PAUSE, "b"], "\x1bb"),  # the Escape key
        (["\x1b[A\x1b[1;5C"], "\x1b[A\x1b[1;5C"),
        (["\x1b[", "A"], "\x1b[A"),
        (["\x1b[", PAUSE, "A"], "\x1b[A"),
        (["\x1b]", PAUSE, "x"], "\x1b]x"),
        (["\x1b[200~pasted\x1b[201~"], "\x1b[200~pasted\x1b[201~"),
        ([KIND, KIND], KIND),  # it answers once: what follows was typed or pasted
        (["\x1b]11;" + "x" * MAX_ANSWER_CHARS, "y"], "\x1b]11;" + "x" * MAX_ANSWER_CHARS + "y"),
    ],
)
def test_what_was_typed(received: list[str | None], typed: str) -> None:
    answers = TerminalAnswers()
    parts = [answers.typed_after_pause() if one is PAUSE else answers.typed(one) for one in received]
    assert "".join(parts) == typed
