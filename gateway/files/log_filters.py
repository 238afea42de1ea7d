"""Filters log lines: no secrets, bounded length, and only a count instead of repeated lines. For structlog and for the
logging of other libraries alike."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

from gateway.files.token_masking import HIDDEN_MARK, mask_tokens

SECRET_KEYS = frozenset({"token", "authorization", "x-auth-token", "password", "secret"})
MAX_REPEATS_PER_WINDOW = 30
MAX_LINES_PER_WINDOW = 600
ALL_KINDS = "all"
WINDOW_S = 60.0
MAX_KINDS = 500

LogFields = MutableMapping[str, Any]


def hide_secrets(_: Any, __: str, event: LogFields) -> LogFields:
    """A last safeguard: values that are named or look like a token are masked, whoever logged them."""
    for key, value in event.items():
        if key.lower() in SECRET_KEYS:
            event[key] = HIDDEN_MARK
        elif isinstance(value, str):
            event[key] = mask_tokens(value)
        elif not isinstance(value, int | float | None) and mask_tokens(shown := repr(value)) != shown:
            event[key] = mask_tokens(shown)
    return event


class RepeatLimit:
    """Limits lines of one kind per time window, and counts those left out. Time is an argument."""

    def __init__(self, at_once: int = MAX_REPEATS_PER_WINDOW, window: float = WINDOW_S) -> None:
        self._at_once, self._window = at_once, window
        self._kinds: dict[str, tuple[float, int]] = {}  # the start of its window, and its lines so far

    def lets(self, kind: str, now: float) -> bool:
        """Whether one more line of this kind may be written."""
        return self._counted(kind, now) <= self._at_once and self._counted(ALL_KINDS, now) <= MAX_LINES_PER_WINDOW

    def _counted(self, kind: str, now: float) -> int:
        began, count = self._kinds.get(kind, (now, 0))
        if now - began >= self._window:
            began, count = now, 0
        self._kinds[kind] = (began, count + 1)
        return count + 1

    def left_out(self, now: float) -> dict[str, int]:
        """The counts of left-out lines of windows that are over. Each is reported once."""
        over = {kind: count for kind, (began, count) in self._kinds.items() if now - began >= self._window}
        for kind in over:
            del self._kinds[kind]
        for kind in [one for one in self._kinds if one != ALL_KINDS][: max(0, len(self._kinds) - MAX_KINDS)]:
            del self._kinds[kind]
        most = {ALL_KINDS: MAX_LINES_PER_WINDOW}
        more = {kind: count - most.get(kind, self._at_once) for kind, count in over.items()}
        return {kind: count for kind, count in more.items() if count > 0}


class RepeatFilter:
    """One limit for everything that a process logs."""

    def __init__(self, limit: RepeatLimit | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock = limit or RepeatLimit(), clock

    def __call__(self, _: Any, level: str, event: LogFields) -> LogFields:
        """The structlog processor. Debug lines are never left out."""
        if level != "debug" and (more := self.check(str(event.get("event", ""))[:200])) is not None:
            event.update(more)
            return event
        if level == "debug":
            return event
        raise structlog.DropEvent

    def check(self, kind: str) -> dict[str, Any] | None:
        """Fields to add to the line; None if the line is not written."""
        now = self._clock()
        left_out = self._limit.left_out(now)
        if not self._limit.lets(kind, now):
            return None
        return {"left_out": left_out} if left_out else {}


class OneLineFormatter(logging.Formatter):
    """Formats lines of other libraries. Of exceptions of the kinds `unshown`, only the name is shown."""

    def __init__(self, unshown: tuple[type[BaseException], ...] = ()) -> None:
        super().__init__()
        self._unshown = unshown

    def format(self, record: logging.LogRecord) -> str:
        line = {"event": mask_tokens(record.getMessage()), "logger": record.name, "level": record.levelname.lower()}
        if record.exc_info and record.exc_info[1] is not None:
            hides = isinstance(record.exc_info[1], self._unshown)
            shown = type(record.exc_info[1]).__name__ if hides else self.formatException(record.exc_info)
            line["exception"] = mask_tokens(shown)
        return json.dumps(line | getattr(record, "more", {}))


class LibraryRepeatFilter(logging.Filter):
    """The same limit for other libraries: lines from one place in their code are of one kind."""

    def __init__(self, repeats: RepeatFilter) -> None:
        super().__init__()
        self._repeats = repeats

    def filter(self, record: logging.LogRecord) -> bool:
        begins = "".join(one for one in str(record.msg)[:24] if not one.isdigit())
        more = self._repeats.check(f"{record.name}:{record.lineno} {begins}")
        record.__dict__["more"] = more
        return more is not None


def prepare_library_handler(
    handler: logging.Handler, repeats: RepeatFilter, unshown: tuple[type[BaseException], ...] = ()
) -> logging.Handler:
    handler.setFormatter(OneLineFormatter(unshown))
    handler.addFilter(LibraryRepeatFilter(repeats))
    return handler
