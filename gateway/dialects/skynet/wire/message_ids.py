"""Finds the message that an id on Skynet's wire stands for, and the other way round.

Skynet's replies name their parent by its id; ours by its number. A message that came over another interface has no id
of the kind, so its number is written as one.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import NamedTuple

from gateway.protocol.events import Message

MAX_KNOWN_IDS = 10_000
_NATIVE_ID = re.compile(r"m-\d+")
_NUMBER_AS_ID = re.compile(r"00000000-0000-4000-8000-([0-9a-f]{12})")


class KnownId(NamedTuple):
    id: str
    trace: str


def id_of_number(seq: int) -> str:
    return f"00000000-0000-4000-8000-{seq:012x}"


def number_in_id(text: str) -> int | None:
    match = _NUMBER_AS_ID.fullmatch(text)
    return int(match[1], 16) if match else None


def id_of_message(message: Message) -> str:
    """The id that the sender gave, or the number as an id."""
    return id_of_number(message.seq) if _NATIVE_ID.fullmatch(message.id) else message.id


class MessageIds:
    """The ids of the latest messages. An older parent is still named to clients, but not linked in the log."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, KnownId] = OrderedDict()
        self._numbers: dict[tuple[str, str], int] = {}

    def note(self, message: Message) -> KnownId:
        known = KnownId(id_of_message(message), self._trace_of(message))
        if message.seq not in self._known:
            self._known[message.seq] = known
            self._numbers[known.id, message.from_] = message.seq
            self._trim()
        return known

    def _trace_of(self, message: Message) -> str:
        if message.trace:
            return message.trace
        asked = self._known.get(message.reply_to or 0)
        return asked.trace if asked else id_of_message(message)

    def _trim(self) -> None:
        while len(self._known) > MAX_KNOWN_IDS:
            self._known.popitem(last=False)
        if len(self._numbers) > 2 * MAX_KNOWN_IDS:
            self._numbers = {key: seq for key, seq in self._numbers.items() if seq in self._known}

    def of(self, seq: int) -> KnownId | None:
        return self._known.get(seq)

    def id_of(self, seq: int) -> str:
        known = self._known.get(seq)
        return known.id if known else id_of_number(seq)

    def number_of(self, id_: str, *senders: str) -> int | None:
        """The number of the message with this id from one of these senders: ids are chosen by clients."""
        if (number := number_in_id(id_)) is not None:
            return number
        found = (self._numbers.get((id_, sender)) for sender in senders)
        return next((one for one in found if one is not None), None)
