"""The one place where the text of a reason becomes a value."""

import pytest

from gateway.protocol.types.core_types import SETTLED_BY_ANSWER, TAKEN_BY_ITSELF, Rung
from gateway.protocol.types.delivery_reasons import (
    EndCause,
    HoldReason,
    cause_of,
    hold_reason_of,
    interrupted_reason,
    refused_reason,
    replaced_reason,
)


@pytest.mark.parametrize(
    ("rung", "reason", "cause"),
    [
        (Rung.FAILED, interrupted_reason("by alice"), EndCause.INTERRUPTED),
        (Rung.FAILED, refused_reason("alice"), EndCause.REFUSED),
        (Rung.FAILED, "the turn failed: interrupted by a signal", EndCause.OTHER),
        (Rung.HELD, interrupted_reason("by alice"), EndCause.OTHER),
        (Rung.ACCEPTED, TAKEN_BY_ITSELF, EndCause.BY_ITSELF),
        (Rung.ACCEPTED, "hook", EndCause.OTHER),
        (Rung.CANCELLED, TAKEN_BY_ITSELF, EndCause.OTHER),
        (Rung.ANSWERED, SETTLED_BY_ANSWER, EndCause.BY_ANSWER),
        (Rung.ANSWERED, "", EndCause.OTHER),
        (Rung.QUEUED, "retried by alice", EndCause.QUEUED_AGAIN),
        (Rung.QUEUED, "woken by alice", EndCause.QUEUED_AGAIN),
        (Rung.QUEUED, "", EndCause.OTHER),
    ],
)
def test_what_a_reason_means(rung: Rung, reason: str, cause: EndCause) -> None:
    assert cause_of(rung, reason) is cause


def test_the_texts_on_the_wire_stay() -> None:
    assert (interrupted_reason("by alice"), refused_reason("alice")) == ("interrupted by alice", "refused by alice")
    assert replaced_reason(813) == "replaced by #813"


@pytest.mark.parametrize("held", HoldReason)
def test_each_reason_to_wait_is_known_again(held: HoldReason) -> None:
    assert hold_reason_of(str(held)) is held


def test_what_another_version_says_is_for_people_alone() -> None:
    assert hold_reason_of("busy, and more") is None
