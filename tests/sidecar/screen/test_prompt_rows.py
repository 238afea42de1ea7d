"""Aider's prompt: rows at the cursor that begin with its mark, beneath the rule that begins each prompt."""

import pytest

from gateway.protocol.types.core_types import Activity, Composer
from sidecar.agents import REGISTRY
from sidecar.evidence.turn_evidence import EvidenceSource
from sidecar.screen.emulator import ScreenSnapshot
from sidecar.screen.rules import ScreenReading, read_screen

RULE = "─" * 60
RULES = REGISTRY["aider"].rules
SAID = (RULE, "> [alice -> ada #1] Hello.", "", "Good day.", "", "Tokens: 2k sent, 9 received.")


def read(*rows: str, cursor: tuple[int, int] | None = None) -> ScreenReading:
    at = cursor or (len(rows[-1]), len(rows) - 1)
    return read_screen(RULES, ScreenSnapshot((*rows, "", ""), 60, at), {})


def says(reading: ScreenReading) -> Activity | None:
    argument = reading.of(EvidenceSource.SCREEN)
    return argument.says if argument else None


@pytest.mark.parametrize("prompt", [">", "ask>", "architect>"])
def test_an_empty_prompt_is_idle(prompt: str) -> None:
    reading = read(*SAID, RULE, prompt, cursor=(len(prompt) + 1, 7))
    assert (says(reading), reading.composer) == (Activity.IDLE, Composer.EMPTY)


def test_the_files_of_the_chat_stand_between_the_rule_and_the_prompt() -> None:
    reading = read(*SAID, RULE, "Readonly: notes.md", "Editable: a.py  b.py", "> hm")
    assert (says(reading), reading.text) == (Activity.IDLE, "hm")


def test_a_text_of_several_rows_is_read_without_their_marks() -> None:
    reading = read(*SAID, RULE, "ask> first", "ask> > quoted", "ask>", "ask> last")
    assert reading.text == "first\n> quoted\n\nlast"


def test_completions_beneath_it_are_no_text() -> None:
    reading = read(*SAID, RULE, "> see READ", "      README.md  READING.md", cursor=(10, 7))
    assert reading.text == "see READ"


def test_a_text_that_fills_the_screen_is_shown_in_part() -> None:
    reading = read(*(f"> row {n}" for n in range(20)))
    assert reading.partial and reading.composer is Composer.DRAFT


@pytest.mark.parametrize(
    "rows",
    [
        (RULE, "> [alice -> ada #1] Hello.", ""),  # it works
        (RULE, "> [alice -> ada #1] Hello.", "", "> a quotation of its model"),
        ("> a quotation without a rule", "> and its second row"),
        (RULE, "> Hello.", "", "made.py", "Add file to the chat? (Y)es/(N)o/(D)on't ask again [Yes]:", "> "),  # wrapped
    ],
)
def test_what_only_looks_like_it_is_no_prompt(rows: tuple[str, ...]) -> None:
    filled = rows if rows[0] == RULE else ("said", *rows)
    assert read(*filled).composer is Composer.HIDDEN


@pytest.mark.parametrize(
    "row",
    [
        "Run shell command? (Y)es/(N)o/(D)on't ask again [Yes]: ",
        "Add file to the chat? (Y)es/(N)o/(A)ll/(S)kip all/(D)on't ask again [Yes]: sk",
        "> ask again [Yes]: ",  # the end of one that is wrapped
        "Edit the files? (Y)es/(N)o [Yes]: ",
    ],
)
def test_a_question_at_the_cursor_is_asking(row: str) -> None:
    assert says(read(*SAID, "", "made.py", row)) is Activity.ASKING


def test_an_answered_question_asks_no_more() -> None:
    assert says(read(*SAID, "Run shell command? (Y)es/(N)o [Yes]: y", "", cursor=(0, 7))) is None


def test_a_spinner_is_work() -> None:
    assert says(read(*SAID, " █░        Waiting for openai/fake-1")) is Activity.BUSY


def test_where_enter_does_not_submit_nothing_is_typed() -> None:
    assert says(read(*SAID, RULE, "multi>")) is Activity.UNKNOWN
