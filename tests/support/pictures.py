"""A terminal's screen as a picture: what tmux captured with its colours, as SVG on an exact grid. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from rich.cells import cell_len
from rich.color import Color, ColorType
from rich.console import Console
from rich.style import Style
from rich.text import Text

WIDE, HIGH = 8.4, 18.0
MARGIN = 12.0
_CONSOLE = Console(width=200)
FONT = "font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\""
GROUND, INK, FAINT = "#16181d", "#d6d8dc", "#868b95"
SIXTEEN = (
    *("#23262d", "#e06c75", "#8fc379", "#d9b36c", "#6cb0f2", "#c98ae0", "#5fc0cc", "#c8ccd4"),
    *("#868b95", "#e06c75", "#8fc379", "#d9b36c", "#6cb0f2", "#c98ae0", "#5fc0cc", "#ffffff"),
)


SPACES_RULE = "text{white-space:pre}"  # browsers no longer go by xml:space, and would stretch what is left


def svg(rows: list[str], columns: int, title: str) -> str:
    width, height = columns * WIDE + 2 * MARGIN, len(rows) * HIGH + 2 * MARGIN
    parts = [part for number, line in enumerate(styled(rows)) for part in shapes(line, number)]
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{SPACES_RULE}</style>",
            f'<rect width="100%" height="100%" rx="8" fill="{GROUND}"/>',
            f'<g {FONT} font-size="14" xml:space="preserve">',
            *parts,
            "</g>",
            "</svg>\n",
        )
    )


def styled(rows: list[str]) -> list[Text]:
    """A colour continues in the next row."""
    return list(Text.from_ansi("\n".join(rows)).split("\n", allow_blank=True))


def shapes(text: Text, number: int) -> Iterator[str]:
    """Place each run of one style at its first cell; a wide or a rare character is placed alone, so that others stay
    aligned."""
    top = MARGIN + number * HIGH
    for at, run, style in _runs(text):
        ink, ground = _colours(style)
        left, cells = MARGIN + at * WIDE, cell_len(run)
        if ground != GROUND:
            yield f'<rect x="{left:.1f}" y="{top:.1f}" width="{cells * WIDE:.1f}" height="{HIGH:g}" fill="{ground}"/>'
        if run.strip():
            weight = ' font-weight="bold"' if style.bold else ""
            slant = ' font-style="italic"' if style.italic else ""
            line = ' text-decoration="underline"' if style.underline else ""
            place = (
                f'x="{left:.1f}" y="{top + 13.5:.1f}" textLength="{cells * WIDE:.1f}" lengthAdjust="spacingAndGlyphs"'
            )
            yield f'<text {place} fill="{ink}"{weight}{slant}{line}>{escape(run)}</text>'


def _runs(text: Text) -> Iterator[tuple[int, str, Style]]:
    plain, at, begin = text.plain, 0, 0
    run, style = "", Style()
    for index, one in enumerate(plain):
        own = text.get_style_at_offset(_CONSOLE, index)
        if run and (own != style or _stands_alone(one)):
            yield begin, run, style
            run = ""
        if not run:
            begin, style = at, own
        run += one
        at += cell_len(one)
        if _stands_alone(one):
            yield begin, run, style
            run = ""
    if run:
        yield begin, run, style


def _stands_alone(character: str) -> bool:
    """Wide, or a sign that many fonts lack: it then comes from another font, and has another width than a cell."""
    code = ord(character)
    return cell_len(character) != 1 or not (code < 0x250 or 0x2500 <= code < 0x2580)


def _colours(style: Style) -> tuple[str, str]:
    ink = _colour(style.color, FAINT if style.dim else INK)
    ground = _colour(style.bgcolor, GROUND)
    return (ground, ink) if style.reverse else (ink, ground)


def _colour(colour: Color | None, default: str) -> str:
    if colour is None or colour.type is ColorType.DEFAULT:
        return default
    if colour.number is not None and colour.number < 16:
        return SIXTEEN[colour.number]
    return colour.get_truecolor().hex
