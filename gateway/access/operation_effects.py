"""What an operation does to the house. Pure.

Each operation says so where it is declared, and what follows is decided by that alone: what a read-only token may ask,
and against which rate a request counts.
"""

from __future__ import annotations

from enum import StrEnum


class OperationEffect(StrEnum):
    READS = "reads"  # nothing is other than before
    GREETS = "greets"  # who is here; with a read-only token it changes nothing
    TAKES = "takes"  # what waits is handed over: asked as often as one reads
    SENDS = "sends"  # something is said, or written for others to read
    CHANGES = "changes"  # rooms, members, tokens, orders, modes
    REPORTS = "reports"  # what a sidecar sees of its terminal: often, and by itself

    @property
    def allowed_read_only(self) -> bool:
        return self in (OperationEffect.READS, OperationEffect.GREETS)
