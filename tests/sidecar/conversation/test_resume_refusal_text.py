"""Tables: the sentence with which a program refuses, as the real ones print it."""

import pytest

from sidecar.conversation.resume_refusal_text import refusal_text

ID = "7fd9eeea-d69e-4513-8ddc-9eeaed82c061"
RENDERER = "Claude Code's fullscreen renderer didn't finish starting last time on this machine, so this launch is"


def wrapped(text: str, columns: int) -> list[str]:
    return [text[at : at + columns] for at in range(0, len(text), columns)]


@pytest.mark.parametrize("columns", [200, 100, 40, 26])
@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ([f"No conversation found with session ID: {ID}"], f"No conversation found with session ID: {ID}"),
        ([RENDERER, f"No conversation found with session ID: {ID}"], f"No conversation found with session ID: {ID}"),
        (
            [f"ERROR: No saved session found with ID {ID}. Run `codex resume` without an ID to choose."],
            f"ERROR: No saved session found with ID {ID}. Run `codex resume` without an ID to choose.",
        ),
        (
            [
                f'Error resuming session: Invalid session identifier "{ID}".',
                "  Searched for sessions in /home/alice/.gemini/tmp/work/chats.",
                "  Use --list-sessions to see available sessions, then use --resume {number}, --resume {uuid}.",
            ],
            f'Error resuming session: Invalid session identifier "{ID}".',
        ),
        (["Goodbye."], "Goodbye."),
        ([], ""),
    ],
)
def test_the_refusal_is_found_at_any_width(printed: list[str], expected: str, columns: int) -> None:
    rows = [row for line in printed for row in wrapped(line, columns)]
    assert refusal_text([*rows, "", ""], columns) == expected
