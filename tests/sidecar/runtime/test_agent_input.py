"""A key that ends a turn is attributed to whoever pressed it, and only during a turn."""

from typing import Any

import pytest

from gateway.protocol.types.core_types import Activity
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.runtime.agent_input import AgentInput
from tests.sidecar.pictures import moment


class Terminal:
    unwritten = 0

    def __init__(self) -> None:
        self.got = b""

    def write(self, data: bytes) -> None:
        self.got += data


class FakeObserver:
    def __init__(self, activity: Activity) -> None:
        self._activity, self.pressed = activity, b""

    def look(self) -> AgentSnapshot:
        return moment(self._activity)

    def keys(self, data: bytes) -> None:
        self.pressed += data

    async def wait_for_output(self, seconds: float) -> None:
        """It prints nothing."""


class Progress:
    def __init__(self) -> None:
        self.cuts: list[str] = []

    def note_interruption(self, how: str) -> None:
        self.cuts.append(how)


def typed_into(activity: Activity) -> tuple[AgentInput, Terminal, Any, Progress]:
    terminal, observer, progress = Terminal(), FakeObserver(activity), Progress()
    anyone: tuple[Any, Any] = (observer, progress)
    return AgentInput(terminal, *anyone), terminal, observer, progress


@pytest.mark.parametrize(
    ("activity", "keys", "cuts"),
    [
        (Activity.BUSY, b"\x1b", ["by alice"]),
        (Activity.ASKING, b"\x03", ["by alice"]),
        (Activity.IDLE, b"\x1b", []),
        (Activity.BUSY, b"a", []),
        (Activity.BUSY, b"\x1b[A", []),
    ],
)
async def test_a_key_that_ends_a_turn_is_noted_with_its_author(
    activity: Activity, keys: bytes, cuts: list[str]
) -> None:
    to_agent, terminal, observer, progress = typed_into(activity)
    to_agent.pressed(keys, "by alice")
    assert (terminal.got, observer.pressed, progress.cuts) == (keys, keys, cuts)


async def test_our_key_is_not_attributed_to_the_person_who_pressed_before() -> None:
    to_agent, _, observer, progress = typed_into(Activity.BUSY)
    to_agent.put_in(b"\x1b", "by alice")
    to_agent.writer.answer(b"\x1b")
    assert progress.cuts == ["by alice", "before an answer"]
    assert observer.pressed == b"", "what an order ends is no key at the terminal"
