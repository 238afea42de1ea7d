"""One alarm for many moments: what is due is looked at then, not before, and one that fails takes no other with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, StateChange
from gateway.model.state import GatewayState
from gateway.model.system_messages import room_notice
from gateway.protocol.errors import StorageFailed
from gateway.protocol.results import Result
from gateway.timing.scheduler import Rule, Scheduler
from tests.fakes.retry import retry_until


class Works:
    """A scheduler of one kind, `bell`: what was looked at, and what was written down."""

    def __init__(self, due: Rule) -> None:
        self.facts: list[EventToCommit] = []
        self.fails = 0
        self.works = Scheduler(
            GatewayState(), self.rule_context, self.carry_out, 0.0, rules={"bell": due}, retry_delay=0.05
        )

    def rule_context(self) -> RuleContext:
        return RuleContext(now=asyncio.get_running_loop().time())

    def carry_out(self, facts: Sequence[EventToCommit]) -> asyncio.Future[Result]:
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        if self.fails:
            self.fails -= 1
            done.set_exception(StorageFailed("The disk is full."))
        else:
            self.facts += facts
            done.set_result(Result())
        return done


async def test_each_is_looked_at_when_it_is_due_and_the_earliest_word_counts() -> None:
    seen: list[str] = []

    def due(
        state: GatewayState, key: str, rule_context: RuleContext, started: float
    ) -> tuple[tuple[EventToCommit, ...], float | None]:
        seen.append(key)
        return (), None

    works = Works(due)
    now = asyncio.get_running_loop().time()
    works.works.schedule("bell", "late", now + 0.3)
    works.works.schedule("bell", "soon", now + 3600)
    works.works.schedule("bell", "soon", now + 0.1)
    works.works.update_schedule(StateChange("bell", "changed", None))
    works.works.update_schedule(StateChange("other", "not ours", None))
    await retry_until(lambda: len(seen) == 3)
    assert seen == ["changed", "soon", "late"]
    assert 0.3 <= asyncio.get_running_loop().time() - now < 60


async def test_it_looks_again_when_it_was_told_and_not_after_it_was_stopped() -> None:
    seen: list[float] = []

    def due(
        state: GatewayState, key: str, rule_context: RuleContext, started: float
    ) -> tuple[tuple[EventToCommit, ...], float | None]:
        seen.append(rule_context.now)
        return (), rule_context.now + 0.05

    works = Works(due)
    works.works.schedule("bell", "x", 0.0)
    await retry_until(lambda: len(seen) >= 3)
    assert all(later - sooner >= 0.05 for sooner, later in pairwise(seen))
    works.works.stop()
    works.works.schedule("bell", "x", 0.0)
    count = len(seen)
    await asyncio.sleep(0.2)
    assert len(seen) == count


async def test_a_rule_that_breaks_is_asked_again_and_stops_no_other() -> None:
    asked = 0

    def due(
        state: GatewayState, key: str, rule_context: RuleContext, started: float
    ) -> tuple[tuple[EventToCommit, ...], float | None]:
        nonlocal asked
        if key == "broken":
            asked += 1
            if asked < 3:
                raise ValueError("a bug")
        return (room_notice("general", key, rule_context),), None

    works = Works(due)
    works.fails = 1
    works.works.schedule("bell", "broken", 0.0)
    works.works.schedule("bell", "whole", 0.0)
    await retry_until(lambda: len(works.facts) == 2)
    told = [getattr(one.event, "content", "") for one in works.facts]
    assert sorted(told) == ["broken", "whole"]


async def test_an_errand_is_done_when_it_is_due_and_again_when_it_failed() -> None:
    works = Works(never)
    done: list[float] = []

    async def errand(now: float) -> float | None:
        done.append(now)
        if len(done) == 1:
            raise StorageFailed("The disk is full.")
        if len(done) == 2:
            raise ValueError("a bug")
        return now + 3600

    works.works.add_errand("post", errand)
    works.works.schedule("post")
    await retry_until(lambda: len(done) == 3)
    await retry_until(lambda: works.works.next_look("post") == done[-1] + 3600)
    assert all(later - sooner >= 0.05 for sooner, later in pairwise(done))


async def test_after_the_clock_was_set_everything_is_looked_at_anew() -> None:
    seen: list[tuple[str, float]] = []

    def due(
        state: GatewayState, key: str, rule_context: RuleContext, started: float
    ) -> tuple[tuple[EventToCommit, ...], float | None]:
        seen.append((key, started))
        return (), None

    works, now = Works(due), asyncio.get_running_loop().time()
    works.works.schedule("bell", "a", now + 3600)
    works.works.schedule("bell", "b", now + 7200)
    works.works.move(60.0)
    await retry_until(lambda: len(seen) == 2)
    assert sorted(seen) == [("a", 60.0), ("b", 60.0)]


async def test_a_kind_that_nobody_knows_is_never_due() -> None:
    works = Works(never)
    works.works.schedule("post")
    assert works.works.next_look("post") is None


def never(
    state: GatewayState, key: str, rule_context: RuleContext, started: float
) -> tuple[tuple[EventToCommit, ...], float | None]:
    raise AssertionError(key)
