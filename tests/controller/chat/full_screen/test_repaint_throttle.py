"""What events may take of the time, so that keys are felt at once."""

from __future__ import annotations

import pytest

from controller.chat.full_screen.repaint_throttle import (
    MAX_PAUSE_S,
    MAX_SAVED_S,
    REPAINT_EVERY_S,
    SHARE_WHILE_TYPING,
    RepaintBudget,
)

A_PAINT_S = 0.007


def painted(budget: RepaintBudget, begun: float, seconds: float, *, typing: bool) -> int:
    """How often, if there is always something new."""
    now, count = begun, 0
    while now < begun + seconds:
        if typing:
            budget.key(now)
        budget.spend(A_PAINT_S, now)
        count += 1
        now += REPAINT_EVERY_S
        now += budget.pause(now)
    return count


def test_at_rest_events_are_painted_twenty_times_a_second() -> None:
    assert painted(RepaintBudget(), 100, 5, typing=False) == pytest.approx(5 / REPAINT_EVERY_S, abs=1)


def test_while_somebody_types_they_get_a_small_part_of_the_time() -> None:
    spent = painted(RepaintBudget(), 100, 20, typing=True) * A_PAINT_S
    assert spent <= 20 * SHARE_WHILE_TYPING + MAX_SAVED_S + A_PAINT_S
    assert spent > 20 * SHARE_WHILE_TYPING * 0.8


def test_a_few_are_shown_at_once_also_then() -> None:
    budget = RepaintBudget()
    budget.key(100)
    for at in range(4):
        budget.spend(A_PAINT_S, 100 + at * REPAINT_EVERY_S)
        assert budget.pause(100 + (at + 1) * REPAINT_EVERY_S) == 0


def test_when_the_typing_ends_what_was_held_back_comes_soon() -> None:
    budget = RepaintBudget()
    painted(budget, 100, 5, typing=True)
    assert budget.pause(107) == 0


@pytest.mark.parametrize("took", [0.5, 1.0, 20.0])
def test_one_slow_paint_hides_nothing_for_long(took: float) -> None:
    budget = RepaintBudget()
    budget.key(100)
    budget.spend(took, 100 + took)
    assert 0 < budget.pause(100 + took) <= MAX_PAUSE_S
