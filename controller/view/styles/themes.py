"""The colours of the chat: a theme for a dark background, one for a light one, high contrast, none, and a neutral one
of the terminal's own colours where the background is not known. Pure.

Green, red and yellow are states, and magenta is a question; names have other colours, so that a name never looks like a
state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

from controller.view.styles.name_styles import NAME_STYLES

MANY_COLOURS, FEW_COLOURS, NO_COLOURS = 256, 16, 0


class Background(Enum):
    DARK = "dark"
    LIGHT = "light"
    UNKNOWN = "unknown"


class Theme(Enum):
    """AUTO is dark or light by the terminal's background, and neutral where that is not known."""

    AUTO = "auto"
    DARK = "dark"
    LIGHT = "light"
    CONTRAST = "contrast"
    NONE = "none"


STATES = {
    "neutral": {
        "dim": "fg:ansibrightblack",
        "good": "fg:ansigreen",
        "bad": "fg:ansired",
        "busy": "fg:ansiyellow",
        "ask": "fg:ansimagenta bold",
        "fold": "fg:ansiblue",
    },
    "dark": {
        "dim": "fg:#949494",
        "good": "fg:#5fd75f",
        "bad": "fg:#ff5f5f",
        "busy": "fg:#ffd75f",
        "ask": "fg:#ff87ff bold",
        "fold": "fg:#5fafff",
    },
    "light": {
        "dim": "fg:#626262",
        "good": "fg:#005f00",
        "bad": "fg:#af0000",
        "busy": "fg:#875f00",
        "ask": "fg:#870087 bold",
        "fold": "fg:#005faf",
    },
    "contrast-dark": {
        "dim": "fg:#d0d0d0",
        "good": "fg:#87ff87 bold",
        "bad": "fg:#ffafaf bold",
        "busy": "fg:#ffff87 bold",
        "ask": "fg:#ffafff bold underline",
        "fold": "fg:#afd7ff",
    },
    "contrast-light": {
        "dim": "fg:#303030",
        "good": "fg:#005f00 bold",
        "bad": "fg:#870000 bold",
        "busy": "fg:#000000 bold",
        "ask": "fg:#5f005f bold underline",
        "fold": "fg:#00005f",
    },
    "plain": {
        "dim": "",
        "good": "",
        "bad": "bold underline",
        "busy": "bold",
        "ask": "bold underline",
        "fold": "underline",
    },
}

# Twelve each: with 256 colours for a dark and a light background, and with the 16 of any terminal.
NAMES_ON_DARK = (
    "#87ffff",
    "#af5fff",
    "#0087ff",
    "#ff5faf",
    "#00ffd7",
    "#c6c6c6",
    "#af875f",
    "#5fafd7",
    "#ff00ff",
    "#00af87",
    "#ffffff",
    "#ff5f00",
)
NAMES_ON_LIGHT = (
    "#0000af",
    "#005f5f",
    "#af00ff",
    "#005fff",
    "#875f5f",
    "#5f00d7",
    "#d7005f",
    "#303030",
    "#5f5fd7",
    "#00005f",
    "#0000ff",
    "#000000",
)
_SIX_ANSI = ("ansicyan", "ansiblue", "ansimagenta", "ansibrightcyan", "ansibrightblue", "ansibrightmagenta")
NAMES_OF_FEW = (*(f"fg:{one}" for one in _SIX_ANSI), *(f"fg:{one} underline" for one in _SIX_ANSI))


def theme_rules(theme: Theme, background: Background, colours: int) -> dict[str, str]:
    """The rules of the style classes that have colours."""
    states = _state_table(theme, background, colours)
    rules = STATES[states]
    return {
        **rules,
        **_rules_of_names(states),
        "ask.chosen": f"{rules['ask']} reverse",
        "urgent": f"{rules['bad']} bold",
        "new": rules["bad"],
        "reaction": rules["dim"],
        "warning": f"{rules['busy']} bold",
        "me": "bold reverse" if states == "plain" else "bg:ansiyellow fg:ansiblack bold",
        "diff-head": "bold",
        "diff-place": "" if states == "plain" else "fg:ansicyan",
        "diff-added": rules["good"],
        "diff-removed": rules["bad"],
    }


def _state_table(theme: Theme, background: Background, colours: int) -> str:
    if theme is Theme.NONE or colours == NO_COLOURS:
        return "plain"
    if theme is Theme.CONTRAST:
        known = background is not Background.UNKNOWN and colours >= MANY_COLOURS
        return f"contrast-{background.value}" if known else "plain"
    wanted = theme.value if theme is not Theme.AUTO else background.value
    return wanted if wanted in STATES and colours >= MANY_COLOURS else "neutral"


def _rules_of_names(states: str) -> dict[str, str]:
    if states == "plain":
        styles: tuple[str, ...] = ("",) * NAME_STYLES
    elif states == "neutral":
        styles = NAMES_OF_FEW
    else:
        styles = tuple(f"fg:{one}" for one in (NAMES_ON_DARK if states.endswith("dark") else NAMES_ON_LIGHT))
    return {f"name.{number}": f"bold {style}".strip() for number, style in enumerate(styles)}


# what the terminal is


def colours_of(env: Mapping[str, str]) -> int:
    """How many colours the terminal has, by its variables. NO_COLOR means none."""
    term = env.get("TERM", "")
    if env.get("NO_COLOR") or term in ("", "dumb") or re.match(r"vt\d", term):
        return NO_COLOURS
    rich = env.get("COLORTERM") in ("truecolor", "24bit") or re.search(r"256|direct|kitty|ghostty|alacritty|foot", term)
    return MANY_COLOURS if rich else FEW_COLOURS


_REPLY = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")


def background_of(reply: bytes, env: Mapping[str, str]) -> Background:
    """By the terminal's answer to OSC 11, else by COLORFGBG, whose last number is the background."""
    if found := _REPLY.search(reply):
        red, green, blue = (int(one, 16) / (16 ** len(one) - 1) for one in found.groups())
        return Background.LIGHT if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else Background.DARK
    last = env.get("COLORFGBG", "").rpartition(";")[2]
    if not last.isascii() or not last.isdecimal():
        return Background.UNKNOWN
    return Background.LIGHT if int(last) in (7, *range(9, 16)) else Background.DARK
