"""The vectors of the newest messages in memory, as bits, so that the nearest to a question are found in one pass. Pure.

It holds a bounded number of public messages: about 100 bytes each, and more with more dimensions.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import accumulate

from gateway.recall.vector_codes import sign_bits

SLACK_SHARE = 0.1  # how much over its bound it may grow before the oldest are dropped


class VectorIndex:
    def __init__(self, most: int) -> None:
        self.most = most
        self._numbers: list[int] = []
        self._bits: list[int] = []
        self._rooms: list[str] = []
        self._dimensions = 0

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, number: int, room: str, packed: bytes) -> None:
        self._numbers.append(number)
        self._bits.append(sign_bits(packed))
        self._rooms.append(room)
        self._dimensions = max(self._dimensions, len(packed))
        if len(self._numbers) > self.most * (1 + SLACK_SHARE):
            self._drop_oldest()

    def clear(self) -> None:
        self._numbers, self._bits, self._rooms = [], [], []

    def _drop_oldest(self) -> None:
        oldest = sorted(self._numbers)[-self.most]
        kept = [place for place, number in enumerate(self._numbers) if number >= oldest]
        self._numbers = [self._numbers[place] for place in kept]
        self._bits = [self._bits[place] for place in kept]
        self._rooms = [self._rooms[place] for place in kept]

    def nearest(self, packed: bytes, rooms: Collection[str] | None, limit: int) -> list[int]:
        """The numbers of the messages of these rooms (None: of all) whose bits differ least."""
        if len(packed) > self._dimensions:  # the model behind the address was changed under the same name
            return []
        asked = sign_bits(packed)
        differences = [(bits ^ asked).bit_count() for bits in self._bits]
        if rooms is None:
            places: Collection[int] = range(len(differences))
        else:
            places = [place for place, room in enumerate(self._rooms) if room in rooms]
        bound = self._bound_of(differences, places, limit)
        near = [place for place in places if differences[place] <= bound]
        near.sort(key=lambda place: (differences[place], -self._numbers[place]))
        return [self._numbers[place] for place in near[:limit]]

    def _bound_of(self, differences: list[int], places: Collection[int], limit: int) -> int:
        """The difference within which there are at least so many: counted, because sorting all takes longer."""
        counts = [0] * (self._dimensions + 1)
        for place in places:
            counts[differences[place]] += 1
        return next((bound for bound, total in enumerate(accumulate(counts)) if total >= limit), self._dimensions)
