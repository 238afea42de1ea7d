"""When the agent is looked at: soon after an event, whenever somebody asks, and never while nothing changes."""

import asyncio

import pytest

from sidecar.activity.agent_observer import AgentObserver
from sidecar.activity.observation_loop import ObservationLoop
from sidecar.agents import REGISTRY


@pytest.fixture
async def observation_loop() -> ObservationLoop:
    return ObservationLoop(AgentObserver(REGISTRY["claude"], 80, 24), None, None)


async def test_output_is_looked_at_and_then_nothing_is(observation_loop: ObservationLoop) -> None:
    observation_loop.note_output(b"hello")
    moment = await asyncio.wait_for(observation_loop.next(), 60)
    assert "hello" in "\n".join(moment.picture.rows)
    while moment.verdict.look_again is not None:  # until the verdict stands
        moment = await asyncio.wait_for(observation_loop.next(), 60)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(observation_loop.next(), 0.2)


async def test_a_look_that_is_asked_for_while_another_is_due_comes_too(observation_loop: ObservationLoop) -> None:
    """Between the ring and the look: what is asked for then is meant for later."""
    observation_loop.soon(0)
    await asyncio.sleep(0.01)
    observation_loop.soon(0.05)
    await asyncio.wait_for(observation_loop.next(), 60)
    await asyncio.wait_for(observation_loop.next(), 60)


async def test_an_earlier_look_replaces_a_later_one(observation_loop: ObservationLoop) -> None:
    loop = asyncio.get_running_loop()
    observation_loop.soon(60)
    observation_loop.soon(0)
    began = loop.time()
    await asyncio.wait_for(observation_loop.next(), 60)
    assert loop.time() - began < 30


async def test_who_waits_for_output_is_woken_by_it(observation_loop: ObservationLoop) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    loop.call_later(0.05, observation_loop.note_output, b"hello")
    await observation_loop.wait_for_output(60)
    assert loop.time() - began < 30
    await observation_loop.wait_for_output(0.01)
