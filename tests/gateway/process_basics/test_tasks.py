"""What must not die beside a block ends the block, loudly; what ends as it should is nobody's trouble."""

from __future__ import annotations

import asyncio

import pytest

from gateway.process_basics.tasks import TaskDied, spawned_vital


class Odd(Exception):
    pass


async def dies() -> None:
    raise Odd


async def ends() -> None:
    return


@pytest.fixture(autouse=True)
async def quiet() -> None:
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)


async def test_a_block_ends_with_the_vital_task_beside_it() -> None:
    with pytest.raises(TaskDied, match="'part'") as caught:
        async with asyncio.timeout(60), spawned_vital(dies(), "part"):
            await asyncio.Event().wait()
    assert isinstance(caught.value.__cause__, Odd)


async def test_a_vital_task_that_was_cancelled_has_died_too() -> None:
    with pytest.raises(TaskDied):
        async with asyncio.timeout(60), spawned_vital(asyncio.Event().wait(), "part"):
            next(one for one in asyncio.all_tasks() if one.get_name() == "part").cancel()
            await asyncio.Event().wait()


async def test_a_vital_task_may_end_by_itself() -> None:
    async with spawned_vital(ends(), "part"):
        await asyncio.wait([one for one in asyncio.all_tasks() if one.get_name() == "part"])
        await asyncio.sleep(0)


async def test_the_end_of_a_block_ends_the_task_and_is_no_death() -> None:
    async with spawned_vital(asyncio.Event().wait(), "part"):
        task = next(one for one in asyncio.all_tasks() if one.get_name() == "part")
    assert task.cancelled()
    with pytest.raises(Odd):
        async with spawned_vital(asyncio.Event().wait(), "part"):
            raise Odd


async def test_a_block_that_is_cancelled_from_outside_is_cancelled_and_no_death_is_told() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01), spawned_vital(asyncio.Event().wait(), "part"):
            await asyncio.Event().wait()
