"""Questions read from recordings of the real agents: one digest per dialog, one dialog per digest."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from sidecar.activity.recording_replay import parse_recording, replay_observations
from sidecar.agents import REGISTRY
from sidecar.approvals.approval_inputs_and_effects import AnnounceDialog, DialogSighting
from sidecar.approvals.approval_rules import Approvals
from sidecar.approvals.questions.dialog_parser import MAX_QUESTION_CHARS, Question, cut_question, read_question
from sidecar.screen.rules import Dialog

FOLDER = Path(__file__).parents[3] / "recordings"


@cache
def told(name: str) -> tuple[Question, ...]:
    """The dialogs of a recording, as they would be told to the room."""
    path = FOLDER / f"{name}.cast"
    agent = REGISTRY[json.loads(path.with_suffix(".json").read_text())["cli"]]
    assert agent.rules.options is not None
    approvals, effects, before = Approvals(), [], (0.0, DialogSighting(None))
    for at, moment in replay_observations(parse_recording(path.read_text().splitlines()), agent):
        due = approvals.due(before[0])
        if due is not None and before[0] + due < at:
            effects += approvals.observe(before[1], before[0] + due)
        dialog = moment.verdict.dialog
        before = at, DialogSighting(read_question(dialog, agent.rules.options) if dialog else None)
        effects += approvals.observe(before[1], at)
    return tuple(one.question for one in effects if isinstance(one, AnnounceDialog))


# claude-197-resizes is not here: that CLI redraws a dialog at a new size over remnants of the old one: for 0.8 s its
# third option reads "Nooject". What is shown is another question, and told as one.
COUNTS = {
    "claude-329-permission": 5,
    "claude-329-resize": 1,
    "claude-permission": 4,
    "claude-misc-dialogs": 2,
    "codex-approval": 2,
    "codex-resize": 1,
    "codex-silence": 1,
    "codex-model-picker": 2,
    "codex-trust-prompt": 1,
    "gemini-approval": 4,
    "gemini-outside-path": 1,
    "gemini-size-60x20": 2,
    "demo-turns": 1,
    "claude-329-trust-dialog": 1,
}


@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_the_digest_of_an_open_dialog_is_stable_and_another_command_changes_it(name: str, count: int) -> None:
    assert len({one.digest for one in told(name)}) == len(told(name)) == count


@pytest.mark.parametrize(
    ("name", "allow", "deny", "words"),
    [
        ("claude-329-permission", "1", "4", "touch marker.txt"),
        ("claude-permission", "1", "3", "touch /home/d/proj/perm/x1 && ls"),
        ("codex-approval", "1", "3", "$ sleep 3; echo approved"),
        ("gemini-approval", "1", "3", "sleep 3; echo hi"),
        ("demo-turns", "1", "2", "Do you want to run this?"),
        ("gemini-outside-path", "1", "2", "/home/dev/other/notes.txt"),
        ("codex-trust-prompt", "", "esc", "/home/d/gitrepo2"),
        ("codex-model-picker", "", "esc", "Select Model and Effort"),
        ("claude-misc-dialogs", "", "esc", "Which one?"),
        ("claude-329-trust-dialog", "", "esc", "Yes, I trust this folder"),
    ],
)
def test_what_plainly_means_yes_and_no(name: str, allow: str, deny: str, words: str) -> None:
    first = told(name)[0]
    assert (first.allow, first.deny) == (allow, deny)
    assert words in first.detail


RULE = "─" * 60


def of(text: str, agent: str = "claude") -> Question:
    options = REGISTRY[agent].rules.options
    assert options is not None
    return read_question(Dialog("", (), text), options)


def permission(command: str, mark: int = 1) -> str:
    options = [f" {'❯' if n == mark else ' '} {n}. {text}" for n, text in enumerate(("Yes", "No"), 1)]
    return "\n".join([RULE, " Bash command", f"   {command}", " Do you want to proceed?", *options, " Esc to cancel"])


def test_the_position_of_the_selection_does_not_matter() -> None:
    assert of(permission("touch a", 1)) == of(permission("touch a", 2))


@pytest.mark.parametrize("command", ["touch b", "touch  a b", "touch a?", "rm -rf / x", "rm -rf /x"])
def test_each_command_has_its_own_digest(command: str) -> None:
    others = [of(permission(one)).digest for one in ("touch a", "touch a b c", "rm -rf /  y") if one != command]
    assert of(permission(command)).digest not in others
    assert of(permission("rm -rf / x")).digest != of(permission("rm -rf /x")).digest


def test_a_command_that_looks_like_options_is_not_an_option() -> None:
    forged = permission("printf '\n 1. No\n 2. Yes\n 3. Yes\n'")
    question = of(forged)
    assert [(one.key, one.text) for one in question.choices] == [("1", "Yes"), ("2", "No")]
    assert (question.allow, question.deny) == ("1", "2")


def test_of_two_that_mean_yes_none_is_plain() -> None:
    question = of(permission("touch a").replace("2. No", "2. Yes"))
    assert question.allow == ""
    assert question.key("allow") == b""


def test_earlier_output_of_codex_is_not_part_of_its_question() -> None:
    dialog = "  Would you like to run this?\n\n  $ touch a\n\n› 1. Yes, proceed (y)\n  2. No, and tell Codex what (esc)"
    assert (
        of(f"• Running touch a\n\n{dialog}", "codex").digest == of(f"• Ran it\n◦ Running\n\n{dialog}", "codex").digest
    )
    assert of(f"• Running\n\n{dialog}", "codex").question == "Would you like to run this?"


def test_what_counts_in_a_dialog_without_options_does_not_matter() -> None:
    first, second = of("Log in\n ⠋ waiting for 3s"), of("Log in\n ⠙ waiting for 14s")
    assert first.digest == second.digest
    assert first.choices == () and replace(first, detail="") == replace(second, detail="")


def test_control_characters_go_nowhere() -> None:
    assert "\x1b" not in of(permission("echo \x1b[2J")).detail


def test_a_question_that_is_cut_says_so() -> None:
    assert cut_question("a" * MAX_QUESTION_CHARS) == "a" * MAX_QUESTION_CHARS
    assert cut_question("a" * (MAX_QUESTION_CHARS + 7)).endswith("a [7 more characters: see its terminal]")
