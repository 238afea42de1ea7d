"""A composer too small for its text: which part of it is ours is told by where the agents say that they cut it."""

import pytest

from gateway.protocol.types import Composer
from sidecar.activity.observer import Moment
from sidecar.agents import REGISTRY
from sidecar.screen.emulator import Picture
from sidecar.screen.rules import read
from sidecar.typing.gate import Shows, shows
from tests.sidecar.pictures import COLUMNS, RULE, moment

TEXT = "[alice -> me #7] " + " ".join(f"w{number:03d}" for number in range(150))
ROWS = tuple(" ".join(f"w{number:03d}" for number in range(at, at + 10)) for at in range(50, 150, 10))
TAIL = tuple(f"  {row}" for row in ROWS)


def claude(first: str = "─── ↑ 10 more ") -> Picture:
    return Picture((first.ljust(COLUMNS, "─"), *TAIL, RULE, "  ? for shortcuts"), COLUMNS)


def codex(mark: str = "↑", footer: tuple[str, ...] = ("", "  gpt-5")) -> Picture:
    first = f"› {ROWS[0]}".ljust(COLUMNS - 1) + mark
    return Picture((first, *TAIL[1:], *footer), COLUMNS, cursor=(10, len(TAIL) - 1))


def gemini(count: int = 10) -> Picture:
    rows = (f" > {ROWS[0]}", *(f"   {row}" for row in ROWS[1:count]))
    return Picture(
        ("─" * COLUMNS, " Shift+Tab to accept edits", "▄" * COLUMNS, *rows, "▀" * COLUMNS, " workspace"), COLUMNS
    )


@pytest.mark.parametrize(
    ("agent", "picture", "shown"),
    [
        ("claude", claude(), Shows.OURS),
        ("claude", claude("─" * 20), Shows.NO_BOX),
        ("codex", codex(), Shows.OURS),
        ("codex", codex(" "), Shows.OTHER),
        ("codex", codex(footer=()), Shows.OURS),
        ("codex", codex(" ", footer=()), Shows.OTHER),
        ("gemini", gemini(), Shows.OURS),
        ("gemini", gemini(9), Shows.OTHER),
    ],
)
def test_a_part_counts_only_where_the_agent_cuts(agent: str, picture: Picture, shown: Shows) -> None:
    reading = read(REGISTRY[agent].rules, picture, {})
    verdict = moment(composer=reading.composer).verdict
    assert shows(Moment(verdict, reading, picture), TEXT, REGISTRY[agent]) is shown


def test_a_tall_text_that_just_fits_pushes_the_footer_out() -> None:
    rows = ("", f"› {ROWS[0]}", *TAIL[1:])
    reading = read(REGISTRY["codex"].rules, Picture(rows, COLUMNS, cursor=(10, len(rows) - 1)), {})
    assert reading.composer is Composer.DRAFT
    assert reading.text.split() == " ".join(ROWS).split()


def test_a_part_of_something_else_is_something_else() -> None:
    reading = read(REGISTRY["claude"].rules, claude(), {})
    assert reading.composer is Composer.DRAFT
    seen = Moment(moment(composer=Composer.DRAFT).verdict, reading, claude())
    assert shows(seen, TEXT.replace("w120", "x120"), REGISTRY["claude"]) is Shows.OTHER


@pytest.mark.parametrize(
    ("said", "composer"),
    [
        pytest.param(4, Composer.DRAFT, id="a text that fills most of the screen pushes the footer out"),
        pytest.param(16, Composer.HIDDEN, id="something is searched for in the footer"),
    ],
)
def test_a_tall_composer_has_no_footer(said: int, composer: Composer) -> None:
    rows = ("said",) * said + ("",) + (f"› {ROWS[0]}", "", *TAIL, *TAIL)[: 19 - said]
    picture = Picture(rows, COLUMNS, cursor=(5, len(rows) - 1))
    assert read(REGISTRY["codex"].rules, picture, {}).composer is composer
