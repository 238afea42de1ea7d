"""The card of a question at every size: nothing of it is lost, and nothing is advised that would be refused."""

from __future__ import annotations

import itertools

import pytest

from controller.view.approvals.approval_rows import CardView, card_rows, ended_rows, keys_line
from controller.view.approvals.question_view import QuestionView, ended_line, who_may_answer
from controller.view.text.row_types import Row
from controller.view.text.text_rows import width_of
from gateway.protocol.text.question_text import answer_commands
from gateway.protocol.types.core_types import AskAbout, Option

LONG = "rm -rf ./build && make all && ./run --with-a-long-option=" + "x" * 60 + " && ./deploy --prod --region=eu-west-1"
OPTIONS = (
    Option("1", "Yes"),
    Option("2", f"Yes, and don't ask again for {LONG[:60]} and similar commands in ~/work"),
    Option("3", "No, and tell Claude what to do differently (esc)"),
)
DIFF = "--- a/src/app.py\n+++ b/src/app.py\n@@ -1,3 +1,3 @@\n import os\n-old = 1\n+new = 2\n"
SIZES = [(60, 3), (60, 4), (80, 5), (80, 12), (120, 12), (140, 30), (20, 3), (30, 8), (60, 1), (60, 2)]


def question(**fields: object) -> QuestionView:
    shape: dict[str, object] = {
        "options": OPTIONS,
        "tool": "Bash",
        "detail": LONG,
        "about": AskAbout.COMMAND,
        "allow": "hook",
        "deny": "hook",
        "approvers": ("alice",),
        **fields,
    }
    return QuestionView(5, "claude", "Do you want to proceed?", **shape)  # type: ignore[arg-type]


def text(row: Row) -> str:
    return "".join(part for _, part in row)


def texts(rows: list[Row]) -> list[str]:
    return [text(row).removeprefix("┃ ") for row in rows]


def joined(rows: list[Row]) -> str:
    """Without what wrapping added or took."""
    return "".join("".join(texts(rows)).split())


def look(width: int = 80, height: int = 12, **fields: object) -> CardView:
    return CardView("alice", width, height, **fields)  # type: ignore[arg-type]


BODIES = {
    "short": question(detail="touch made"),
    "long": question(),
    "many lines": question(detail="\n".join(f"echo {number}" for number in range(40))),
    "64 KiB": question(detail="word " * 13_000),
    "one word": question(detail="x" * 5000),
    "diff": question(detail=DIFF * 30, about=AskAbout.DIFF, tool="Edit"),
    "wide": question(detail="日本語テキスト" * 60),
    "no detail": question(detail="", tool=""),
    "unreadable": question(readable=False, options=()),
    "not mine": question(approvers=("bob", "root")),
    "twenty options": question(options=tuple(Option(str(one), f"choice {one} " * 9) for one in range(1, 21))),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("chosen", [False, True])
def test_a_card_fits_and_says_what_is_wanted(name: str, width: int, height: int, chosen: bool) -> None:
    ask = BODIES[name]
    rows = card_rows(ask, look(width, height, chosen=chosen))
    assert 0 < len(rows) <= height
    assert all(width_of(text(row)) <= width for row in rows), texts(rows)
    begin = "".join((ask.detail or ask.question).split())[:5]
    assert begin in joined(rows) or (name == "diff" and "claude:src" in joined(rows))
    whole = joined(card_rows(ask, look(width, height, chosen=chosen, unfolded=True)))
    if not all("".join(part.split()) in joined(rows) for part in (ask.detail, *(one.text for one in ask.options))):
        assert "F3" in joined(rows), "what is folded says how to see it"
    if "".join(ask.detail.split()) not in joined(rows):
        length = "characters" if width >= 60 and height > 2 else "row" if width >= 30 else "F3"
        assert length in joined(rows), "its length is told"
    assert len("".join(ask.detail.split())) <= len(whole)


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("width", [20, 36, 60, 80, 120, 200])
def test_unfolded_nothing_is_missing(name: str, width: int) -> None:
    ask = BODIES[name]
    whole = joined(card_rows(ask, look(width, 3, unfolded=True)))
    assert "".join(ask.detail.split()) in whole
    assert all("".join(one.text.split()) in whole for one in ask.options)
    assert "".join(ask.question.split()) in whole


def test_its_length_is_told_where_it_is_folded() -> None:
    ask = BODIES["many lines"]
    found = texts(card_rows(ask, look(80, 12)))
    assert any(line.startswith("… +") and "rows, 309 characters; F3 shows all" in line for line in found), found
    assert found[0] == "claude asks: Do you want to proceed? (Bash)"
    assert found[1] == "echo 0"


def test_three_rows_hold_command_length_and_choices() -> None:
    found = texts(card_rows(question(), look(60, 3)))
    assert found[0].startswith("claude: rm -rf ./build && make all")
    assert "characters; F3 shows all" in found[1]
    assert found[2].startswith(" 1 Yes  2 Yes, and")
    assert " 3 No" in found[2]


def test_the_command_is_the_brightest() -> None:
    for height in (3, 8, 20):
        for row in card_rows(question(), look(80, height)):
            rest = "".join(part for style, part in row if style != "class:wanted")
            assert "rm -rf" not in rest or "again" in rest
    styles = {style for row in card_rows(question(), look(80, 20)) for style, part in row if "rm -rf ./build" in part}
    assert styles == {"class:wanted", ""}  # the command, and an option that repeats it


def test_a_diff_is_coloured_as_diffs_are() -> None:
    found = card_rows(question(detail=DIFF, about=AskAbout.DIFF), look(80, 30))
    styles = {part: style for row in found for style, part in row}
    assert styles["+new = 2"] == "class:diff-added"
    assert styles["-old = 1"] == "class:diff-removed"
    assert styles["+++ b/src/app.py"] == "class:diff-head"
    assert styles["@@ -1,3 +1,3 @@"] == "class:diff-place"


def test_options_stand_beside_their_keys() -> None:
    found = texts(card_rows(question(detail="make"), look(60, 20)))
    at = next(number for number, line in enumerate(found) if line.startswith(" 2 "))
    assert found[at].startswith(" 2  Yes, and don't ask again for")
    assert found[at + 1].startswith("    ") and not found[at + 1].startswith("     ")


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ({}, "123ynw"),
        ({"words": False}, "123yn"),
        ({"deny": "", "words": True}, "123y"),
        ({"allow": "", "deny": ""}, "123"),
        ({"options": (), "readable": False}, "ynw"),
        ({"options": (), "allow": "", "deny": "", "readable": False}, ""),
        ({"approvers": ("bob",)}, ""),
        ({"approvers": ()}, ""),
        ({"approvers": None}, "123ynw"),
        ({"options": (Option("y", "Yes"), Option("n", "No"), Option("o", "Once")), "words": False}, "yno"),
    ],
)
def test_only_keys_that_would_be_taken_are_offered(fields: dict[str, object], keys: str) -> None:
    ask = question(**{"words": True, **fields})
    assert ask.keys("alice", panes=False) == frozenset(keys)
    assert ask.keys("alice", panes=True) == frozenset(keys) | {"o"}
    for key in ask.keys("alice", panes=False):
        assert ask.answer_for(key) or ask.opens_refusal_line(key)
    shown = keys_line(ask, look())
    assert ("F2 to answer" in shown) == bool(keys)
    assert ("terminal" in shown) == (not keys)


@pytest.mark.parametrize(
    ("approvers", "words"),
    [
        (("alice",), ""),
        (None, ""),
        (("alice", "bob"), "you or bob may answer"),
        (("bob", "root", "zoe"), "bob, root or zoe may answer"),
        ((), "nobody in the chat has the right to answer it"),
    ],
)
def test_who_may_answer(approvers: tuple[str, ...] | None, words: str) -> None:
    ask = question(approvers=approvers)
    assert who_may_answer(ask, "alice") == words
    assert words in " ".join(texts(card_rows(ask, look(100, 20))))


def test_what_cannot_be_read_is_said_and_only_its_terminal_is_offered() -> None:
    ask = question(readable=False, options=(), allow="", deny="", detail="")
    for panes, chosen in itertools.product((False, True), repeat=2):
        found = " ".join(texts(card_rows(ask, look(100, 20, panes=panes, chosen=chosen))))
        assert "cannot be read" in found or "can be read" in found
        assert "claude's terminal" in found
        assert "/approve" not in found and "F2 to answer" not in found
        assert ("o shows it" in found or "then o" in found) == panes
    assert answer_commands(ask) == []


def test_what_was_left_out_is_told() -> None:
    found = " ".join(texts(card_rows(question(left_out=12_345), look(100, 20))))
    assert "12 345 more characters are only in claude's terminal." in found


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"detail": "make all"}, "claude asked to run `make all` – root answered: Yes"),
        ({"detail": "cd /a\nmake"}, "claude asked to run `cd /a ↵ make` – root answered: Yes"),
        (
            {"detail": DIFF, "about": AskAbout.DIFF},
            "claude asked to change `src/app.py (+1 -1)` – root answered: Yes",
        ),
        (
            {"detail": "/etc/hosts", "about": AskAbout.PATH, "tool": "Read"},
            "claude asked for Read `/etc/hosts` – root answered: Yes",
        ),
        (
            {"detail": "", "about": AskAbout.TEXT},
            "claude asked: Do you want to proceed? – root answered: Yes",
        ),
        (
            {"detail": "Trust this folder?\nDo you want to proceed?", "about": AskAbout.TEXT},
            "claude asked: Do you want to proceed? `Trust this folder?` – root answered: Yes",
        ),
    ],
)
def test_the_line_that_remains(fields: dict[str, object], line: str) -> None:
    ask = question(outcome="root answered: Yes", **fields)
    assert ended_line(ask) == line
    assert " ".join(texts(ended_rows(ask, 200, unfolded=False))) == line


def test_a_long_line_is_folded_in_the_middle_and_unfolds() -> None:
    ask = question(detail=LONG * 20, outcome="root answered: No, because it is Friday")
    folded = texts(ended_rows(ask, 60, unfolded=False))
    assert len(folded) <= 6
    assert "characters; F3 shows all" in folded[-2]
    assert folded[-1] == "– root answered: No, because it is Friday"
    assert "".join(LONG.split()) * 20 in joined(ended_rows(ask, 60, unfolded=True))


@pytest.mark.parametrize("fields", [{"readable": False}, {"left_out": 5}])
@pytest.mark.parametrize("height", [1, 2, 3])
def test_a_few_rows_say_that_not_all_was_read(fields: dict[str, object], height: int) -> None:
    assert texts(card_rows(question(**fields), look(60, height)))[0].startswith("claude (in part): rm -rf")
