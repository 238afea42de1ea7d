"""The keys of others that this machine trusts, as its programs use them: read again when another program has changed
the file, changed under a lock, parsed once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.encryption.key_storage.key_locations import KEYS_FOLDER
from gateway.encryption.key_storage.pin_file import PINS_FILE, read_pins, write_pins
from gateway.encryption.member_keys.key_records import KeyRecord
from gateway.encryption.member_keys.pinned_keys import PinnedKey, Trust
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.files.private_files import make_private_folder, open_private

_LOCK_FILE = "peers.lock"
_UNREAD = (-1, -1)
_LOCK_TRIES, _LOCK_PAUSE_S = 50, 0.02


class PinBook:
    def __init__(self, state: Path) -> None:
        self._state = state
        self._read_at = _UNREAD
        self._pins: dict[str, PinnedKey] = {}
        self._records: dict[tuple[str, int], KeyRecord] = {}
        self._current: dict[str, KeyRecord] = {}

    def pins(self) -> dict[str, PinnedKey]:
        self._refresh()
        return self._pins

    def records(self) -> dict[tuple[str, int], KeyRecord]:
        """By name and version, all keys that messages may be checked with."""
        self._refresh()
        return self._records

    def current(self) -> dict[str, KeyRecord]:
        """By name, the keys that may be sealed to."""
        self._refresh()
        return self._current

    def trust_of(self, name: str) -> Trust | None:
        pin = self.pins().get(name)
        return pin.trust if pin else None

    def change(self, change: Callable[[dict[str, PinnedKey]], dict[str, PinnedKey]]) -> dict[str, PinnedKey]:
        """Change the pins while no other program does. `change` gets them as they are on the disk."""
        with self.locked():
            before = read_pins(self._state)
            after = change(dict(before))
            if after != before:
                write_pins(self._state, after)
            self._take(after)
        return after

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        path = make_private_folder(self._state / KEYS_FOLDER) / _LOCK_FILE
        handle = open_private(path, os.O_RDWR | os.O_CREAT)
        try:
            _take_lock(handle, path)
            yield
        finally:
            os.close(handle)

    def _refresh(self) -> None:
        if self._changed_at() != self._read_at:
            self._take(read_pins(self._state))

    def _take(self, pins: dict[str, PinnedKey]) -> None:
        self._read_at = self._changed_at()
        self._pins = pins
        self._records = {
            (name, version): record for name, pin in pins.items() for version, record in pin.records().items()
        }
        self._current = {name: pin.record for name, pin in pins.items() if pin.is_usable}

    def _changed_at(self) -> tuple[int, int]:
        """Every write makes another file, so its number tells, too."""
        try:
            found = (self._state / KEYS_FOLDER / PINS_FILE).stat()
        except FileNotFoundError:
            return (0, 0)
        return found.st_mtime_ns, found.st_ino


def _take_lock(handle: int, path: Path) -> None:
    """Others hold it for milliseconds. One that was stopped meanwhile must not stop this program for ever."""
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_S)
        else:
            return
    raise SealingRefused(
        SealingFault.STORAGE,
        f"Another program changes the keys that you trust, and does not end ({path}). Nothing was changed.",
    )
