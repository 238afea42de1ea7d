"""What is asked of Redis after an append, before its sender hears that the message was accepted. Pure.

`WAITAOF 1 0` is answered when the append is synced to the disk of this Redis, also if somebody has changed its settings
since the start. `WAIT N` is answered when N replicas have the append in memory; `WAITAOF 1 N` would wait for their
disks, but they report a sync only once a second, so each message would take that long.

Both speak of what their own connection wrote last. So they follow a write on the same connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gateway.protocol.errors import StorageFailed

CONFIRM_TIMEOUT_MS = 2000  # both together are shorter than a command may take

Command: TypeAlias = tuple[str | int, ...]


class NotConfirmed(StorageFailed):
    """It is in the log, and on fewer machines than was asked for."""


@dataclass(frozen=True)
class Confirmation:
    """`disk`: ask whether it is synced; `replicas`: on how many of them an accepted message must be."""

    disk: bool = False
    replicas: int = 0

    @property
    def commands(self) -> Sequence[Command]:
        disk: list[Command] = [("WAITAOF", 1, 0, CONFIRM_TIMEOUT_MS)] if self.disk else []
        replicas: list[Command] = [("WAIT", self.replicas, CONFIRM_TIMEOUT_MS)] if self.replicas else []
        return [*disk, *replicas]

    def check(self, answers: Sequence[object]) -> None:
        """The answers to `commands`. NotConfirmed says which machine is missing."""
        for (name, *_), answer in zip(self.commands, answers, strict=True):
            if (missing := self._missing(name, answer)) is not None:
                raise NotConfirmed(
                    f"This is in the log, but {missing}, so it could still be lost and is not accepted. Send it again "
                    "with the same id: it is stored once, and accepted as soon as that is so."
                )

    def _missing(self, name: str | int, answer: object) -> str | None:
        match name, answer:
            case "WAITAOF", [int(disks), _]:
                return None if disks else f"Redis has not synced it to disk within {CONFIRM_TIMEOUT_MS / 1000:g} s"
            case "WAIT", int(replicas):
                few = f"only {replicas} of {self.replicas} replicas had it within {CONFIRM_TIMEOUT_MS / 1000:g} s"
                return few if replicas < self.replicas else None
        return f"Redis does not say whether it is safe ({answer})"

    def describe(self) -> str:
        match self.replicas:
            case 0:
                return ""
            case 1:
                return ", and 1 replica has it in memory"
        return f", and {self.replicas} replicas have it in memory"
