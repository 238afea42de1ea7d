"""The members as addressing needs them, built one at a time on demand. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gateway.model.records.stored_records import MemberRecord
from gateway.protocol.text.addressing import Candidate


@dataclass(frozen=True)
class MemberDirectory(Mapping[str, Candidate]):
    """`records` has removed members too; an address cannot name them."""

    records: Mapping[str, MemberRecord]
    make_candidate: Callable[[MemberRecord], Candidate]

    def __getitem__(self, name: str) -> Candidate:
        return self.make_candidate(self.records[name])

    def __contains__(self, name: object) -> bool:
        record = self.records.get(name) if isinstance(name, str) else None
        return record is not None and not record.removed

    def __iter__(self) -> Iterator[str]:
        return (name for name, record in self.records.items() if not record.removed)

    def __len__(self) -> int:
        return sum(1 for _ in self)
