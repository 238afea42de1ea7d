"""When the agent is looked at: soon after something happened, each time somebody asked for it, and not at rest."""

import asyncio

import pytest

from sidecar.activity.observation_loop import ObservationLoop
from sidecar.activity.observer import Observer
from sidecar.agents import REGISTRY


@pytest.fixture
async def eyes() -> ObservationLoop:
    return ObservationLoop(Observer(REGISTRY["claude"], 80, 24), None, None)


async def settled(eyes: ObservationLoop) -> None:
    """What is printed makes looks until the verdict stands."""
    while True:
        try:
            await asyncio.wait_for(eyes.next(), 1.0)
        except TimeoutError:
            return


async def test_output_is_looked_at_and_then_nothing_is(eyes: ObservationLoop) -> None:
    eyes.note_output(b"hello")
    moment = await asyncio.wait_for(eyes.next(), 10)
    assert "hello" in "\n".join(moment.picture.rows)
    await settled(eyes)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(eyes.next(), 0.2)


async def test_a_look_that_is_asked_for_while_another_is_due_comes_too(eyes: ObservationLoop) -> None:
    """Between the ring and the look: what is asked for then is meant for later."""
    eyes.soon(0)
    await asyncio.sleep(0.01)
    eyes.soon(0.05)
    await asyncio.wait_for(eyes.next(), 10)
    await asyncio.wait_for(eyes.next(), 10)


async def test_an_earlier_look_takes_the_place_of_a_later_one(eyes: ObservationLoop) -> None:
    loop = asyncio.get_running_loop()
    eyes.soon(60)
    eyes.soon(0)
    began = loop.time()
    await asyncio.wait_for(eyes.next(), 10)
    assert loop.time() - began < 30
