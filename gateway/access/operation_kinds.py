"""The effect of an operation on the gateway. Pure.

Each operation declares its effect. The effect alone decides whether a read-only token may ask for it, and which rate
limit it counts against.
"""

from __future__ import annotations

from enum import StrEnum


class OperationKind(StrEnum):
    READS = "reads"  # changes nothing
    GREETS = "greets"  # connects a member; with a read-only token it changes nothing
    TAKES = "takes"  # hands over waiting messages: as frequent as reads
    SENDS = "sends"  # sends a message or writes a document
    CHANGES = "changes"  # rooms, members, tokens, orders, modes
    REPORTS = "reports"  # reports of a sidecar about its terminal: frequent and automatic

    @property
    def allowed_read_only(self) -> bool:
        return self in (OperationKind.READS, OperationKind.GREETS)
