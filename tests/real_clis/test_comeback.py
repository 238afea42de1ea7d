"""The three real CLIs come back to their conversations after everything was killed, and after `down`.

`benchmarks/comeback` does the same twenty times.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real_clis.comeback_rounds import WAYS, rounds
from tests.real_clis.three import THREE, three_at_work

pytestmark = [pytest.mark.slow]


async def test_three_real_clis_come_back_to_the_same_conversations(tmp_path: Path) -> None:
    async with three_at_work(tmp_path) as three:
        found = [one async for one in rounds(three, len(WAYS))]
        for one in found:
            print(one)
        assert [one.remarks for one in found] == [()] * len(WAYS)
        assert [one.same for one in found] == [tuple(THREE)] * len(WAYS)
        told = [one["content"] for one in three.session.messages() if "is back in its conversation" in one["content"]]
        assert len(told) == len(WAYS) * len(THREE)
