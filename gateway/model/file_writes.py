"""Which agents have written which files lately, and of which collisions they were told. Only in memory. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import NamedTuple

MAX_KEPT_FILES = 10_000
MAX_WRITERS_OF_A_FILE = 20
MAX_KEPT_COLLISIONS = 10_000
MAX_COLLISIONS_OF_A_PAIR = 20  # within one window: who needs to know them knows them by then


class EarlierWrite(NamedTuple):
    """Who wrote the file before, and when."""

    agent: str
    at: float


class FileWrites:
    """A file is known by a key that is the same for all agents of a machine."""

    def __init__(self) -> None:
        self._writers: OrderedDict[str, dict[str, float]] = OrderedDict()
        self._told: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self._lately: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def note_write(self, agent: str, key: str, now: float, window: float) -> tuple[EarlierWrite, ...]:
        """The others who wrote this file within the window, and of whom this agent has not been told in the
        meantime."""
        writers = self._writers.pop(key, {})
        others = (EarlierWrite(name, at) for name, at in writers.items() if name != agent and now - at < window)
        found = tuple(one for one in others if self._is_news(key, agent, one.agent, now, window))
        writers.pop(agent, None)
        self._writers[key] = {**dict(list(writers.items())[-MAX_WRITERS_OF_A_FILE + 1 :]), agent: now}
        if len(self._writers) > MAX_KEPT_FILES:
            self._writers.popitem(last=False)
        return found

    def _is_news(self, key: str, one: str, other: str, now: float, window: float) -> bool:
        """Once for each pair and file in a window. What is told now is remembered."""
        first, second = sorted((one, other))
        at = self._told.get((first, second, key))
        if at is not None and now - at < window:
            return False
        lately = self._lately.pop((first, second), None) or deque[float](maxlen=MAX_COLLISIONS_OF_A_PAIR)
        self._lately[first, second] = lately
        if len(lately) == MAX_COLLISIONS_OF_A_PAIR and now - lately[0] < window:
            return False
        lately.append(now)
        self._told.pop((first, second, key), None)
        self._told[first, second, key] = now
        for kept in (self._told, self._lately):
            if len(kept) > MAX_KEPT_COLLISIONS:
                kept.popitem(last=False)
        return True

    def shift_times(self, step: float) -> None:
        """The machine's clock was set."""
        for writers in self._writers.values():
            writers.update({name: at + step for name, at in writers.items()})
        self._told.update({pair: at + step for pair, at in self._told.items()})
        self._lately.clear()
