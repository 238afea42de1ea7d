"""Turns frames into terminal bytes: only the rows that changed, each frame shown at once."""

from sidecar.demo_agent.view import DemoFrame

ENTER_SCREEN = "\x1b[?1049h\x1b[?25l\x1b[2J"
LEAVE_SCREEN = "\x1b[?2004l\x1b]0;\x07\x1b[?25h\x1b[?1049l"


class Painter:
    def __init__(self) -> None:
        self._last = DemoFrame((), "", None, accepts_pastes=False)

    def forget(self) -> None:
        """The screen was resized, so its content is unknown."""
        self._last = DemoFrame((), self._last.title, None, self._last.accepts_pastes)

    def paint(self, view: DemoFrame) -> str:
        if view == self._last:
            return ""
        last, self._last = self._last, view
        out = [] if len(last.rows) == len(view.rows) else ["\x1b[2J"]
        before = last.rows if not out else ("",) * len(view.rows)
        for number, (old, new) in enumerate(zip(before, view.rows, strict=True), 1):
            if old != new:
                out.append(f"\x1b[{number};1H\x1b[K{new}")
        if view.title != last.title:
            out.append(f"\x1b]0;{view.title}\x07")
        if view.accepts_pastes != last.accepts_pastes:
            out.append(f"\x1b[?2004{'h' if view.accepts_pastes else 'l'}")
        return f"\x1b[?2026h\x1b[?25l{''.join(out)}{_cursor_sequence(view)}\x1b[?2026l"


def _cursor_sequence(view: DemoFrame) -> str:
    if view.cursor is None:
        return ""
    return f"\x1b[{view.cursor[0] + 1};{view.cursor[1] + 1}H\x1b[?25h"
