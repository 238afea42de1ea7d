"""Which numbers were given out, also by a log that is no more.

A database that is put back from a backup holds less than was given out. Its numbers must not be given out again:
whoever remembers that #812 was read would refuse a new #812. A file beside the database knows the highest number ever
given; where that was put back too, clients remember, and the numbers go on well above. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.log_events import Clerk

SKIPPED = 1_000_000


@dataclass
class Numbers:
    """`run` names this run of the gateway, `began` is its first number. A client's word is believed once in a run, and
    only up to a bound: nobody can use the numbers up."""

    clerk: Clerk
    run: str
    began: int = 0
    skipped: bool = False

    def begin(self, given: int) -> None:
        """All up to `given` were given out before this run."""
        self.clerk.last_seq = max(self.clerk.last_seq, given)
        self.began = self.began or self.clerk.last_seq + 1

    def believe(self, same_house: bool, known: int) -> bool:
        """Whether numbers are skipped, because a client remembers more than was ever given out here."""
        given = self.clerk.last_seq
        if not same_house or self.skipped or not given < known <= given + SKIPPED:
            return False
        self.clerk.last_seq = given + SKIPPED
        self.skipped = True
        return True
