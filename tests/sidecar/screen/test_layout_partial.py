"""A composer too small for its text: the agents' own cut marks tell which part of our text it shows."""

import pytest

from gateway.protocol.types.core_types import Composer
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.agents import REGISTRY
from sidecar.prompt_typing.typing_gate import ComposerContent, composer_content
from sidecar.screen.emulator import ScreenSnapshot
from sidecar.screen.rules import read_screen
from tests.sidecar.pictures import COLUMNS, RULE, moment

TEXT = "[alice -> me #7] " + " ".join(f"w{number:03d}" for number in range(150))
ROWS = tuple(" ".join(f"w{number:03d}" for number in range(at, at + 10)) for at in range(50, 150, 10))
TAIL = tuple(f"  {row}" for row in ROWS)


def claude(first: str = "─── ↑ 10 more ") -> ScreenSnapshot:
    return ScreenSnapshot((first.ljust(COLUMNS, "─"), *TAIL, RULE, "  ? for shortcuts"), COLUMNS)


def codex(mark: str = "↑", footer: tuple[str, ...] = ("", "  gpt-5")) -> ScreenSnapshot:
    first = f"› {ROWS[0]}".ljust(COLUMNS - 1) + mark
    return ScreenSnapshot((first, *TAIL[1:], *footer), COLUMNS, cursor=(10, len(TAIL) - 1))


def full_codex() -> ScreenSnapshot:
    """The text reaches the mark in the last column, with no blank between."""
    first = f"› {ROWS[0]}↑"
    return ScreenSnapshot((first, *TAIL[1:], "", "  gpt-5"), len(first), cursor=(10, len(TAIL) - 1))


def gemini(count: int = 10) -> ScreenSnapshot:
    rows = (f" > {ROWS[0]}", *(f"   {row}" for row in ROWS[1:count]))
    return ScreenSnapshot(
        ("─" * COLUMNS, " Shift+Tab to accept edits", "▄" * COLUMNS, *rows, "▀" * COLUMNS, " workspace"), COLUMNS
    )


@pytest.mark.parametrize(
    ("agent", "picture", "shown"),
    [
        ("claude", claude(), ComposerContent.OURS),
        ("claude", claude("─" * 20), ComposerContent.NO_BOX),
        ("codex", codex(), ComposerContent.OURS),
        ("codex", full_codex(), ComposerContent.OURS),
        ("codex", codex(" "), ComposerContent.OTHER),
        ("codex", codex(footer=()), ComposerContent.OURS),
        ("codex", codex(" ", footer=()), ComposerContent.OTHER),
        ("gemini", gemini(), ComposerContent.OURS),
        ("gemini", gemini(9), ComposerContent.OTHER),
    ],
)
def test_a_part_counts_only_where_the_agent_cuts(agent: str, picture: ScreenSnapshot, shown: ComposerContent) -> None:
    reading = read_screen(REGISTRY[agent].rules, picture, {})
    verdict = moment(composer=reading.composer).verdict
    assert composer_content(AgentSnapshot(verdict, reading, picture), TEXT, REGISTRY[agent]) is shown


def test_a_tall_text_that_just_fits_pushes_the_footer_out() -> None:
    rows = ("", f"› {ROWS[0]}", *TAIL[1:])
    reading = read_screen(REGISTRY["codex"].rules, ScreenSnapshot(rows, COLUMNS, cursor=(10, len(rows) - 1)), {})
    assert reading.composer is Composer.DRAFT
    assert reading.text.split() == " ".join(ROWS).split()


def test_a_part_of_something_else_is_something_else() -> None:
    reading = read_screen(REGISTRY["claude"].rules, claude(), {})
    assert reading.composer is Composer.DRAFT
    seen = AgentSnapshot(moment(composer=Composer.DRAFT).verdict, reading, claude())
    assert composer_content(seen, TEXT.replace("w120", "x120"), REGISTRY["claude"]) is ComposerContent.OTHER


@pytest.mark.parametrize(
    ("said", "composer"),
    [
        pytest.param(4, Composer.DRAFT, id="a text that fills most of the screen pushes the footer out"),
        pytest.param(16, Composer.HIDDEN, id="something is searched for in the footer"),
    ],
)
def test_a_tall_composer_has_no_footer(said: int, composer: Composer) -> None:
    rows = ("said",) * said + ("",) + (f"› {ROWS[0]}", "", *TAIL, *TAIL)[: 19 - said]
    picture = ScreenSnapshot(rows, COLUMNS, cursor=(5, len(rows) - 1))
    assert read_screen(REGISTRY["codex"].rules, picture, {}).composer is composer
