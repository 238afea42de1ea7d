"""Films what a person sees: the pane of a camera, looked at many times a second, with captions and pauses to read."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from tests.support.draw import Camera
from tests.support.film import Frame

LOOK_INTERVAL_S = 0.07
LONGEST_WAIT_S = 0.9  # what lasts longer is waiting, and nobody needs to watch it


@dataclass
class Film:
    """`caption` stands below what is filmed from now on."""

    camera: Camera
    caption: str = ""
    frames: list[Frame] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)
    _since: float = 0.0

    @contextmanager
    def rolling(self) -> Iterator[None]:
        """In a thread, because commands of the scene block the loop."""
        thread = threading.Thread(target=self._roll, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def hold(self, seconds: float, *, still: bool = False) -> None:
        """Look once more, and let it stand for so long."""
        self._look()
        with self._one_at_a_time:
            self.frames[-1] = replace(self.frames[-1], seconds=seconds, still=still)
            self._since = time.monotonic()
            self.frames.append(replace(self.frames[-1], seconds=0.0, still=False))

    def _roll(self) -> None:
        while not self._over.wait(LOOK_INTERVAL_S):
            self._look()

    def _look(self) -> None:
        rows = tuple(self.camera.rows())
        with self._one_at_a_time:
            now = time.monotonic()
            seen = Frame(rows, 0.0, self.caption)
            last = self.frames[-1] if self.frames else None
            if last is not None and (last.rows, last.caption) == (seen.rows, seen.caption):
                return
            if last is not None:
                stood = last.seconds + min(now - self._since, LONGEST_WAIT_S)
                self.frames[-1] = replace(last, seconds=stood)
            self.frames.append(seen)
            self._since = now

    def cut(self) -> list[Frame]:
        """What was seen for no time at all is left out."""
        return [frame for frame in self.frames if frame.seconds > 0.01]
