"""Texts without some of their characters. `"".join(one for one in text if ...)` asks about each character each time."""

from __future__ import annotations

from collections.abc import Callable


class Without(dict[int, int | None]):
    """For `text.translate`: without the characters of which `drops` is true. It is asked once for each character."""

    def __init__(self, drops: Callable[[str], bool]) -> None:
        super().__init__()
        self._drops = drops

    def __missing__(self, code: int) -> int | None:
        self[code] = kept = None if self._drops(chr(code)) else code
        return kept
