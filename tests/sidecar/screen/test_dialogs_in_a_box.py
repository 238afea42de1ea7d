"""Pi draws dialogs between the same two rules as its composer, which has no mark; each is taken for what it is."""

from __future__ import annotations

import pytest

from gateway.protocol.types.core_types import Activity, Composer
from sidecar.agents import REGISTRY
from sidecar.evidence.turn_evidence import EvidenceSource
from sidecar.screen.emulator import ScreenSnapshot
from sidecar.screen.rules import ScreenReading, read_screen

RULE, WIDTH = "─" * 60, 60
FOOTER = ("~/shop (main)", "↑100 ↓20 0.1%/200k (auto)                         fake-1")
DIALOG = ("", " Run this command?", "", " touch made", "", " → Yes", "   No", "")
HINTS = (" ↑↓ navigate  enter select  escape/ctrl+c cancel", "")
SETTINGS = (
    "> ",
    "",
    "→ Auto-compact     true",
    "  (1/33)",
    "",
    "  Type to search · Enter/Space to change · Esc to cancel",
)


def seen(*inside: str, top: str = RULE, bottom: str = RULE, beneath: tuple[str, ...] = FOOTER) -> ScreenReading:
    rows = (" It is done.", "", top, *inside, bottom, *beneath)
    return read_screen(REGISTRY["pi"].rules, ScreenSnapshot(rows, WIDTH), {})


def says(reading: ScreenReading) -> Activity | None:
    found = reading.of(EvidenceSource.SCREEN)
    return found.says if found else None


@pytest.mark.parametrize(
    ("inside", "composer", "text"),
    [
        (("",), Composer.EMPTY, ""),
        (("a draft",), Composer.DRAFT, "a draft"),
        (("a draft", "", " in rows"), Composer.DRAFT, "a draft\n\n in rows"),
        (("!ls",), Composer.DRAFT, "!ls"),
        (("[paste #1 +30 lines]",), Composer.DRAFT, "[paste #1 +30 lines]"),
        (("a quote:", *DIALOG, *HINTS), Composer.DRAFT, "\n".join(("a quote:", *DIALOG, *HINTS)).rstrip()),
        (("a rule", "─" * (WIDTH - 1), "in a text"), Composer.DRAFT, f"a rule\n{'─' * (WIDTH - 1)}\nin a text"),
    ],
)
def test_what_is_typed_is_a_draft(inside: tuple[str, ...], composer: Composer, text: str) -> None:
    reading = seen(*inside)
    assert (says(reading), reading.composer, reading.text) == (Activity.IDLE, composer, text)


@pytest.mark.parametrize("inside", [(*DIALOG, *HINTS), ("", " Model", "", "> ", "", "→ fake-1", ""), SETTINGS])
def test_a_dialog_is_no_composer(inside: tuple[str, ...]) -> None:
    reading = seen(*inside)
    assert (says(reading), reading.composer) == (Activity.ASKING, Composer.HIDDEN)
    assert reading.dialog is not None and reading.dialog.text.count("\n") == len(inside) + 1


def test_its_tree_is_no_composer() -> None:
    inside = ("   Session Tree", "  ↑/↓ move", "  Type to search:")
    reading = seen(*inside, beneath=("", "› • user: hello", "  (1/1)", "", "~/shop"))
    assert (says(reading), reading.composer) == (Activity.ASKING, Composer.HIDDEN)


def test_a_text_that_is_shown_in_part_may_begin_with_an_empty_row() -> None:
    scrolled = "─" * 25 + " ↑ 4 more " + "─" * 25
    reading = seen("", "the rest", top=scrolled)
    assert (reading.composer, reading.text, reading.partial) == (Composer.DRAFT, "the rest", True)
    below = seen("the first rows", bottom="─" * 25 + " ↓ 4 more " + "─" * 25)
    assert (below.composer, below.text) == (Composer.DRAFT, "the first rows")


@pytest.mark.parametrize("status", ["Working", "Retrying (1/3) in 2s... (escape to cancel)"])
def test_its_frame_tells_that_it_works(status: str) -> None:
    top = f"── ⠹ {status} ".ljust(WIDTH, "─")
    assert says(seen("", top=top)) is Activity.BUSY
    assert says(seen("", top="───⠹".ljust(WIDTH, "─"))) is Activity.BUSY


def test_a_list_of_completions_may_stand_beneath() -> None:
    reading = seen("/mod", beneath=("→ model          Select a model", "  scoped-models  Some", *FOOTER))
    assert (says(reading), reading.composer) == (Activity.IDLE, Composer.DRAFT)
