"""Describes a command's arguments and options for a help page."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

from gateway.command_line.help_page import Row

_TYPES = {"int": "N", "float": "N", "str": "TEXT", "path": "PATH", "file": "FILE", "directory": "DIR"}


def row_of(param: Any, ctx: Any) -> Row:
    if param.param_type_name == "argument":
        return Row(argument_name(param), _text(param))
    names = ", ".join([*sorted(param.opts, key=len), *param.secondary_opts])
    return Row(names if param.is_flag else f"{names} {_value_name(param, ctx)}", _text(param))


def argument_name(param: Any) -> str:
    """`NAME`, or `[NAME]` if it is optional, with dots if it can be repeated."""
    name = (param.metavar or param.name).strip("[]")
    name = name if param.metavar else name.upper().replace("_", "-")
    several = "..." if param.nargs != 1 and not name.endswith("...") else ""
    return f"{name}{several}" if param.required else f"[{name}]{several}"


def error_name(param: Any) -> str:
    """The name in the usage line, or the long form of an option."""
    return (
        argument_name(param).strip("[]").rstrip(".")
        if param.param_type_name == "argument"
        else max(param.opts, key=len)
    )


def _value_name(param: Any, ctx: Any) -> str:
    if param.metavar:
        return str(param.metavar)
    shown: str = param.display_type(ctx).strip("<>").removeprefix("list[").removesuffix("]").removesuffix(" range")
    return shown if "|" in shown else _TYPES.get(shown, "VALUE")


def _text(param: Any) -> str:
    text, notes = (param.help or "").strip(), ", ".join(_notes(param))
    if not notes:
        return text
    if text.endswith(")."):  # a note that is part of the text
        return f"{text[:-2]}, {notes})."
    return f"{text.removesuffix('.')} ({notes})."


def _notes(param: Any) -> list[str]:
    """The range, the variable and the default, unless the help text already states them."""
    found = []
    if param.min is not None and param.max is not None:
        found.append(f"{param.min} to {param.max}")
    if param.envvar:
        found.append(f"env: {param.envvar}")
    default = _default(param)
    if default and param.show_default and "default" not in (param.help or "").lower():
        found.append(f"default: {default}")
    return found


def _default(param: Any) -> str:
    value = param.default
    match value:
        case None | False | "" | () | []:
            return ""
        case True:
            return str(param.opts[0])
        case Enum():
            return str(value.value)
        case float():
            return f"{value:g}"
        case Path() | str() | int():
            return str(value)
    return ""
