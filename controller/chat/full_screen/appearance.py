"""How the chat looks on this terminal, and with which keys: from the person's settings, the environment and the
terminal's background."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prompt_toolkit.output import ColorDepth

from controller.chat.full_screen.chat_settings import ROSTER_COLUMNS, ChatSettings, parse_chat_settings, settings_folder
from controller.chat.full_screen.key_settings import keys_by_action, rebind
from controller.chat.full_screen.keys import KEYS, KeyBinding
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
from controller.view.text.character_support import output_encoding
from gateway.protocol.errors import GroupChatError

SETTINGS_FILE = "chat.toml"
_DEPTHS = {
    NO_COLOURS: ColorDepth.DEPTH_1_BIT,
    FEW_COLOURS: ColorDepth.DEPTH_4_BIT,
    MANY_COLOURS: ColorDepth.DEPTH_8_BIT,
}


def _neutral_rules() -> dict[str, str]:
    return theme_rules(Theme.AUTO, Background.UNKNOWN, MANY_COLOURS)


@dataclass(frozen=True)
class ChatLook:
    """`encoding` is what the terminal is limited to, or empty; without `depth` the toolkit chooses."""

    rules: Mapping[str, str] = field(default_factory=_neutral_rules)
    depth: ColorDepth | None = None
    encoding: str = ""
    roster: bool = True
    roster_columns: int = ROSTER_COLUMNS
    bindings: tuple[KeyBinding, ...] = KEYS


def read_chat_settings(env: Mapping[str, str]) -> tuple[ChatSettings, str]:
    """The person's settings, and what is wrong with the file. A chat with a faulty file starts without it."""
    path = Path(settings_folder(env)) / SETTINGS_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ChatSettings(), ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return ChatSettings(), f"{path} cannot be read: {reason}."
    try:
        return parse_chat_settings(text, str(path), keys_by_action()), ""
    except GroupChatError as error:
        return ChatSettings(), error.message


def asks_background(settings: ChatSettings, env: Mapping[str, str]) -> bool:
    """Whether the theme depends on the terminal's background."""
    return settings.theme in ("auto", "contrast") and colours_of(env) == MANY_COLOURS


def make_look(settings: ChatSettings, env: Mapping[str, str], reply: bytes, encoding: str | None) -> ChatLook:
    """`reply` is the terminal's answer about its background."""
    theme = Theme(settings.theme)
    colours = NO_COLOURS if theme is Theme.NONE else colours_of(env)
    return ChatLook(
        theme_rules(theme, background_of(reply, env), colours),
        ColorDepth.from_env() or _DEPTHS[colours],
        output_encoding(encoding, settings.signs),
        settings.roster != "off",
        settings.roster_columns,
        rebind(settings.keys),
    )
