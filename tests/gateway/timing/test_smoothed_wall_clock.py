"""The machine's clock jumps: what is stamped, what is measured, and what is due at a moment that somebody chose."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.access.permissions import Actor
from gateway.loop_guard.recent_traffic import RecentTraffic
from gateway.model.records.stored_records import AskRecord
from gateway.model.state import GatewayState
from gateway.operations.dispatch import run_operation
from gateway.protocol.errors import Unauthorized
from gateway.protocol.requests.approval_requests import OpenAsk
from gateway.protocol.requests.decision_requests import Propose
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import TokenMade
from gateway.protocol.types.core_types import Ask, MemberKind, Presence
from gateway.protocol.types.timestamps import seconds_from_iso
from gateway.rooms import member_tokens
from gateway.server.state_folder.startup_tokens import system_actor
from gateway.timing import clock_changes
from gateway.timing.smoothed_wall_clock import SETTLED_AFTER_S, ClockOffset, SteadyClock, follow_clock
from gateway.turns.engine import Floor
from tests.fakes.retry import retry_until
from tests.support.assembled import assembled
from tests.support.gateways import Gateway
from tests.support.world import NOON

TEN_YEARS = 10 * 365 * 86400.0


class Machine:
    """Two clocks of one machine: time passes on both; only one of them can be set."""

    def __init__(self) -> None:
        self.wall, self.steady = NOON, 1000.0
        self.clock = SteadyClock(lambda: self.wall, lambda: self.steady)

    def passes(self, seconds: float) -> float:
        self.wall += seconds
        self.steady += seconds
        return self.clock()

    def jumps(self, seconds: float) -> float:
        self.wall += seconds
        return self.clock()


# by how much the wall clock is set, how long that lasts, and what the gateway's clock then is ahead of NOON
JUMPS = [
    pytest.param([(TEN_YEARS, 1.0), (-TEN_YEARS, 1.0)], 2.0, id="ten years ahead for a second"),
    pytest.param([(-TEN_YEARS, 30.0), (TEN_YEARS, 1.0)], 31.0, id="back for half a minute"),
    pytest.param([(3600.0, 59.0)], 59.0, id="an hour ahead, not yet believed"),
    pytest.param([(3600.0, 61.0)], 3661.0, id="an hour ahead that lasts"),
    pytest.param([(-3600.0, 61.0)], -3539.0, id="an hour back that lasts"),
    pytest.param([(3600.0, 61.0), (-3600.0, 61.0)], 122.0, id="ahead that lasts, and back that lasts"),
    pytest.param([(3600.0, 40.0), (60.0, 19.0)], 59.0, id="jumps again before it is believed"),
    pytest.param([(3600.0, 40.0), (60.0, 40.0)], 3680.0, id="jumps again, and the first jump has lasted"),
    pytest.param([(3600.0, 61.0), (60.0, 61.0)], 3782.0, id="jumps twice, and both last"),
    pytest.param([(3600.0, 40.0), (-3590.0, 61.0)], 111.0, id="most of a jump is taken back"),
    pytest.param([(0.3, 30.0)] * 40, 1211.7, id="set in small steps, and followed a step behind"),
    pytest.param([(0.1, 120.0)], 120.0, id="a tenth of a second"),
    pytest.param([(3600.0, 40.0), (-3600.0, 1.0), (3600.0, 40.0)], 81.0, id="the doubt begins anew"),
]


@pytest.mark.parametrize(("jumps", "ahead"), JUMPS)
def test_what_the_clock_says_after_jumps(jumps: list[tuple[float, float]], ahead: float) -> None:
    machine = Machine()
    for step, lasts in jumps:
        machine.jumps(step)
        machine.passes(lasts)
    assert machine.clock() == pytest.approx(NOON + ahead, abs=0.001)


def test_a_look_by_itself() -> None:
    calm = ClockOffset(NOON)
    assert follow_clock(calm, NOON + 5, 5.0) is calm
    doubting = follow_clock(calm, NOON + 105, 5.0)
    assert doubting == ClockOffset(NOON, 100.0, 5.0)
    assert follow_clock(doubting, NOON + 106, 6.0) == doubting
    assert follow_clock(doubting, NOON + 165, 65.0) == ClockOffset(NOON + 100)
    assert follow_clock(doubting, NOON + 6, 6.0) == calm


def test_whoever_measures_is_told_once() -> None:
    machine, told = Machine(), list[float]()
    machine.clock.when_moved(told.append)
    machine.jumps(-7200)
    machine.passes(SETTLED_AFTER_S)
    machine.passes(SETTLED_AFTER_S)
    assert told == [pytest.approx(-7200)]


@pytest.mark.parametrize("step", [TEN_YEARS, -TEN_YEARS])
def test_what_is_measured_moves_along(step: float) -> None:
    state = GatewayState(chains=RecentTraffic())
    live = state.live["claude"]
    live.heard, live.lost = NOON, NOON - 5
    state.asks["claude"] = AskRecord(ASK, remind_at=NOON + 120, pause=120.0)
    state.floors["general"] = Floor(speaker="claude", since=NOON - 3, heard=NOON - 1)
    clock_changes.shift_clock(state, step)
    assert (live.heard, live.lost) == (NOON + step, NOON - 5 + step)
    assert (state.asks["claude"].remind_at, state.asks["claude"].until) == (NOON + 120 + step, 0.0)
    floor = state.floors["general"]
    assert (floor.since, floor.heard, floor.granted) == (NOON - 3 + step, NOON - 1 + step, 0.0)


def test_what_a_clock_that_was_ahead_wrote_down_begins_when_it_is_read() -> None:
    state = GatewayState(chains=RecentTraffic())
    state.asks["claude"] = AskRecord(ASK, remind_at=NOON + TEN_YEARS, pause=120.0)
    state.floors["general"] = Floor(speaker="claude", since=NOON + 3600, heard=NOON + 3600, granted=NOON + 3700)
    clock_changes.clamp_future_times(state, NOON)
    assert state.asks["claude"].remind_at == NOON + 120
    floor = state.floors["general"]
    assert (floor.since, floor.heard, floor.granted) == (NOON, NOON, NOON + 100)
    clock_changes.clamp_future_times(state, NOON)
    assert state.floors["general"] == floor


ASK = Ask("claude", 1, "0" * 16, "May I?", "2027-01-15T08:00:00.000Z")


# a gateway


@asynccontextmanager
async def on(machine: Machine, tmp_path: Path) -> AsyncIterator[Gateway]:
    async with assembled(tmp_path / "state", clock=machine.clock, remind_asks=300) as gateway:
        await gateway.member("claude", MemberKind.AGENT)
        yield gateway


async def test_a_jump_ahead_and_back_leaves_no_trace(tmp_path: Path) -> None:
    machine = Machine()
    async with on(machine, tmp_path) as gateway:
        hub, claude = gateway.hub, Actor("claude", MemberKind.AGENT)
        made = await run_operation(hub, system_actor(), CreateToken(name="bob", expires_in=3600))
        assert isinstance(made, TokenMade)
        hub.presence.mark_alive("claude")
        sent = await run_operation(hub, claude, Send(content="take your time", to="@bob", ttl=600))
        for step in (TEN_YEARS, -TEN_YEARS):
            machine.jumps(step)
            said = await run_operation(hub, claude, Send(content="now"))
            assert hub.state.presence(hub.state.members["claude"].member, hub.now) is Presence.ONLINE
            assert identified(gateway, made.token)
            machine.passes(1.0)
        record = await hub.store.one(said.seq)
        assert record is not None and said.seq > sent.seq
        assert hub.rule_context().stamp.startswith("2027-01-15T08:00:02")
        assert not (await hub.store.overdue(hub.now, 10))[0]


def identified(gateway: Gateway, token: str) -> bool:
    try:
        return bool(member_tokens.identify(gateway.hub.state, token, gateway.hub.now))
    except Unauthorized:
        return False


async def test_a_jump_that_lasts_moves_deadlines_and_nothing_that_is_measured(tmp_path: Path) -> None:
    machine = Machine()
    async with on(machine, tmp_path) as gateway:
        hub, claude = gateway.hub, Actor("claude", MemberKind.AGENT)
        token = await run_operation(hub, system_actor(), CreateToken(name="bob", expires_in=3600))
        assert isinstance(token, TokenMade)
        await run_operation(hub, claude, Send(content="soon", to="@bob", ttl=3600))
        await run_operation(hub, claude, OPEN_ASK)
        hub.presence.mark_alive("claude")
        up = hub.now - hub.started_at
        machine.jumps(7200)
        machine.passes(SETTLED_AFTER_S - 1)
        hub.presence.mark_alive("claude")
        machine.passes(1)
        assert hub.now - hub.started_at == pytest.approx(up + SETTLED_AFTER_S)
        assert hub.state.presence(hub.state.members["claude"].member, hub.now) is Presence.ONLINE
        assert hub.state.asks["claude"].remind_at == pytest.approx(hub.now + 300 - SETTLED_AFTER_S)
        assert not identified(gateway, token.token)
        await retry_until(lambda: not hub.state.queued["bob"])
        assert "claude" in hub.state.asks


async def test_after_a_jump_back_what_was_due_is_due_by_the_new_time(tmp_path: Path) -> None:
    machine = Machine()
    async with on(machine, tmp_path) as gateway:
        hub, claude = gateway.hub, Actor("claude", MemberKind.AGENT)
        machine.jumps(-7200)
        machine.passes(SETTLED_AFTER_S)
        opened = await run_operation(
            hub, claude, Propose(question="Go?", options=("A", "B"), voters=("claude",), expires_in=30)
        )
        assert seconds_from_iso(opened.decision.expires) == pytest.approx(hub.now + 30)
        machine.passes(31)
        hub.scheduler.schedule("decision", opened.decision.id)
        await retry_until(lambda: hub.state.decisions[opened.decision.id].closed)
        assert seconds_from_iso(hub.rule_context().stamp) < NOON


OPEN_ASK = OpenAsk(question="May I?", digest="0" * 16)
