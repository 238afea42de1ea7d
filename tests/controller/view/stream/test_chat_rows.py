"""What is seen: text in rows, messages in the stream, agents in the roster."""

from __future__ import annotations

import pytest

from controller.view.approvals.question_view import QuestionView
from controller.view.state.chat_state import ChatState
from controller.view.stream.chat_rows import StreamRows
from controller.view.text.row_types import Row
from controller.view.text.text_rows import clean_for_screen, fit_to_width, text_rows, width_of, wrap_text
from gateway.protocol.types.core_types import Option, Part, Rung
from tests.controller.streams import LATER, STAMP, agent, receipt, said, welcome

CODE = "Look:\n\n```python\nprint('hi')\n```\n\nand `x` is **bold**."


def text(row: Row) -> str:
    return "".join(part for _, part in row)


@pytest.mark.parametrize(
    ("given", "width", "lines"),
    [
        ("hello", 10, ["hello"]),
        ("hello world again", 11, ["hello world", "again"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("a\n\nb", 10, ["a", "", "b"]),
        ("日本語テキスト", 5, ["日本", "語テ", "キス", "ト"]),
        ("x 日本語", 4, ["x", "日本", "語"]),
        ("", 5, [""]),
        ("  indented text", 10, ["  indented", "text"]),
    ],
)
def test_wrapping(given: str, width: int, lines: list[str]) -> None:
    assert wrap_text(given, width) == lines


@pytest.mark.parametrize(
    "given", ["a b c " * 50, "日本 語テキ スト" * 20, "word" * 60, CODE * 4, "- a\n- b " * 9, "🎉 " * 40]
)
@pytest.mark.parametrize("width", [8, 20, 40, 133])
def test_no_row_is_wider_than_it_may_be(given: str, width: int) -> None:
    for row in text_rows(given, width):
        assert width_of(text(row)) <= width, text(row)


@pytest.mark.parametrize(
    ("given", "harmless"),
    [
        ("a\x1b[31mred", "a�[31mred"),
        ("tab\tx", "tab    x"),
        ("\u202eevil", "evil"),
        ("a\u200bb", "ab"),
        ("ok ✔️", "ok ✔"),
        ("a\r\nb", "a\nb"),
        ("👍🏽!", "👍!"),
        ("👩‍👩‍👧‍👦", "👩👩👧👦"),
        ("🇩🇪 🇫🇷", "DE FR"),
        ("1️⃣", "1"),
    ],
)
def test_nothing_moves_the_cursor_or_the_direction(given: str, harmless: str) -> None:
    assert clean_for_screen(given) == harmless


@pytest.mark.parametrize(
    ("given", "cells"),
    [("abc", 3), ("日本", 4), ("é", 1), ("हिन्दी", 5), ("বাংলা", 5), ("สวัสดี", 4), ("🎉", 2), ("\u0301", 0)],
)
def test_marks_beside_their_letter_take_a_cell(given: str, cells: int) -> None:
    assert width_of(given) == cells
    assert sum(width_of(one) for one in given) == cells


def test_markdown_and_code() -> None:
    found = text_rows(CODE, 40)
    styles = {part.strip(): style for row in found for style, part in row}
    assert styles["bold"] == "bold"
    assert "ansi" in styles["x"]
    assert any(text(row) == " print('hi')" for row in found)
    assert not any("```" in text(row) for row in found)


def test_line_ends_are_kept_in_markdown() -> None:
    assert [text(row) for row in text_rows("**a**\nb\nc", 40)] == ["a", "b", "c"]


def test_cutting_never_halves_a_wide_character() -> None:
    assert fit_to_width("日本語", 4) == "日…"
    assert fit_to_width("abc", 3) == "abc"


# the stream


def stream(*events: object, width: int = 80) -> tuple[ChatState, StreamRows]:
    state = ChatState("alice")
    state.take(welcome(agent("claude", role="coder")), 0)
    for event in events:
        state.take(event, 0)
    made = StreamRows(state)
    made.width = width
    return state, made


def lines(state: ChatState, made: StreamRows) -> list[str]:
    return [text(row) for place in range(len(state.stream.keys)) for row in made(place)]


def body(*events: object, width: int = 80) -> list[str]:
    """Without the line of the first day."""
    return lines(*stream(*events, width=width))[1:]


def test_a_message_with_its_role_and_number() -> None:
    assert body(said(812, "fine"))[0].endswith("claude (coder) #812  fine")


def test_a_direct_message_says_to_whom() -> None:
    assert " alice → claude #3  hi" in body(said(3, "hi", "alice", recipients=("claude",)))[0]


def test_a_direct_message_is_locked_and_one_in_public_is_not() -> None:
    assert " 🔒 alice → claude #3  hi" in body(said(3, "hi", "alice", recipients=("claude",)))[0]
    assert " ↳ 🔒 claude (coder) → alice #4  hi" in body(said(4, "hi", recipients=("alice",), reply_to=3))[1]
    public = body(said(3, "hi", "alice", wakes=("claude",)))[0]
    assert " alice → claude #3  hi" in public
    assert "🔒" not in public


def test_days_are_ruled_off() -> None:
    found = lines(*stream(said(1), said(2), said(3, timestamp=LATER)))
    assert [line for line in found if "─" in line] == [found[0], found[3]]
    assert "November 2026" in found[3]


@pytest.mark.parametrize(
    ("rung", "reason", "words"),
    [
        (Rung.QUEUED, "", "· claude queued"),
        (Rung.HELD, "busy", "· claude held because busy"),
        (Rung.HELD, "draft", "· claude held because draft"),
        (Rung.TYPED, "", "· claude typed"),
        (Rung.SEEN, "", "· claude seen by the model"),
        (Rung.ANSWERED, "", "✓ claude answered"),
        (Rung.FAILED, "turn lost", "✗ claude failed: turn lost"),
        (Rung.FAILED, "interrupted by alice", "· claude interrupted by alice"),
        (Rung.FAILED, "interrupted at its terminal", "· claude interrupted at its terminal"),
        (Rung.FAILED, "refused by alice", "· claude refused by alice"),
    ],
)
def test_receipts_of_ones_own(rung: Rung, reason: str, words: str) -> None:
    found = body(said(1, "hi", "alice", deliveries=("claude",)), receipt(2, 1, rung, reason=reason))
    assert found[1].strip() == words


def test_what_an_agent_has_put_off_names_the_way_to_stop_it() -> None:
    hurried = said(1, "hi", "alice", deliveries=("claude",), urgent=True)
    found = body(hurried, receipt(2, 1, Rung.SUBMITTED, reason="queued, it is at work"))
    assert found[0].split()[1:4] == ["alice", "!", "#1"]
    assert found[1].strip() == "· claude submitted: queued, it is at work"
    assert found[2].strip() == "/stop claude ends what it works on"
    assert len(body(hurried, receipt(2, 1, Rung.SUBMITTED))) == 2


def test_what_interrupts_bears_two_marks() -> None:
    assert " !! " in body(said(1, "hi", "alice", urgent=True, interrupt=True))[0]


def test_a_receipt_repaints_its_message() -> None:
    state, made = stream(said(1, "hi", "alice", deliveries=("claude",)))
    assert "queued" in lines(state, made)[-1]
    state.take(receipt(2, 1, Rung.ANSWERED), 0)
    assert "answered" in lines(state, made)[-1]


def test_a_reply_stands_under_what_it_answers() -> None:
    question = said(1, "how?", "alice")
    near = body(question, said(2, "so", reply_to=1), said(3, "or so", "codex", reply_to=1))
    assert len(near) == 3
    assert "↳" in near[1]
    far = body(question, said(2, "meanwhile"), said(3, "so", reply_to=1))
    assert far[2].strip() == "┌ alice: how? (#1)"
    gone = body(said(3, "so", reply_to=1))
    assert "an earlier message (#1)" in gone[0]


def test_a_long_message_is_folded_until_it_is_opened() -> None:
    state, made = stream(said(1, "\n".join(f"line {number}" for number in range(40))))
    found = lines(state, made)
    assert len(found) < 12
    assert "32 more rows, F3 unfolds" in found[-1]
    made.unfolded.add((1, 0))
    assert "line 39" in lines(state, made)[-1]


def test_the_unread_mark() -> None:
    state, made = stream(said(1), said(2, "fresh"))
    state.mark = 1
    found = lines(state, made)
    assert " new " in found[2]
    state.mark = 2
    assert not any(" new " in line for line in lines(state, made))


def test_a_card_and_its_end() -> None:
    question = QuestionView(
        5, "claude", "Run rm?", (Option("1", "Yes"), Option("2", "No")), "Bash", "rm -r build", opened=STAMP
    )
    state, made = stream(said(1))
    state.ask(question)
    found = [line.strip() for line in lines(state, made)[2:]]
    assert found[0] == "┃ claude asks: Run rm? (Bash)"
    assert any("rm -r build" in line for line in found)
    assert "┃  1  Yes" in found
    assert "F2" in found[-1]
    made.focus.choose(5, frozenset("12"))
    assert "press its key" in lines(state, made)[-1]
    state.ask(QuestionView(5, "claude", "Run rm?", opened=STAMP, outcome="allowed by alice"))
    assert "claude asked: Run rm? – allowed by alice" in lines(state, made)[-1]


@pytest.mark.parametrize("width", [20, 40, 59, 60, 80, 200])
def test_a_narrow_pane_keeps_its_width(width: int) -> None:
    events = [
        said(1, "日本語テキスト " * 20, "alice", deliveries=("claude", "codex"), recipients=("claude", "codex")),
        receipt(2, 1, Rung.HELD, reason="busy"),
        said(3, CODE, reply_to=1),
        said(5, "x" * 300, "somebody-with-a-long-name"),
    ]
    state, made = stream(*events, width=width)
    state.ask(
        QuestionView(9, "claude", "May I " * 20, (Option("1", "Yes " * 20),), "Bash", "cd /a " * 50, opened=STAMP)
    )
    for line in lines(state, made):
        assert width_of(line) <= width or "#" in line, line


def test_the_readers_name_has_a_colour_where_another_calls_it() -> None:
    def marked(content: str, sender: str = "claude") -> list[str]:
        state = ChatState("alice")
        state.take(said(1, content, sender), 0)
        return [part for row in StreamRows(state)(0) for style, part in row if style == "class:me"]

    assert marked("look @alice, and **you, @ALICE**") == ["@alice", "@ALICE"]
    assert marked("@alicel or alice@example.com or alice") == []
    assert marked("I am @alice", sender="alice") == []


def test_what_comes_with_a_message_is_folded_and_unfolds() -> None:
    state = ChatState("alice")
    parts = (
        Part("file", "def f():\n    return 1\n", path="a.py", lines="42-43"),
        Part("link", url="https://x.example"),
    )
    state.take(said(1, "look", parts=parts, context={"branch": "main"}), 0.0)
    stream = StreamRows(state)
    folded = [text(row).strip() for row in stream(0)]
    assert folded[-3:] == [
        "+ a.py:42-43, 2 lines; F3 unfolds",
        "+ link https://x.example",
        "+ context, 3 lines; F3 unfolds",
    ]
    stream.unfolded = set(state.stream.keys)
    unfolded = [text(row).strip() for row in stream(0)]
    assert unfolded[-8:-4] == ["+ a.py:42-43, 2 lines", "│ def f():", "│     return 1", "+ link https://x.example"]


@pytest.mark.parametrize("width", [20, 60, 120])
def test_very_much_that_comes_with_a_message_takes_few_rows(width: int) -> None:
    state = ChatState("alice")
    state.take(said(1, "look", parts=tuple(Part("file", "x" * 500, path="a" * 300) for _ in range(100))), 0.0)
    stream = StreamRows(state)
    assert len(stream(0)) <= 7
    stream.unfolded = set(state.stream.keys)
    assert all(width_of(text(row)) <= 80 for row in stream(0))
