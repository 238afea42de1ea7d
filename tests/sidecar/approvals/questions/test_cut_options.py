"""Options that the agent cuts in a narrow or low pane: which are offered, and that a "no" stays a "no"."""

from __future__ import annotations

import pytest

from sidecar.agents import REGISTRY
from sidecar.approvals.questions.dialog_parser import read_question
from sidecar.screen.rules import Dialog

GEMINI = """\
╭──────────────────────────────╮
│ ? Shell  ./do-1 alpha        │
│ Allow execution of [Shell]?  │
│                              │
│ ● 1. Allow once              │
│   2. {second} │
│   3. {third} │
╰──────────────────────────────╯"""
CODEX = """\
  Would you like to run the following
  command?

  $ ./do-1 alpha

› 1. Yes, proceed (y)
  2. Yes, and don't ask again for
     commands that start with `./do-1` (p)
{third}
  Press enter to confirm or esc to cancel"""


@pytest.mark.parametrize(
    ("second", "third", "keys", "readable"),
    [
        ("Allow for this session", "No, suggest changes (esc)", ["1", "2", "3"], True),
        ("Allow for this session", "No, suggest changes (e…", ["1", "2"], False),
        ("Allow for…", "No, sugge…", ["1"], False),
    ],
)
def test_what_gemini_cuts_is_not_offered_but_no_is_still_no(
    second: str, third: str, keys: list[str], readable: bool
) -> None:
    options = REGISTRY["gemini"].rules.options
    assert options is not None
    question = read_question(Dialog("", (), GEMINI.format(second=second, third=third)), options)
    assert ([one.key for one in question.choices], question.readable) == (keys, readable)
    assert (question.allow, question.deny) == ("1", "3")
    assert (question.key("allow"), question.key("deny")) == (b"1", b"3")
    assert question.key("2") == (b"2" if "2" in keys else b"")


@pytest.mark.parametrize(
    ("third", "keys", "readable"),
    [
        ("  3. No, and tell Codex what to do\n     differently (esc)\n", ["1", "2", "3"], True),
        ("  3. No, and tell Codex what to do\n", ["1", "2"], False),
        ("  3. No, and tell Codex what to do\n  ↓\n", ["1", "2"], False),
        ("", ["1", "2"], False),
    ],
)
def test_an_option_of_codex_ends_with_its_key(third: str, keys: list[str], readable: bool) -> None:
    """Its list is cut to the rows that there are, and an empty row stands beneath it all the same."""
    options = REGISTRY["codex"].rules.options
    assert options is not None
    question = read_question(Dialog("", (), CODEX.format(third=third)), options)
    assert ([one.key for one in question.choices], question.readable) == (keys, readable)
    assert question.allow == "1"
