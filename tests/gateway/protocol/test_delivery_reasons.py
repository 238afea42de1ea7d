"""The one place where the text of a reason becomes a value."""

import pytest

from gateway.protocol.delivery_reasons import Cause, Held, cause_of, held_by, interrupted, refused_by
from gateway.protocol.types import BY_ANSWER, BY_ITSELF, Rung


@pytest.mark.parametrize(
    ("rung", "reason", "cause"),
    [
        (Rung.FAILED, interrupted("by alice"), Cause.INTERRUPTED),
        (Rung.FAILED, refused_by("alice"), Cause.REFUSED),
        (Rung.FAILED, "the turn failed: interrupted by a signal", Cause.OTHER),
        (Rung.HELD, interrupted("by alice"), Cause.OTHER),
        (Rung.ACCEPTED, BY_ITSELF, Cause.BY_ITSELF),
        (Rung.ACCEPTED, "hook", Cause.OTHER),
        (Rung.CANCELLED, BY_ITSELF, Cause.OTHER),
        (Rung.ANSWERED, BY_ANSWER, Cause.BY_ANSWER),
        (Rung.ANSWERED, "", Cause.OTHER),
        (Rung.QUEUED, "retried by alice", Cause.QUEUED_AGAIN),
        (Rung.QUEUED, "woken by alice", Cause.QUEUED_AGAIN),
        (Rung.QUEUED, "", Cause.OTHER),
    ],
)
def test_what_a_reason_means(rung: Rung, reason: str, cause: Cause) -> None:
    assert cause_of(rung, reason) is cause


def test_the_texts_on_the_wire_stay() -> None:
    assert (interrupted("by alice"), refused_by("alice")) == ("interrupted by alice", "refused by alice")


@pytest.mark.parametrize("held", Held)
def test_each_reason_to_wait_is_known_again(held: Held) -> None:
    assert held_by(str(held)) is held


def test_what_another_version_says_is_for_people_alone() -> None:
    assert held_by("busy, and more") is None
