"""The judgement of approvals: each way to be wrong is seen as wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.approvals_options import read
from benchmarks.approvals_questions import Ground, done, patch, prepare, question, shapes
from benchmarks.approvals_sizes import SIZES
from benchmarks.approvals_truth import results_in
from benchmarks.approvals_verdict import (
    Answer,
    Fate,
    Options,
    Outcome,
    detail_is_whole,
    judge_card,
    judge_outcome,
    options_on,
)
from benchmarks.delivery_cast import PLAYERS
from gateway.protocol.types.core_types import Ask, AskAbout, Option

GROUND = Ground(Path("/work"), Path("/beside"))
VENDOR = [("1", "Yes"), ("2", "Yes, and don't ask again for ./do-0007 in /work"), ("3", "No")]
WHOLE = tuple(Option(key, text) for key, text in VENDOR)


def ask(detail: str = "", options: tuple[Option, ...] = WHOLE, *, readable: bool = True, left_out: int = 0) -> Ask:
    return Ask(
        "claude",
        7,
        "d",
        "Do you want to proceed?",
        "now",
        options=options,
        detail=detail,
        readable=readable,
        left_out=left_out,
        about=AskAbout.COMMAND,
    )


def command() -> str:
    return question("claude", "command two lines", "0007", GROUND).told


@pytest.mark.parametrize(
    ("card", "whole", "options"),
    [
        (ask(command()), True, Options.WHOLE),
        (
            ask(command(), (WHOLE[0], Option("2", "Yes, and don't ask again for ./do-0007\n  in /work"), WHOLE[2])),
            True,
            Options.WHOLE,
        ),
        (ask(command()[:-1]), False, Options.WHOLE),
        (ask(command(), left_out=3), False, Options.WHOLE),
        (ask(command(), (WHOLE[0], Option("2", "Yes, and don't ask again for"), WHOLE[2])), True, Options.CUT),
        (ask(command(), WHOLE[:1]), True, Options.CUT),
        (ask(command(), WHOLE[:1], readable=False), True, Options.LEFT_OUT),
        (ask(command(), (), readable=False), True, Options.LEFT_OUT),
        (ask(command(), (Option("1", "No"),), readable=False), True, Options.CUT),
    ],
)
def test_what_a_card_shows(card: Ask, whole: bool, options: Options) -> None:
    found = judge_card(question("claude", "command two lines", "0007", GROUND), card, VENDOR)
    assert (found.detail, found.options) == (whole, options)


DIFF = "--- /project/file-0007.txt\n+++ /project/file-0007.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three"


@pytest.mark.parametrize(
    ("name", "detail", "whole"),
    [
        ("edit one line", DIFF, True),
        ("edit one line", DIFF.replace(" one\n", "").replace(" three", ""), True),
        ("edit one line", DIFF.replace("+zwei\n", ""), False),
        ("edit one line", DIFF.replace("file-0007", "file-0008"), False),
        ("edit one line", "/project/file-0007.txt", False),
        ("edit new file", "--- /dev/null\n+++ /project/file-0007.txt\n@@ -0,0 +1,3 @@\n+alpha\n+beta\n+2. Yes", True),
        ("edit new file", "--- /dev/null\n+++ /project/file-0007.txt\n@@ -0,0 +1,3 @@\n+alpha\n+beta", False),
        ("edit one line", patch(Path("/project/file-0007.txt"), "one\ntwo\nthree\n", "one\nzwei\nthree\n"), True),
        ("fetch short address", "https://host-0007.example/a/b?c=d", True),
        ("fetch short address", "What is at https://host-0007.example/a/b?c=d", True),
        ("fetch short address", "https://host-0007.example/a", False),
    ],
)
def test_what_a_detail_tells(name: str, detail: str, whole: bool) -> None:
    assert detail_is_whole(question("claude", name, "0007", GROUND), ask(detail)) is whole


@pytest.mark.parametrize(
    ("out", "fate"),
    [
        (Outcome(Answer.YES, by_room=True, terminal=None, done=1), Fate.RIGHT),
        (Outcome(Answer.YES, by_room=True, terminal=None, done=0), Fate.WRONG),
        (Outcome(Answer.YES, by_room=True, terminal=None, done=2), Fate.WRONG),
        (Outcome(Answer.WORDS, by_room=True, terminal=None, done=0), Fate.RIGHT),
        (Outcome(Answer.NO, by_room=True, terminal=None, done=1), Fate.WRONG),
        (Outcome(Answer.NO, by_room=True, terminal=True, done=1), Fate.WRONG),
        (Outcome(Answer.YES, by_room=False, terminal=True, done=1), Fate.TERMINAL),
        (Outcome(Answer.YES, by_room=False, terminal=False, done=0), Fate.TERMINAL),
        (Outcome(Answer.YES, by_room=False, terminal=False, done=1), Fate.WRONG),
        (Outcome(Answer.YES, by_room=False, terminal=None, done=1), Fate.WRONG),
        (Outcome(Answer.NO, by_room=False, terminal=False, done=0, seen=False), Fate.UNSEEN),
        (Outcome(Answer.NO, by_room=False, terminal=None, done=1, seen=False), Fate.WRONG),
    ],
)
def test_what_came_of_an_answer(out: Outcome, fate: Fate) -> None:
    assert judge_outcome(out) is fate


@pytest.mark.parametrize(
    "rows",
    [
        [
            "$ echo '1. No'",
            " ❯ 1. Yes",
            "   2. Yes, and don't ask again",
            "      for ./do-0007",
            "   3. No",
            "",
            " Esc",
        ],
        ["› 1. Yes", "  2. Yes, and don't ask again", "     for ./do-0007", "  3. No", "", "  Press enter"],
        ["│ ● 1. Yes          │", "│   2. Yes, and don't ask again for ./do-0007 │", "│   3. No  │", "╰───╯"],
    ],
)
def test_the_options_of_a_dialog_with_room(rows: list[str]) -> None:
    assert options_on(rows) == [("1", "Yes"), ("2", "Yes, and don't ask again for ./do-0007"), ("3", "No")]


def test_results_of_tools_in_the_three_notations() -> None:
    claude = {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": "made"}]}]}
    codex = {"input": [{"type": "function_call_output", "output": "made"}]}
    gemini = {"contents": [{"parts": [{"functionResponse": {"name": "x", "response": {"output": "made"}}}]}]}
    assert ["made" in "".join(results_in(one)) for one in (claude, codex, gemini)] == [True] * 3


@pytest.mark.parametrize("cli", ["claude", "codex", "gemini"])
def test_each_question_is_seen_when_it_is_done(cli: str, tmp_path: Path) -> None:
    """And the vendor's own options are known for each."""
    ground = Ground(tmp_path / "work", tmp_path / "beside")
    for number, name in enumerate(shapes(cli)):
        asked = question(cli, name, f"{number:04}", ground)
        prepare(ground, asked)
        assert done(ground, asked) == 0
        if asked.path is not None:
            asked.path.write_text(asked.after)
            assert done(ground, asked) == 1
    assert set(read()[cli].options) == set(shapes(cli))
    assert read()[cli].version == PLAYERS[cli].version


def test_panes_as_the_launcher_makes_them() -> None:
    assert [one.pane_name for one in SIZES] == ["19x10", "26x12", "32x15", "39x21", "66x32"]
