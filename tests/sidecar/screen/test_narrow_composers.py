"""The composer in a narrow pane: its placeholder wraps and is still not a person's draft."""

import pytest

from gateway.protocol.types.core_types import Composer
from sidecar.agents import REGISTRY
from sidecar.screen.emulator import ScreenSnapshot
from sidecar.screen.rules import read_screen

HINTS = (
    (19, (" >   Type your", "   message or", "   @path/to/file")),
    (26, (" >   Type your message or", "   @path/to/file")),
    (39, (" >   Type your message or", "   @path/to/file")),
    (66, (" >   Type your message or @path/to/file",)),
)


def gemini(columns: int, box: tuple[str, ...], above: tuple[str, ...]) -> ScreenSnapshot:
    return ScreenSnapshot(
        (*above, " accept edits", "", "  1 MCP server", "▄" * columns, *box, "▀" * columns, " workspace"), columns
    )


@pytest.mark.parametrize(("columns", "box"), HINTS)
@pytest.mark.parametrize("above", [True, False])
def test_a_wrapped_hint_is_an_empty_composer(columns: int, box: tuple[str, ...], above: bool) -> None:
    """The rule above it may have scrolled out of a low pane."""
    picture = gemini(columns, box, ("─" * columns,) if above else ())
    assert read_screen(REGISTRY["gemini"].rules, picture, {}).composer is Composer.EMPTY


def test_words_beside_the_hint_are_a_draft() -> None:
    picture = gemini(26, (" >   Type your message or", "   @path/to/file, please"), ("─" * 26,))
    assert read_screen(REGISTRY["gemini"].rules, picture, {}).composer is Composer.DRAFT


@pytest.mark.parametrize("above", [("✦ It is done.",), ("",) * 6, (" a hint",) * 6])
def test_earlier_messages_in_the_same_frame_are_not_a_composer(above: tuple[str, ...]) -> None:
    rows = (*above, "▄" * 26, " > an earlier message", "▀" * 26, " Thinking")
    assert read_screen(REGISTRY["gemini"].rules, ScreenSnapshot(rows, 26), {}).composer is Composer.HIDDEN


FOOTER = (" workspace (/directory)                    sandbox", " /tmp/work                                 no sandbox")
LEFT = ("                                 /model", " /tmp/work                       no sand", "box              Auto")


@pytest.mark.parametrize("left", [LEFT, ("", *LEFT), ("", LEFT[2], "", " workspace (/directory)", *LEFT)])
def test_the_rest_of_a_footer_for_another_width_does_not_hide_the_composer(left: tuple[str, ...]) -> None:
    """Recorded after changes of a pane: Gemini leaves such rows beneath, until it prints something."""
    rows = ("─" * 60, " Shift+Tab to accept edits", "▄" * 60, " >   Type your message or @path/to/file", "▀" * 60)
    picture = ScreenSnapshot((*rows, *FOOTER, *left), 60)
    assert read_screen(REGISTRY["gemini"].rules, picture, {}).composer is Composer.EMPTY


@pytest.mark.parametrize("beneath", [("✦ Let me.", *FOOTER, *LEFT), ("", *FOOTER, *LEFT), LEFT])
def test_only_the_row_beneath_the_box_is_its_footer(beneath: tuple[str, ...]) -> None:
    rows = ("─" * 60, "▄" * 60, " > an earlier message", "▀" * 60)
    picture = ScreenSnapshot((*rows, *beneath), 60)
    assert read_screen(REGISTRY["gemini"].rules, picture, {}).composer is Composer.HIDDEN
