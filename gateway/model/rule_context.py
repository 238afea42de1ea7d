"""What a rule gets beside the state and the request: the time, numbers for its events, the operator's settings."""

from __future__ import annotations

from gateway.model.records.operator_settings import RuleSettings
from gateway.protocol.types.timestamps import iso_from_seconds


class RuleContext:
    """What a rule gets beside the state: numbers for its events, the time, and the operator's settings. Events are
    ordered by number, because the clock may be set back."""

    def __init__(self, last_seq: int = 0, now: float = 0.0, settings: RuleSettings | None = None) -> None:
        self.last_seq = last_seq
        self.now = now
        self.settings = settings or RuleSettings()
        self._stamped = (-1, "")

    def at(self, now: float) -> RuleContext:
        self.now = now
        return self

    def seq(self) -> int:
        self.last_seq += 1
        return self.last_seq

    @property
    def stamp(self) -> str:
        milliseconds = int(self.now * 1000)
        if self._stamped[0] != milliseconds:
            self._stamped = (milliseconds, iso_from_seconds(self.now))
        return self._stamped[1]
