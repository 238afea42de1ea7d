"""A prompt that was pasted and not submitted: pasted anew only into a composer that is proven to be empty."""

import pytest

from sidecar.typing.gate import Shows
from sidecar.typing.paste_check import Now, Pasted, standing

PASTED = Pasted((7,), 100.0)


@pytest.mark.parametrize(
    ("shown", "printed_at", "found"),
    [
        pytest.param(Shows.OURS, 90.0, Now.READY, id="it stands there"),
        pytest.param(Shows.OTHER, 101.0, Now.ALTERED, id="something else stands there"),
        pytest.param(Shows.NOTHING, 101.5, Now.READY, id="it was swallowed: the agent has painted since"),
        pytest.param(Shows.NOTHING, 100.1, Now.STALLED, id="a frame that was on its way proves nothing"),
        pytest.param(Shows.NOTHING, 90.0, Now.STALLED, id="nothing painted since"),
    ],
)
def test_what_became_of_it(shown: Shows, printed_at: float, found: Now) -> None:
    assert standing(PASTED, shown, printed_at) is found
