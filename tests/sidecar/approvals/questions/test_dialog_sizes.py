"""Dialogs at every size: an option is announced with all of its words or not at all."""

from functools import cache

import pytest

from gateway.protocol.types.core_types import AskAbout
from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import HookQuestion
from sidecar.approvals.questions.dialog_parser import Question, read_question
from sidecar.approvals.questions.question_matching import HookCandidate, match_question
from sidecar.screen.emulator import ScreenSnapshot
from sidecar.screen.rules import read_screen
from tests.sidecar.drawn_dialogs import COMMAND, DRAWN

WIDTHS, HEIGHTS = (*range(26, 81), *range(83, 201, 9)), (6, 8, 10, 14, 20, 24, 30, 40, 60)
TEXTS = (COMMAND, "rm -rf ./build", "make all", "/home/dev/work-of-today/shop-and-more")
HOOKS = {
    name: HookCandidate(
        "f" * 16, HookQuestion("Bash", COMMAND, name == "claude", AskAbout.COMMAND, "Run this command?", texts=TEXTS)
    )
    for name in DRAWN
}
DENIES = {"claude": ("4", "esc"), "codex": ("3", "esc"), "gemini": ("3",)}


@cache
def seen(name: str, columns: int, lines: int, hints: tuple[str, ...] = ()) -> Question | None:
    """What is read of its dialog in a terminal of this size."""
    draw, _ = DRAWN[name]
    rules = REGISTRY[name].rules
    assert rules.options is not None
    picture = ScreenSnapshot(tuple(row.rstrip() for row in draw(columns, lines)), columns, cursor_visible=False)
    dialog = read_screen(rules, picture, {}).dialog
    return read_question(dialog, rules.options, hints) if dialog else None


@pytest.mark.parametrize("name", DRAWN)
def test_an_option_has_all_its_words_or_is_not_announced(name: str) -> None:
    _, texts = DRAWN[name]
    whole = {str(at): text for at, text in enumerate(texts, 1)}
    found = 0
    for columns in WIDTHS:
        for lines in HEIGHTS:
            question = seen(name, columns, lines, TEXTS)
            if question is None:
                continue
            found += question.readable
            for one in question.choices:
                assert one.text == whole[one.key], (columns, lines)
            assert not question.complete or len(question.choices) == len(texts), (columns, lines)
            assert question.allow in ("", "1") and question.deny in ("", *DENIES[name]), (columns, lines)
    assert found > 150


@pytest.mark.parametrize("name", DRAWN)
def test_without_the_words_of_a_hook_no_option_lacks_any_but_blanks(name: str) -> None:
    _, texts = DRAWN[name]
    whole = {str(at): "".join(text.split()) for at, text in enumerate(texts, 1)}
    for columns in WIDTHS:
        for lines in HEIGHTS:
            question = seen(name, columns, lines)
            for one in question.choices if question else ():
                assert "".join(one.text.split()) == whole[one.key], (columns, lines)


@pytest.mark.parametrize("name", DRAWN)
def test_a_question_of_a_hook_is_the_same_at_every_size_and_its_command_is_whole(name: str) -> None:
    told = HOOKS[name]
    for columns in WIDTHS:
        for lines in HEIGHTS:
            found = match_question(seen(name, columns, lines, TEXTS), [told], asks=True, untouched=True)
            question = found.question
            assert question is not None and found.told is told, (columns, lines)
            assert (question.digest, question.detail, question.about) == (told.name, COMMAND, AskAbout.COMMAND)


@pytest.mark.parametrize("name", DRAWN)
def test_without_a_hook_what_cannot_be_read_whole_offers_no_yes(name: str) -> None:
    for columns in WIDTHS:
        for lines in HEIGHTS:
            question = match_question(seen(name, columns, lines), [], asks=True, untouched=True).question
            if question and not question.readable:
                assert (question.allow, question.choices) == ("", ()) or question.whole, (columns, lines)


def test_the_switch_to_another_mode_is_an_option_of_its_own_and_never_a_plain_yes() -> None:
    """Claude offers it between "don't ask again" and No, and names it in the tip beneath its title."""
    question = match_question(seen("claude", 100, 30, TEXTS), [HOOKS["claude"]], asks=True, untouched=True).question
    assert question is not None and question.readable
    assert (question.key("allow"), question.key("deny")) == (b"1", b"4")
    assert question.text_of("1") == "Yes" and question.text_of("4") == "No"
    assert question.text_of("3") == "Yes, and switch to auto mode · auto mode handles these prompts for you"


def test_codex_is_answered_in_a_pane_that_shows_its_first_option_alone() -> None:
    """As in a pane of 40 x 6: the hook says what it is about, and the rest is hidden."""
    rows = (
        "",
        "  [… 13 lines] ^a view all",
        "› 1. Yes, proceed (y)",
        "  2. Yes, and don't ask again for",
        "  Press enter to confirm or esc to",
        "  cancel",
    )
    rules = REGISTRY["codex"].rules
    dialog = read_screen(rules, ScreenSnapshot(rows, 40, cursor_visible=False), {}).dialog
    assert dialog is not None and rules.options is not None
    screen = read_question(dialog, rules.options)
    question = match_question(screen, [HOOKS["codex"]], asks=True, untouched=True).question
    assert question is not None
    assert (question.key("allow"), question.key("deny"), question.key("2")) == (b"1", b"\x1b", b"")
    assert question.once and not question.readable
    alone = match_question(screen, [], asks=True, untouched=True).question
    assert alone is not None and (alone.key("allow"), alone.key("deny")) == (b"", b"")


@pytest.mark.parametrize(
    ("rows", "keys"),
    [
        (
            (" ↓ 2. Yes, and switch to", "      accept edits", " ↑ 23 more lines", " Esc to cancel · Tab to", " amend"),
            "",
        ),
        ((" ❯ 1. Yes", " ↓ 2. Yes, and switch to", "      accept edits", " ↑ 22 more lines", " Esc to cancel"), "1"),
    ],
)
def test_only_complete_options_of_a_scrolled_claude_list_are_announced(rows: tuple[str, ...], keys: str) -> None:
    rules = REGISTRY["claude"].rules
    dialog = read_screen(rules, ScreenSnapshot(rows, 26, cursor_visible=False), {}).dialog
    assert dialog is not None and rules.options is not None
    question = read_question(dialog, rules.options)
    assert ("".join(one.key for one in question.choices), question.complete, question.whole) == (keys, False, False)
