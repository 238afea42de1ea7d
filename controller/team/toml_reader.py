"""Reads a TOML table field by field. An error names the line and a fix. Pure."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.files.toml_line_numbers import TomlSource
from gateway.protocol.errors import BadRequest, GroupChatError


class TeamError(BadRequest):
    """A team file that cannot be used; the sentence names the line."""


@dataclass
class TomlTable:
    """One table of the file. Each reader consumes its key; `done` refuses keys that no reader consumed."""

    source: TomlSource
    values: Mapping[str, Any]
    name: str = ""
    number: int = 0
    known: list[str] = field(default_factory=list)

    def wrong(self, key: str, problem: str) -> TeamError:
        line = self.source.line_of(self.name, self.number, key)
        place = f"{self.source.name}, line {line}" if line else self.source.name
        return TeamError(f"{place}: {problem}")

    def _take(self, key: str) -> Any:
        self.known.append(key)
        return self.values.get(key)

    def _label(self, key: str) -> str:
        return f"`{key}`" + (f" of [{self.name}]" if self.name else "")

    def text(self, key: str, default: str = "") -> str:
        value = self._take(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.wrong(key, f'{self._label(key)} must be text in quotes, such as {key} = "{value}".')
        return value

    def number_in(self, key: str, low: float, high: float, default: float) -> float:
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.wrong(key, f"{self._label(key)} must be a number from {low:g} to {high:g}, not {value!r}.")
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        value = self._take(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(key, f"{self._label(key)} must be true or false, without quotes.")
        return value

    def one_of(self, key: str, choices: Sequence[str], default: str) -> str:
        value = self.text(key, default)
        if value not in choices:
            raise self.wrong(key, f"{self._label(key)} must be one of {', '.join(choices)}, not {value!r}.")
        return value

    def words(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A command: one string as in a shell, or a list of words."""
        value = self._take(key)
        if value is None:
            return default
        try:
            found = shlex.split(value) if isinstance(value, str) else value
        except ValueError as error:
            raise self.wrong(key, f"{self._label(key)} cannot be parsed: {error}.") from None
        if not isinstance(found, list) or not found or not all(isinstance(one, str) for one in found):
            raise self.wrong(key, f'{self._label(key)} must be a command, such as "claude --model opus".')
        return tuple(found)

    def names(self, key: str, check: Callable[[str], str]) -> tuple[str, ...]:
        """A list of names in their canonical form, checked by a rule of the protocol."""
        value = self._take(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.wrong(key, f'{self._label(key)} must be a list of names, such as {key} = ["one", "two"].')
        try:
            return tuple(dict.fromkeys(map(check, value)))
        except GroupChatError as error:
            raise self.wrong(key, error.message) from None

    def known_names(self, key: str, names: Sequence[str], known: Sequence[str], what: str) -> None:
        """Refuse a name of a list that is none of the known ones."""
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
                hint = f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(known)}."
                raise self.wrong(key, f"{self._label(key)}: there is no {what} {name!r}. {hint}")

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        value = self._take(key)
        if value is None:
            return ()
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise self.wrong(key, f'{self._label(key)} must be a table of texts, such as {{ LANG = "C.UTF-8" }}.')
        return tuple(value.items())

    def checked(self, key: str, check: Any, default: str = "") -> str:
        """A text in its canonical form, checked by a rule of the protocol."""
        text = self.text(key, default)
        try:
            return str(check(text)) if text else ""
        except GroupChatError as error:
            raise self.wrong(key, error.message) from None

    def table(self, key: str) -> TomlTable:
        value = self._take(key)
        if value is not None and not isinstance(value, dict):
            raise self.wrong(key, f"`{key}` must be a table: begin it with [{key}].")
        return TomlTable(self.source, value or {}, key)

    def tables(self, key: str) -> list[TomlTable]:
        value = self._take(key)
        if value is not None and not (isinstance(value, list) and all(isinstance(one, dict) for one in value)):
            raise self.wrong(key, f"`{key}` must be a list of tables: begin each with [[{key}]].")
        return [TomlTable(self.source, one, key, number) for number, one in enumerate(value or ())]

    def done(self) -> None:
        for key in self.values:
            if key not in self.known:
                near = difflib.get_close_matches(key, self.known, n=1, cutoff=0.6)
                hint = f" Did you mean `{near[0]}`?" if near else f" Known are: {', '.join(sorted(self.known))}."
                raise self.wrong(key, f"{self._label(key)} is not known.{hint}")
