"""The entries of the shown room in their order: a window of its history, not all of it. Pure."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from controller.view.state.stream_entries import EntryKey, StreamEntry
from gateway.protocol.events import Message

MAX_ENTRIES = 6000
MAX_KEPT_ENTRIES = 3000  # once there are too many
AFTER_ALL_NOTICES = 1 << 62  # the second part of a key: after the chat's own lines of the same number


@dataclass
class StreamWindow:
    """`more_before`: older pages exist. `at_tail`: the newest message is here. `version`: how often an entry changed,
    for those who keep its rows."""

    keys: list[EntryKey] = field(default_factory=list)
    entries: dict[EntryKey, StreamEntry] = field(default_factory=dict)
    version: dict[EntryKey, int] = field(default_factory=dict)
    more_before: bool = True
    at_tail: bool = True

    def clear(self) -> None:
        self.keys.clear()
        self.entries.clear()

    def put(self, key: EntryKey, entry: StreamEntry) -> None:
        if key not in self.entries:
            if not self.keys or key > self.keys[-1]:
                self.keys.append(key)
            else:
                bisect.insort(self.keys, key)
        self.entries[key] = entry

    def replace(self, key: EntryKey, entry: StreamEntry) -> None:
        """Put the entry only in the place of another one."""
        if key in self.entries:
            self.entries[key] = entry
            self.mark_changed(key)

    def mark_changed(self, key: EntryKey) -> None:
        self.version[key] = self.version.get(key, 0) + 1

    def drop_from(self, key: EntryKey) -> None:
        self._drop(self.keys[bisect.bisect_left(self.keys, key) :])

    def forget_oldest(self) -> None:
        if len(self.keys) > MAX_ENTRIES:
            self._drop(self.keys[: len(self.keys) - MAX_KEPT_ENTRIES])
            self.more_before = True

    def forget_newest(self) -> bool:
        """Whether there were too many."""
        if len(self.keys) <= MAX_ENTRIES:
            return False
        self._drop(self.keys[MAX_KEPT_ENTRIES:])
        self.at_tail = False
        return True

    def _drop(self, keys: Sequence[EntryKey]) -> None:
        gone = set(keys)
        self.keys = [key for key in self.keys if key not in gone]
        for key in gone:
            self.entries.pop(key, None)
            self.version.pop(key, None)

    # questions

    def message(self, seq: int) -> Message | None:
        found = self.entries.get((seq, 0))
        return found if isinstance(found, Message) else None

    def oldest(self) -> int | None:
        return next((key[0] for key in self.keys if isinstance(self.entries[key], Message)), None)

    def newest(self) -> int | None:
        return next((key[0] for key in reversed(self.keys) if isinstance(self.entries[key], Message)), None)

    def newest_messages(self, most: int) -> list[Message]:
        """The last messages, the newest first."""
        found = (one for key in reversed(self.keys) if isinstance(one := self.entries[key], Message))
        return list(itertools.islice(found, most))

    def numbers_from(self, author: str) -> tuple[int, ...]:
        return tuple(
            key[0] for key in self.keys if isinstance(one := self.entries[key], Message) and one.from_ == author
        )

    def first_of_others(self, after: int, author: str) -> EntryKey | None:
        """The first message behind the number `after` that is not from `author`."""
        for key in self.keys[bisect.bisect(self.keys, (after, AFTER_ALL_NOTICES)) :]:
            entry = self.entries[key]
            if isinstance(entry, Message) and entry.from_ != author:
                return key
        return None
