"""Paints pages of rows as the chat does, in a real terminal: `python -P -m tests.fakes.painted_rows PAGES.json`. A key
shows the next page; the last row names it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from prompt_toolkit.application import Application
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import HSplit, Layout, Window

from controller.chat.full_screen.layout import RowsContainer, ScreenLine

BORDER_COLUMN = 40


def main(pages: list[list[str]]) -> None:
    shown = [0]
    keys = KeyBindings()

    @keys.add("<any>")
    def _next(event: KeyPressEvent) -> None:
        shown[0] += 1
        event.app.invalidate()

    def rows(width: int, height: int) -> list[ScreenLine]:
        page = pages[shown[0] % len(pages)]
        found = [ScreenLine((("", text),), BORDER_COLUMN, (("", "│ beside"),)) for text in page]
        return [*found, ScreenLine((("", f"page {shown[0]}"),))][:height]

    body = HSplit([RowsContainer(rows, lambda: None), Window(height=1)])
    Application(Layout(body), key_bindings=keys, full_screen=True).run()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
