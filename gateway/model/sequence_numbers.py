"""Keeps sequence numbers unique, also after the database was restored from a backup. Pure.

A restored database does not know the numbers that were given out after the backup. They must not be given out again: a
client that has read #812 would ignore a new #812. A file beside the database holds the highest number ever given. If
that file was restored too, clients report the highest number they have seen, and numbering continues well above it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.rule_context import RuleContext

SKIPPED_NUMBERS = 1_000_000


@dataclass
class SequenceNumbers:
    """`run` identifies this run of the gateway, `began` is its first number. The gateway believes a client's number
    once in a run, and only up to a bound, so that no client can exhaust the numbers."""

    rule_context: RuleContext
    run: str
    began: int = 0
    skipped: bool = False

    def begin(self, given: int) -> None:
        """Begin a run: all numbers up to `given` were given out before."""
        self.rule_context.last_seq = max(self.rule_context.last_seq, given)
        self.began = self.began or self.rule_context.last_seq + 1

    def accept_client_number(self, same_store: bool, known: int) -> bool:
        """Skip numbers if a client has seen a higher one than was ever given out here. Returns whether it did."""
        given = self.rule_context.last_seq
        if not same_store or self.skipped or not given < known <= given + SKIPPED_NUMBERS:
            return False
        self.rule_context.last_seq = given + SKIPPED_NUMBERS
        self.skipped = True
        return True
