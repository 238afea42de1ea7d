"""A regular expression of a user's file that cannot stop the sidecar: a match that takes too long is ended.

`re` looks for signals while it matches, so the signal of a timer can end it. The timer counts the time of our own
process, so a busy machine ends nothing too early. Built-in rules are tested, and go without.
"""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MATCH_LIMIT_S = 0.1
MAX_SHOWN_CHARS = 60


class TextPattern(Protocol):
    """What the rules use of a regular expression."""

    @property
    def pattern(self) -> str: ...

    def search(self, string: str, /) -> re.Match[str] | None: ...

    def match(self, string: str, pos: int = 0, /) -> re.Match[str] | None: ...

    def fullmatch(self, string: str, /) -> re.Match[str] | None: ...


@dataclass
class TimeAccount:
    """What the expressions of one file share. `problem` is a sentence once one of them took too long; from then on none
    of them matches, and what they said before counts no more."""

    problem: str = ""


class _MatchTooSlow(Exception):
    pass


@dataclass
class _Alarm:
    armed: bool = False
    installed: bool = False

    def arm(self, seconds: float) -> None:
        if not self.installed:
            signal.signal(signal.SIGVTALRM, self._rings)
            self.installed = True
        self.armed = True
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)

    def disarm(self) -> None:
        self.armed = False
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def _rings(self, *_: object) -> None:
        if self.armed:
            raise _MatchTooSlow


_ALARM = _Alarm()


class BoundedPattern:
    """A compiled expression with the methods of `re.Pattern` that rules use. Signals reach the main thread alone: in
    another one there is no limit."""

    def __init__(self, compiled: re.Pattern[str], account: TimeAccount, limit_s: float = MATCH_LIMIT_S) -> None:
        self._compiled, self._account, self._limit_s = compiled, account, limit_s

    @property
    def pattern(self) -> str:
        return self._compiled.pattern

    def search(self, string: str, /) -> re.Match[str] | None:
        return self._limited(lambda: self._compiled.search(string))

    def match(self, string: str, pos: int = 0, /) -> re.Match[str] | None:
        return self._limited(lambda: self._compiled.match(string, pos))

    def fullmatch(self, string: str, /) -> re.Match[str] | None:
        return self._limited(lambda: self._compiled.fullmatch(string))

    def _limited(self, look: Callable[[], re.Match[str] | None]) -> re.Match[str] | None:
        if self._account.problem:
            return None
        if threading.current_thread() is not threading.main_thread():
            return look()
        try:
            _ALARM.arm(self._limit_s)
            try:
                return look()
            finally:
                _ALARM.disarm()
        except _MatchTooSlow:
            _ALARM.disarm()
            shown = self._compiled.pattern[:MAX_SHOWN_CHARS]
            self._account.problem = f"the regular expression {shown!r} takes longer than {self._limit_s:g} s"
            return None
