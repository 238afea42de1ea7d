"""Reads the values of options and arguments.

Typer reads them with pydantic, whose import takes longer than a whole command. The few types that our verbs use are
read here; any other is left to typer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import typer
from typer.core import TyperArgument, TyperOption

from gateway.command_line.parameter_help import error_name

Read = Callable[[str], Any]
_CHECKED_PATH = ("exists", "writable", "resolve_path", "allow_dash")


class _ReadsQuickly:
    """Mixed into a parameter whose values are read here, if they are of a simple type."""

    type_descriptor: Any

    def get_runtime_param(self) -> Any:
        info = self.type_descriptor.parameter_info
        read = reader_of(self.type_descriptor.annotation, info)
        return self.read_by_typer() if read is None else _Value(read, info.min, info.max)

    def get_error_hint(self) -> str:
        return error_name(self)

    def read_by_typer(self) -> Any:
        raise NotImplementedError


class QuickOption(_ReadsQuickly, TyperOption):
    def read_by_typer(self) -> Any:
        return TyperOption.get_runtime_param(self)


class QuickArgument(_ReadsQuickly, TyperArgument):
    def read_by_typer(self) -> Any:
        return TyperArgument.get_runtime_param(self)


def quick(param: Any) -> Any:
    """The same parameter, with its values read here."""
    same = object.__new__(QuickArgument if isinstance(param, TyperArgument) else QuickOption)
    same.__dict__.update(param.__dict__)
    return same


def reader_of(annotation: Any, info: Any) -> Read | None:
    if get_origin(annotation) is list:
        (annotation,) = get_args(annotation)
    if info.parser is not None or any(getattr(info, name) for name in _CHECKED_PATH):
        return None
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return lambda text: _choice(annotation, text)
    return _READERS.get(annotation)


class _Value:
    """How one parameter is read: by `read`, within its bounds."""

    def __init__(self, read: Read, least: float | None, most: float | None) -> None:
        self._read, self._least, self._most = read, least, most

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        try:
            if isinstance(value, list | tuple):
                return tuple(self._one(one) for one in value)
            return self._one(value)
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=ctx, param=param) from None

    def _one(self, value: Any) -> Any:
        found = self._read(value) if isinstance(value, str) else value
        if (self._least is not None and not found >= self._least) or (
            self._most is not None and not found <= self._most
        ):
            raise ValueError(f"{_short(str(value))} is not {_range(self._least, self._most)}.")
        return found


def _range(least: float | None, most: float | None) -> str:
    if most is None:
        return f"{least:g} or more"
    return f"{most:g} or less" if least is None else f"from {least:g} to {most:g}"


def _text(value: str) -> str:
    if any("\ud800" <= one <= "\udfff" for one in value):
        raise ValueError("it holds bytes that are not UTF-8.")
    return value


def _whole_number(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"{_short(value)} is not a whole number.") from None


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{_short(value)} is not a number.") from None


def _yes_or_no(value: str) -> bool:
    if value.lower() not in ("1", "0", "true", "false", "yes", "no", "on", "off"):
        raise ValueError(f"{_short(value)} is not yes or no.")
    return value.lower() in ("1", "true", "yes", "on")


def _choice(kind: type[Enum], value: str) -> Enum:
    found = {str(one.value): one for one in kind}.get(value)
    if found is None:
        raise ValueError(f"{_short(value)} is not one of {', '.join(str(one.value) for one in kind)}.")
    return found


def _short(value: str) -> str:
    return repr(value if len(value) <= 60 else f"{value[:60]}...")


_READERS: dict[Any, Read] = {
    str: _text,
    int: _whole_number,
    float: _number,
    bool: _yes_or_no,
    Path: Path,
}


def parse_duration(text: str | None) -> float | None:
    """The seconds of a time such as 90s or 12h; None for none."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text.strip().lower())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a time; write 90s, 15m, 12h, 30d or 4w.")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[match[2]]
