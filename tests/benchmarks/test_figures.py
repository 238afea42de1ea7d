"""How durations are summed up."""

from collections.abc import Sequence

import pytest

from benchmarks.figures import Spread


@pytest.mark.parametrize("seconds", [(0.002,), (0.001, 0.004), (0.003, 0.001, 0.002, 0.009, 0.002)])
def test_no_figure_is_beyond_what_was_measured(seconds: Sequence[float]) -> None:
    found = Spread.of(seconds)
    assert min(seconds) * 1000 <= found.p50 <= found.p95 <= found.worst == max(seconds) * 1000


def test_of_many_values_the_slowest_are_beyond_the_p95() -> None:
    found = Spread.of([number / 1000 for number in range(1, 201)])
    assert (found.p50, found.worst) == (100.5, 200)
    assert 190 <= found.p95 < 192
