"""The rows below a message that show its pin, its reactions, and what replaced it. Pure.

A sign and a name are text of members: they are made printable before they are joined and wrapped.
"""

from __future__ import annotations

from collections.abc import Sequence

from controller.view.state.message_marks import MessageMarks
from controller.view.text.row_types import Row
from controller.view.text.text_rows import clean_line_for_screen, wrap_text

MAX_SHOWN_NAMES = 6
MAX_SHOWN_SIGNS = 12


def mark_rows(number: int, marks: MessageMarks, indent: int, width: int) -> list[Row]:
    """None for a message without marks, which most are."""
    parts = ["pinned"] if number in marks.pinned else []
    signs = list(marks.reactions.get(number, {}).items())
    parts += [_sign_text(sign, members) for sign, members in signs[:MAX_SHOWN_SIGNS]]
    parts += [f"{len(signs) - MAX_SHOWN_SIGNS} more"] if len(signs) > MAX_SHOWN_SIGNS else []
    made: list[Row] = []
    if number in marks.replaced:
        made.append((("", " " * indent), ("class:dim", f"replaced by #{marks.replaced[number]}")))
    if parts:
        lines = wrap_text(" · ".join(parts), max(8, width - indent))
        made += [(("", " " * indent), ("class:reaction", line)) for line in lines]
    return made


def _sign_text(sign: str, members: Sequence[str]) -> str:
    names = [clean_line_for_screen(one) for one in members[:MAX_SHOWN_NAMES]]
    if len(members) > MAX_SHOWN_NAMES:
        names.append(f"{len(members) - MAX_SHOWN_NAMES} more")
    return f"{clean_line_for_screen(sign)} {', '.join(names)}"
