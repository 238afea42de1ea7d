"""A session as a moving picture: what a terminal showed and for how long, as one SVG that moves by CSS alone. Pure.

Each different row is drawn once. A frame names its rows, and one animation per frame shows it at its time. Where
nothing moves, or a reader wants nothing to move, the frame marked as still is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from rich.text import Text

from tests.support.pictures import FAINT, FONT, GROUND, HIGH, MARGIN, SPACES_RULE, WIDE, shapes, styled

CAPTION_HIGH = 46.0
CAPTION_INK = "#ffffff"
BAR = "#6cb0f2"


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows as tmux captures them with `-e`."""

    rows: tuple[str, ...]
    seconds: float
    caption: str = ""
    still: bool = False


def film_svg(frames: list[Frame], columns: int, title: str) -> str:
    high = max(len(frame.rows) for frame in frames)
    width, height = columns * WIDE + 2 * MARGIN, high * HIGH + 2 * MARGIN + CAPTION_HIGH
    drawn, shown = _Shelf(), []
    for number, frame in enumerate(frames):
        rows = [drawn.use(_row(line), at * HIGH) for at, line in enumerate(styled(list(frame.rows)))]
        caption = drawn.use(_caption(frame.caption, width), high * HIGH + 2 * MARGIN)
        shown.append(f'<g id="f{number}">{"".join(rows)}{caption}</g>')
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" '
            f'{FONT} font-size="14" xml:space="preserve">',
            f"<title>{escape(title)}</title>",
            f"<style>{SPACES_RULE}{''.join(_rules(frames))}</style>",
            f"<defs>{''.join(drawn.markup())}</defs>",
            f'<rect width="100%" height="100%" rx="8" fill="{GROUND}"/>',
            *shown,
            f'<rect id="bar" y="{height - 4:g}" width="{width:g}" height="4" fill="{BAR}"/>',
            "</svg>\n",
        )
    )


class _Shelf:
    """What is drawn once and used in many places."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def use(self, markup: str, top: float) -> str:
        if not markup:
            return ""
        name = self._names.setdefault(markup, f"r{len(self._names)}")
        return f'<use href="#{name}" y="{top:g}"/>'

    def markup(self) -> Iterator[str]:
        for markup, name in self._names.items():
            yield f'<g id="{name}">{markup}</g>'


def _row(line: Text) -> str:
    return "".join(shapes(line, 0))


def _caption(text: str, width: float) -> str:
    if not text:
        return ""
    middle = f'x="{width / 2:g}" y="24" text-anchor="middle" font-size="17" font-weight="bold" fill="{CAPTION_INK}"'
    edge = f'<rect width="{width:g}" height="1" fill="{FAINT}"/>'
    return f"{edge}<text {middle}>{escape(text)}</text>"


def _rules(frames: list[Frame]) -> Iterator[str]:
    """Step by step: between two steps nothing is blended."""
    whole, start = sum(frame.seconds for frame in frames), 0.0
    still = next((number for number, frame in enumerate(frames) if frame.still), 0)
    for number, frame in enumerate(frames):
        end = start + frame.seconds
        begin = (
            f"0%{{visibility:hidden}}{_percent(start, whole)}{{visibility:visible}}"
            if number
            else ("0%{visibility:visible}")
        )
        last = number == len(frames) - 1
        finish = "100%{visibility:visible}" if last else f"{_percent(end, whole)}{{visibility:hidden}}"
        yield f"@keyframes f{number}{{{begin}{finish}}}"
        rest = "visible" if number == still else "hidden"
        yield f"#f{number}{{visibility:{rest};animation:f{number} {whole:.2f}s step-end infinite}}"
        start = end
    yield "@keyframes bar{from{transform:scaleX(0)}to{transform:scaleX(1)}}"
    yield f"#bar{{animation:bar {whole:.2f}s linear infinite}}"
    yield "@media (prefers-reduced-motion:reduce){g,#bar{animation:none!important}}"


def _percent(seconds: float, whole: float) -> str:
    return f"{100 * seconds / whole:.3f}%"
