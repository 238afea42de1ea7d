"""Gives each member's name a style by order: the first twelve members all look different. Pure.

The colours of the twelve styles are the theme's; see `themes`. None of them is the colour of a state.
"""

from __future__ import annotations

from collections.abc import Iterable

NAME_STYLES = 12


class NameStyles:
    """A name keeps its style for as long as the chat runs."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, names: Iterable[str]) -> None:
        """Number the names that are new, in this order."""
        for name in names:
            self._numbers.setdefault(name, len(self._numbers))

    def style_of(self, name: str) -> str:
        self.number((name,))
        return f"class:name.{self._numbers[name] % NAME_STYLES}"
