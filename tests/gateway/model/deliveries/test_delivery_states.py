"""The ladder of one delivery, every pair of rungs; drawn here once more, so that a slip in the table is seen."""

from __future__ import annotations

from itertools import product

import pytest

from gateway.model.deliveries.delivery_states import (
    NEXT_RUNGS,
    OPEN_RUNGS,
    RETRIABLE_RUNGS,
    WAITING_RUNGS,
    apply_steps,
    is_repeated_report,
)
from gateway.protocol.errors import WrongRung
from gateway.protocol.types.core_types import Delivery, Rung, Step
from tests.support.world import STAMP, delivery

DRAWN = """
           | queued held typed verified unverified submitted accepted seen answered failed expired cancelled
queued     |   .     x     x      x         x          x        x      x      x       x       x        x
held       |   .     x     x      x         x          x        x      x      x       x       x        x
typed      |   .     x     .      x         x          x        x      x      x       x       x        x
verified   |   .     x     .      .         .          x        x      x      x       x       x        x
unverified |   .     x     .      .         .          x        x      x      x       x       x        x
submitted  |   .     x     .      .         .          .        x      x      x       x       .        .
accepted   |   .     x     .      .         .          .        .      x      x       x       .        .
seen       |   .     .     .      .         .          .        .      .      x       x       .        .
answered   |   .     .     .      .         .          .        .      .      .       .       .        .
failed     |   x     .     .      .         .          .        .      .      .       .       .        .
expired    |   x     .     .      .         .          .        .      .      .       .       .        .
cancelled  |   x     .     .      .         .          .        .      .      .       .       .        .
"""


def read(drawn: str) -> dict[tuple[Rung, Rung], bool]:
    head, *rows = drawn.strip().splitlines()
    columns = [Rung(name) for name in head.split("|")[1].split()]
    cells: dict[tuple[Rung, Rung], bool] = {}
    for row in rows:
        name, marks = row.split("|")
        for column, mark in zip(columns, marks.split(), strict=True):
            cells[Rung(name.strip()), column] = mark == "x"
    return cells


LADDER = read(DRAWN)


def test_every_pair_is_drawn() -> None:
    assert set(LADDER) == set(product(Rung, Rung))
    assert set(NEXT_RUNGS) == set(Rung)


@pytest.mark.parametrize(("before", "after"), list(product(Rung, Rung)))
def test_a_step(before: Rung, after: Rung) -> None:
    step = (Step(after, "later", "because"),)
    if LADDER[before, after]:
        assert apply_steps(delivery(before), step) == Delivery(7, "claude", after, "because", "later")
    else:
        with pytest.raises(WrongRung, match=f"{before}: {after} cannot follow"):
            apply_steps(delivery(before), step)


def test_many_steps_are_taken_in_order_and_the_last_one_holds() -> None:
    steps = tuple(Step(rung, STAMP, rung) for rung in (Rung.HELD, Rung.TYPED, Rung.VERIFIED, Rung.SUBMITTED, Rung.SEEN))
    assert apply_steps(delivery(Rung.QUEUED), steps) == delivery(Rung.SEEN, reason="seen")
    with pytest.raises(WrongRung, match="is submitted: typed cannot follow"):
        apply_steps(delivery(Rung.QUEUED), (Step(Rung.SUBMITTED), Step(Rung.TYPED)))


def test_an_end_says_so() -> None:
    with pytest.raises(WrongRung, match="finished"):
        apply_steps(delivery(Rung.ANSWERED), (Step(Rung.SEEN),))


def test_what_waits_is_open_and_what_is_open_can_end() -> None:
    assert WAITING_RUNGS < OPEN_RUNGS
    assert OPEN_RUNGS.isdisjoint(RETRIABLE_RUNGS)
    for rung in OPEN_RUNGS:
        assert Rung.FAILED in NEXT_RUNGS[rung]
    assert {rung for rung in Rung if Rung.QUEUED in NEXT_RUNGS[rung]} == RETRIABLE_RUNGS


REPEATS: list[tuple[Delivery, tuple[Step, ...], bool]] = [
    (delivery(Rung.TYPED), (Step(Rung.TYPED),), True),
    (delivery(Rung.SEEN, reason="hook"), (Step(Rung.SUBMITTED), Step(Rung.SEEN, "", "hook")), True),
    (delivery(Rung.SEEN, reason="hook"), (Step(Rung.SEEN, "", "transcript"),), False),
    (delivery(Rung.TYPED), (Step(Rung.VERIFIED),), False),
    (delivery(Rung.HELD, reason="busy"), (Step(Rung.HELD, "", "busy"),), False),
]


@pytest.mark.parametrize(("current", "steps", "same"), REPEATS)
def test_a_report_that_comes_a_second_time(current: Delivery, steps: tuple[Step, ...], same: bool) -> None:
    assert is_repeated_report(current, steps) is same
