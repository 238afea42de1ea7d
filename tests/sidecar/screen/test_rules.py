"""What the rules conclude from a screen. Text that quotes a user interface must change nothing."""

import pytest

from gateway.protocol.types.core_types import Activity, Composer
from sidecar.agents import REGISTRY
from sidecar.errors import BadRules
from sidecar.evidence.turn_evidence import EvidenceSource
from sidecar.screen.emulator import ScreenSnapshot
from sidecar.screen.rules import read_screen
from sidecar.screen.rules_loader import load_rules
from tests.sidecar.pictures import COLUMNS, RULE, boxed, picture

CLAUDE = REGISTRY["claude"].rules
DIALOG = picture(
    "● Creating the file.",
    RULE,
    " Bash command",
    " touch a",
    " Do you want to proceed?",
    " ❯ 1. Yes",
    "   2. No",
    " Esc to cancel · Tab to amend",
)


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        pytest.param(boxed(), Activity.IDLE, id="an empty box"),
        pytest.param(boxed(text="half a thought"), Activity.IDLE, id="a draft"),
        pytest.param(boxed(footer="  ⏸ manual mode on · esc to interrupt"), Activity.BUSY, id="the footer"),
        pytest.param(boxed("✻ Thinking… (5s · ↓ 42 tokens)", ""), Activity.BUSY, id="a spinner"),
        pytest.param(boxed("✻ API error · Retrying in 2s · attempt 3/10"), Activity.BUSY, id="a retry"),
        pytest.param(boxed("✻ Cooked for 4s · done 8:34 AM"), Activity.IDLE, id="a finished turn"),
        pytest.param(boxed("● API Error: 500 no", "✻ Cooked for 0s"), Activity.ERROR, id="an error"),
        pytest.param(DIALOG, Activity.ASKING, id="a dialog"),
        pytest.param(boxed("  Waiting for permission…"), Activity.ASKING, id="a dialog about to be drawn"),
        pytest.param(picture("a shell $ "), None, id="something else"),
        pytest.param(boxed("● It printed:", "  ✻ Thinking… (5s)", "  Esc to cancel"), Activity.IDLE, id="quotes"),
        pytest.param(boxed("  ❯ 1. Yes", "  Do you want to proceed?"), Activity.IDLE, id="a quoted dialog"),
        pytest.param(boxed("● API Error: 500 means", "", "● All is well."), Activity.IDLE, id="an old error"),
    ],
)
def test_what_the_screen_argues_for(shown: ScreenSnapshot, says: Activity | None) -> None:
    argument = read_screen(CLAUDE, shown, {}).of(EvidenceSource.SCREEN)
    assert (argument and argument.says) == says


@pytest.mark.parametrize(
    ("shown", "composer", "text"),
    [
        (boxed(), Composer.EMPTY, ""),
        (boxed(text="one\ntwo"), Composer.DRAFT, "one\ntwo"),
        (boxed(text='Try "edit <file>"'), Composer.EMPTY, ""),
        (boxed(text="ls", mark="!"), Composer.DRAFT, "!ls"),
        (DIALOG, Composer.HIDDEN, ""),
    ],
)
def test_the_composer(shown: ScreenSnapshot, composer: Composer, text: str) -> None:
    reading = read_screen(CLAUDE, shown, {})
    assert (reading.composer, reading.text) == (composer, text)


def test_a_dialog_is_taken_apart() -> None:
    dialog = read_screen(CLAUDE, DIALOG, {}).dialog
    assert dialog is not None
    assert (dialog.question, dialog.options) == ("Do you want to proceed?", ("Yes", "No"))


@pytest.mark.parametrize("title", ["✳ Claude Code", "Claude Code", "◐ Claude Code"])
def test_titles(title: str) -> None:
    argument = read_screen(CLAUDE, boxed(), {"title": title}).of(EvidenceSource.TITLE)
    expected = {"✳": Activity.IDLE, "◐": Activity.BUSY}.get(title[0])
    assert (argument and argument.says) == expected


@pytest.mark.parametrize("text", ["not toml [", "agent = 'x'\n[[rules]]\nname='a'\nregion='nowhere'\nsays='idle'"])
def test_bad_rules_are_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadRules, match=r"mine\.toml cannot be used"):
        load_rules(text, "mine.toml")


def test_a_remnant_of_geminis_spinner_further_up_is_nothing() -> None:
    columns = 60
    composer = ("▄" * columns, " >   Type your message or @path/to/file", "▀" * columns, " ~/shop")
    live = ("─" * columns, " Shift+Tab to accept edits", *composer)
    remnant = (" ⠧ Thinking... (esc to cancel, 2s)", "          ? for shortcuts")
    rules = REGISTRY["gemini"].rules
    still = read_screen(rules, picture(*remnant, "✦ The answer.", "          ? for shortcuts", *live), {})
    turning = read_screen(rules, picture("✦ The answer.", *remnant, *live), {})
    assert [one and one.says for one in (still.of(EvidenceSource.SCREEN), turning.of(EvidenceSource.SCREEN))] == [
        Activity.IDLE,
        Activity.BUSY,
    ]
    stopped = turning.of(EvidenceSource.SCREEN, age=3.0)
    assert stopped is not None
    assert stopped.says is Activity.IDLE


def test_a_modal_of_codex_is_known_by_the_hidden_cursor() -> None:
    rows = ("  Select Model and Effort", "", "› 1. GPT-6", "  2. GPT-6-Astra", "", "  enter select · esc back")
    shown = ScreenSnapshot(("",) * 14 + rows, COLUMNS, cursor=(COLUMNS - 1, 19), cursor_visible=False)
    reading = read_screen(REGISTRY["codex"].rules, shown, {"vendor": "state=idle:app=codex"})
    screen = reading.of(EvidenceSource.SCREEN)
    assert screen is not None
    assert screen.says is Activity.ASKING
    assert reading.dialog is not None
    assert reading.dialog.options == ("GPT-6", "GPT-6-Astra")


def test_an_enter_that_began_a_new_row_leaves_an_empty_row_beneath_the_text() -> None:
    text, columns = ("[alice -> gemini #7] the build", "of the parser"), 60
    for more in ((), ("",)):
        rows = ("▄" * columns, f" > {text[0]}", f"   {text[1]}", *more, "▀" * columns, " workspace (/directory)")
        reading = read_screen(REGISTRY["gemini"].rules, ScreenSnapshot(rows, columns, (5, 2)), {})
        assert (reading.text, reading.empty_rows) == ("\n".join(text), len(more))
