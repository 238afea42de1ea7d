"""The members as addressing needs them, built one at a time on demand. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.protocol.text.addressing import Candidate

if TYPE_CHECKING:
    from gateway.model.state import GatewayState


@dataclass(frozen=True)
class MemberDirectory(Mapping[str, Candidate]):
    state: GatewayState
    room: str | None = None

    def __getitem__(self, name: str) -> Candidate:
        return self.state.candidate(self.state.members[name], self.room)

    def __contains__(self, name: object) -> bool:
        record = self.state.members.get(name) if isinstance(name, str) else None
        return record is not None and not record.removed

    def __iter__(self) -> Iterator[str]:
        return (name for name, record in self.state.members.items() if not record.removed)

    def __len__(self) -> int:
        return sum(1 for _ in self)
