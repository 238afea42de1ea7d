"""The delivery journal survives a crash of the sidecar: it records how far each message came before the action is done.

It has one line of JSON per step, in the agent's private folder. The room learns the delivery states too, but later, and
not while it is away. Lines are written but not synced: a crash of any process loses nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from gateway.files.private_files import write_private
from sidecar.messages.duplicate_guard import MessageProgress
from sidecar.run_files.agent_folder import read_line

MAX_KEPT_NUMBERS = 2000
JOURNAL_FILE = "journal.jsonl"


class DeliveryJournal:
    """`store` is the id of the room's store. In another store, the same numbers mean other messages. `moved`: when the
    journal was opened, the store was another one, or was restored from a backup."""

    def __init__(self, path: Path, store: str = "", run: str = "", began: int = 0) -> None:
        self._path, self._note, self._run_note = path, path.with_name("house"), path.with_name("run")
        self._store, self._run = read_line(self._note), read_line(self._run_note)
        self._done, self._consumed = _read_journal(path)
        self._fd: int | None = None
        self._cut = False
        self.moved = self.adopt_store(store, run, began)
        with contextlib.suppress(OSError):
            self._compact()

    def adopt_store(self, store: str, run: str = "", began: int = 0) -> bool:
        """Return whether it is another store, or one that assigns numbers anew; then what was known by number is set
        aside. `began` is the first number of this `run` of the gateway. Numbers of an earlier run are below it, unless
        the log was restored from a backup."""
        other = self._store_changed(store)
        if run in ("", self._run):
            return other
        self._run = run
        with contextlib.suppress(OSError):
            write_private(self._run_note, run)
        return self._forget_from(began) or other

    def _store_changed(self, store: str) -> bool:
        if store in ("", self._store):
            return False
        before, self._store = self._store, store
        with contextlib.suppress(OSError):
            write_private(self._note, store)
        if before is None:
            return False
        self.close()
        self._done.clear()
        self._consumed.clear()
        with contextlib.suppress(OSError):
            os.replace(self._path, f"{self._path}.old")
        return True

    def _forget_from(self, began: int) -> bool:
        reused = [number for number in self._done if number >= began > 0]
        for number in reused:
            del self._done[number]
        self._consumed.difference_update(reused)
        if reused:
            self.close()
            with contextlib.suppress(OSError):
                self._compact()
        return bool(reused)

    def record_progress(self, number: int) -> MessageProgress | None:
        return self._done.get(number)

    def was_consumed(self, number: int) -> bool:
        """At any time before, unless a person has ordered it again since."""
        return number in self._consumed

    def unfinished(self) -> list[int]:
        """What the room may still believe to be in progress."""
        return sorted(
            number
            for number, done in self._done.items()
            if number > 0 and MessageProgress.TYPING <= done < MessageProgress.OVER
        )

    def mark(self, numbers: Iterable[int], done: MessageProgress) -> None:
        """Raises OSError if it cannot be written. Then the action must not be done."""
        news = [number for number in numbers if self._done.get(number) != done]
        if news:
            self._write("".join(json.dumps([number, int(done)]) + "\n" for number in news).encode())
            for number in news:
                _apply_entry(self._done, self._consumed, number, done)

    def _write(self, data: bytes) -> None:
        """A line that a full disk cut off is ended first, so that the next line stays readable."""
        if self._fd is None:
            self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        data = b"\n" + data if self._cut else data
        self._cut = True
        if os.write(self._fd, data) < len(data):
            raise OSError("the disk is full")
        self._cut = False

    def _compact(self) -> None:
        newest = dict(sorted(self._done.items())[-MAX_KEPT_NUMBERS:])
        self._consumed &= newest.keys()
        before = (number for number in sorted(self._consumed) if newest[number] is not MessageProgress.CONSUMED)
        steps = [*((number, MessageProgress.CONSUMED) for number in before), *newest.items()]
        lines = "".join(json.dumps([number, int(done)]) + "\n" for number, done in steps)
        write_private(self._path, lines)

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def read_store_and_number(path: Path) -> tuple[str, int]:
    """The store that a journal belongs to, and the highest number in it."""
    done, _ = _read_journal(path)
    return read_line(path.with_name("house")) or "", max(done, default=0)


def _apply_entry(done: dict[int, MessageProgress], consumed: set[int], number: int, reached: MessageProgress) -> None:
    done[number] = reached
    if reached is MessageProgress.CONSUMED:
        consumed.add(number)
    elif reached is MessageProgress.RELEASED:
        consumed.discard(number)


def _read_journal(path: Path) -> tuple[dict[int, MessageProgress], set[int]]:
    done: dict[int, MessageProgress] = {}
    consumed: set[int] = set()
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return done, consumed
    for line in lines:
        try:
            number, reached = json.loads(line)
            _apply_entry(done, consumed, int(number), MessageProgress(reached))
        except (ValueError, TypeError):
            continue
    return done, consumed
