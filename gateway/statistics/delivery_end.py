"""How one delivery ended, as it is counted. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class DeliveryResult(StrEnum):
    TAKEN = "taken"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class DeliveryEnd(msgspec.Struct, frozen=True):
    """`seconds`: from the acceptance of the message to its end; None where the time of the message is not known."""

    result: DeliveryResult
    seconds: float | None = None
