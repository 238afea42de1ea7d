"""The help page of a command, and its usage line, as values for `help_page`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any, TextIO

import typer

from gateway.command_line.common_options import ALL
from gateway.command_line.help_page import ASCII, MAX_WIDTH, ROUND, Look, Page, Panel, Row, first_sentence
from gateway.command_line.parameter_help import argument_name, row_of

MIN_WIDTH = 40


def page_of(command: Any, ctx: Any) -> Page:
    return Page(f"Usage: {usage_of(command, ctx)}", command.help or "", (*_verbs(command), *_parameters(command, ctx)))


def usage_of(command: Any, ctx: Any) -> str:
    arguments = [argument_name(one) for one in command.params if one.param_type_name == "argument"]
    verbs = [command.subcommand_metavar] if hasattr(command, "verbs") else []
    return " ".join([ctx.command_path, "[OPTIONS]", *arguments, *verbs])


def _parameters(command: Any, ctx: Any) -> Iterator[Panel]:
    shown = [one for one in command.params if not one.hidden]
    common = [one for one in shown if one.name in ALL]
    own = [one for one in shown if one.name not in ALL]
    arguments = [one for one in own if one.param_type_name == "argument"]
    options = [one for one in own if one.param_type_name != "argument"]
    wanted = [one for one in common if one.name in command.shown_common]
    yield Panel("Arguments", tuple(row_of(one, ctx) for one in arguments))
    yield Panel("Options", tuple(row_of(one, ctx) for one in options))
    yield Panel("Common options", tuple(row_of(one, ctx) for one in wanted))


def _verbs(command: Any) -> Iterator[Panel]:
    """The panels of a group: its verbs."""
    verbs = {name: verb for name, verb in getattr(command, "verbs", {}).items() if not verb.hidden}
    for title in dict.fromkeys(verb.panel for verb in verbs.values()):
        rows = (Row(name, first_sentence(verb.text)) for name, verb in verbs.items() if verb.panel == title)
        yield Panel(title, tuple(rows))


def look_of(stream: TextIO) -> Look:
    """As wide as the terminal, up to a width that is easy to read. Typer removes the colours if there
    is no terminal."""
    width = max(MIN_WIDTH, min(shutil.get_terminal_size().columns, MAX_WIDTH))
    box = ROUND if _can_show(stream, ROUND) else ASCII
    if os.environ.get("NO_COLOR"):
        return Look(width, box)
    return Look(width, box, _title, _name, _border)


def _can_show(stream: TextIO, characters: tuple[str, ...]) -> bool:
    try:
        "".join(characters).encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _title(text: str) -> str:
    return typer.style(text, bold=True)


def _name(text: str) -> str:
    return typer.style(text, fg=typer.colors.CYAN, bold=True)


def _border(text: str) -> str:
    return typer.style(text, dim=True)
