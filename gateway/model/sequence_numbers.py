"""Which numbers were given out, also by a log that is no more.

A database that is put back from a backup holds less than was given out. Its numbers must not be given out again:
whoever remembers that #812 was read would refuse a new #812. A file beside the database knows the highest number ever
given; where that was put back too, clients remember, and the numbers go on well above. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.log_events import Sequencer

SKIPPED_NUMBERS = 1_000_000


@dataclass
class SequenceNumbers:
    """`run` names this run of the gateway, `began` is its first number. A client's word is believed once in a run, and
    only up to a bound: nobody can use the numbers up."""

    sequencer: Sequencer
    run: str
    began: int = 0
    skipped: bool = False

    def begin(self, given: int) -> None:
        """All up to `given` were given out before this run."""
        self.sequencer.last_seq = max(self.sequencer.last_seq, given)
        self.began = self.began or self.sequencer.last_seq + 1

    def accept_client_number(self, same_house: bool, known: int) -> bool:
        """Whether numbers are skipped, because a client remembers more than was ever given out here."""
        given = self.sequencer.last_seq
        if not same_house or self.skipped or not given < known <= given + SKIPPED_NUMBERS:
            return False
        self.sequencer.last_seq = given + SKIPPED_NUMBERS
        self.skipped = True
        return True
