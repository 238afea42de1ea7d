"""Themes: legible on their background, twelve names apart, and no name in the colour of a state."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from prompt_toolkit.styles import Style

from controller.chat.full_screen.layout import STYLES
from controller.view.styles.name_styles import NAME_STYLES
from controller.view.styles.themes import (
    FEW_COLOURS,
    MANY_COLOURS,
    NO_COLOURS,
    Background,
    Theme,
    background_of,
    colours_of,
    theme_rules,
)

Rgb = tuple[int, int, int]
COLOUR = re.compile(r"fg:#([0-9a-f]{6})")
BLACK, WHITE = [(0, 0, 0), (30, 30, 46)], [(255, 255, 255), (246, 246, 240)]
STATES = ("good", "bad", "busy")


def rgb(style: str) -> Rgb:
    found = COLOUR.search(style)
    assert found is not None, style
    return (int(found[1][:2], 16), int(found[1][2:4], 16), int(found[1][4:], 16))


def luminance(colour: Rgb) -> float:
    parts = [one / 255 / 12.92 if one <= 10 else ((one / 255 + 0.055) / 1.055) ** 2.4 for one in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: Rgb, other: Rgb) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def distance(one: Rgb, other: Rgb) -> float:
    """As the eye sees it, roughly."""
    mean = (one[0] + other[0]) / 2
    red, green, blue = (a - b for a, b in zip(one, other, strict=True))
    return float(((2 + mean / 256) * red**2 + 4 * green**2 + (2 + (255 - mean) / 256) * blue**2) ** 0.5)


def names(rules: dict[str, str]) -> list[str]:
    return [rules[f"name.{number}"] for number in range(NAME_STYLES)]


@pytest.mark.parametrize(
    ("theme", "background", "grounds", "least"),
    [
        (Theme.DARK, Background.UNKNOWN, BLACK, 4.5),
        (Theme.LIGHT, Background.UNKNOWN, WHITE, 4.5),
        (Theme.AUTO, Background.DARK, BLACK, 4.5),
        (Theme.AUTO, Background.LIGHT, WHITE, 4.5),
        (Theme.CONTRAST, Background.DARK, BLACK, 7),
        (Theme.CONTRAST, Background.LIGHT, WHITE, 7),
    ],
)
def test_every_colour_is_legible_on_its_background(
    theme: Theme, background: Background, grounds: list[Rgb], least: float
) -> None:
    rules = theme_rules(theme, background, MANY_COLOURS)
    shown = {name: rgb(style) for name, style in rules.items() if COLOUR.search(style)}
    assert len(shown) >= NAME_STYLES + 6
    wanted = {name: 4.5 if name.startswith("name.") else least for name in shown}
    assert [
        (name, ground)
        for name, one in shown.items()
        for ground in grounds
        if contrast(one, ground) < wanted[name] * 0.9
    ] == []


@pytest.mark.parametrize("theme", [Theme.DARK, Theme.LIGHT])
def test_twelve_names_differ_from_each_other_and_from_the_states(theme: Theme) -> None:
    rules = theme_rules(theme, Background.UNKNOWN, MANY_COLOURS)
    colours = [rgb(one) for one in names(rules)]
    assert min(distance(one, other) for one, other in itertools.combinations(colours, 2)) > 85
    assert min(distance(one, rgb(rules[state])) for one in colours for state in STATES) > 85


def test_with_sixteen_colours_twelve_names_differ_too() -> None:
    rules = theme_rules(Theme.AUTO, Background.UNKNOWN, FEW_COLOURS)
    assert len(set(names(rules))) == NAME_STYLES
    assert not any(word in one for one in names(rules) for word in ("green", "red", "yellow"))


@pytest.mark.parametrize(
    ("theme", "background", "colours"),
    [
        (Theme.NONE, Background.DARK, MANY_COLOURS),
        (Theme.DARK, Background.DARK, NO_COLOURS),
        (Theme.CONTRAST, Background.UNKNOWN, MANY_COLOURS),
    ],
)
def test_without_colours_the_rest_still_differs(theme: Theme, background: Background, colours: int) -> None:
    rules = theme_rules(theme, background, colours)
    assert not any("#" in style or "ansi" in style for style in rules.values())
    assert len({rules["ask"], rules["busy"], rules["good"], rules["me"]}) == 4


@pytest.mark.parametrize("theme", Theme)
@pytest.mark.parametrize("background", Background)
@pytest.mark.parametrize("colours", [MANY_COLOURS, FEW_COLOURS, NO_COLOURS])
def test_every_theme_has_the_same_classes(theme: Theme, background: Background, colours: int) -> None:
    rules = theme_rules(theme, background, colours)
    assert set(rules) == set(theme_rules(Theme.DARK, Background.DARK, MANY_COLOURS))
    assert Style.from_dict(rules)


@pytest.mark.parametrize(
    ("env", "colours"),
    [
        ({"TERM": "xterm-256color"}, MANY_COLOURS),
        ({"TERM": "tmux-256color"}, MANY_COLOURS),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, MANY_COLOURS),
        ({"TERM": "xterm-kitty"}, MANY_COLOURS),
        ({"TERM": "xterm"}, FEW_COLOURS),
        ({"TERM": "linux"}, FEW_COLOURS),
        ({"TERM": "vt100"}, NO_COLOURS),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, NO_COLOURS),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, MANY_COLOURS),
    ],
)
def test_how_many_colours_a_terminal_has(env: dict[str, str], colours: int) -> None:
    assert colours_of(env) == colours


@pytest.mark.parametrize(
    ("reply", "colorfgbg", "background"),
    [
        (b"\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62c", "", Background.DARK),
        (b"\x1b]11;rgb:ffff/ffff/eeee\x07\x1b[?62c", "15;0", Background.LIGHT),
        (b"\x1b]11;rgb:ff/ff/ff\x07", "", Background.LIGHT),
        (b"\x1b]11;rgba:1e1e/1e1e/2e2e/ffff\x07", "", Background.DARK),
        (b"\x1b[?62c", "15;0", Background.DARK),
        (b"\x1b[?62c", "0;default;15", Background.LIGHT),
        (b"", "0;15", Background.LIGHT),
        (b"", "15;default", Background.UNKNOWN),
        (b"", "", Background.UNKNOWN),
        (b"\x1b]11;rgb:zz/00/00\x07", "", Background.UNKNOWN),
    ],
)
def test_the_background(reply: bytes, colorfgbg: str, background: Background) -> None:
    assert background_of(reply, {"COLORFGBG": colorfgbg}) is background


def test_every_class_that_is_painted_has_a_style() -> None:
    folder = Path(__file__).parents[4] / "controller"
    code = "".join(one.read_text() for part in ("view", "chat") for one in (folder / part).rglob("*.py"))
    painted = {
        one for names in re.findall(r"class:([\w.-]+(?: class:[\w.-]+)*)", code) for one in names.split(" class:")
    }
    known = {*STYLES, *theme_rules(Theme.DARK, Background.DARK, MANY_COLOURS)}
    assert painted
    assert {one for one in painted if not one.startswith(("held-", "name."))} <= known
