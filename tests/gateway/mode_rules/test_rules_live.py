"""Turns on a running gateway: agents that come and go, and times that pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.client import Client, Endpoint
from gateway.protocol.events import Message
from gateway.protocol.requests.agent_requests import SetActivity
from gateway.protocol.requests.connection_requests import Bye, Hello
from gateway.protocol.requests.decision_requests import AnswerDecision
from gateway.protocol.requests.message_requests import Cancel, History, Report
from gateway.protocol.requests.mode_requests import SetMode
from gateway.protocol.results import DecisionView, Done, MessageList, ModeStanding
from gateway.protocol.types.core_types import Activity, Composer, MessageKind, Rung, Step
from gateway.protocol.types.decision_types import AnswerKind
from gateway.turns.engine import Floor, TurnTimeouts
from tests.fakes.retry import retry_until
from tests.support.gateways import Gateway, gateway_in_process

PATIENCE = TurnTimeouts(warn=0.5, timeout=1.0, most=4.0, gone=1.5)


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state", patience=PATIENCE) as one:
        yield one


async def two(gateway: Gateway) -> dict[str, Endpoint]:
    found = {name: await gateway.member(name) for name in ("ann", "bob")}
    for one in found.values():
        async with Client(one, Hello(inbox=True)):
            pass
    return found


async def begun(gateway: Gateway) -> Floor:
    """The first turn, as it began."""
    async with Client(gateway.operator) as alice:
        await alice.request(SetMode(mode="round-robin", topic="tabs"), ModeStanding)
        return floor(gateway)


def floor(gateway: Gateway) -> Floor:
    return gateway.hub.state.floor("general")


async def looked_at(gateway: Gateway) -> None:
    """What the beginning of a turn has set off is over: whatever moves it now is something new."""
    await retry_until(lambda: gateway.hub.now - floor(gateway).since > 0.3)


async def says(end: Endpoint, text: str) -> None:
    async with Client(end, Hello(inbox=True)) as client:
        await client.send(text)


async def told(gateway: Gateway) -> list[str]:
    """Wait until everything decided so far is committed."""
    await retry_until(lambda: gateway.hub.committed_seq >= gateway.hub.rule_context().last_seq)
    async with Client(gateway.operator) as alice:
        found = (await alice.request(History(limit=100), MessageList)).messages
    return [one.content for one in reversed(found) if one.kind is MessageKind.SYSTEM]


async def test_who_lost_its_turn_while_it_was_away_gets_it_when_it_is_back(tmp_path: Path) -> None:
    patience = TurnTimeouts(warn=60, timeout=60, gone=60)
    async with gateway_in_process(tmp_path / "state", patience=patience) as gateway:
        ends = await two(gateway)
        async with Client(ends["ann"], Hello(inbox=True)) as ann:
            (prompt,) = (await begun(gateway)).prompts
            await ann.request(Bye(), Done)
            steps = (Step(Rung.SUBMITTED), Step(Rung.FAILED, reason="turn lost"))
            await ann.request(Report(message=prompt, steps=steps), Done)
        await looked_at(gateway)
        assert floor(gateway).prompts == (prompt,)
        async with Client(ends["ann"], Hello(inbox=True)) as ann:
            await retry_until(lambda: len(floor(gateway).prompts) == 2)
            await ann.send("Here I am.", kind=MessageKind.REPLY, reply_to=floor(gateway).prompts[-1])
        await retry_until(lambda: floor(gateway).speaker == "bob")
        assert "[LOST] @ann did not get its turn (failed: turn lost). Once more." in await told(gateway)


async def test_who_leaves_is_passed_over_before_its_time_is_over(tmp_path: Path) -> None:
    patience = TurnTimeouts(warn=60, timeout=60, gone=0.3)
    async with gateway_in_process(tmp_path / "state", patience=patience) as gateway:
        ends = await two(gateway)
        async with Client(ends["ann"], Hello(inbox=True)) as ann:
            await begun(gateway)
            await ann.request(Bye(), Done)
        await retry_until(lambda: floor(gateway).speaker == "bob")
        assert "[GONE] @ann is not here. Advancing turn." in await told(gateway)


async def test_a_busy_speaker_is_waited_for_and_an_idle_one_is_not(quick: Gateway) -> None:
    ends = await two(quick)
    async with Client(ends["ann"], Hello(inbox=True)) as ann:
        await ann.request(SetActivity(activity=Activity.BUSY, composer=Composer.EMPTY), Done)
        began = (await begun(quick)).since
        await retry_until(lambda: floor(quick).heard - began > 1.5 * PATIENCE.timeout)
        assert floor(quick).speaker == "ann"
        await ann.request(SetActivity(activity=Activity.IDLE, composer=Composer.EMPTY), Done)
        await retry_until(lambda: floor(quick).speaker == "bob")
    assert "[TIMEOUT] @ann did not respond. Advancing turn." in await told(quick)


async def test_a_prompt_that_a_person_takes_back_passes_the_turn_on(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state") as gateway:
        await two(gateway)
        (prompt,) = (await begun(gateway)).prompts
        await looked_at(gateway)
        async with Client(gateway.operator) as alice:
            await alice.request(Cancel(message=prompt), Done)
        await retry_until(lambda: floor(gateway).speaker == "bob")


async def test_a_vote_that_others_have_won_by_their_tools_is_over_at_once(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state") as gateway:
        ends = {name: await gateway.member(name) for name in ("ann", "bob", "cy")}
        for one in ends.values():
            async with Client(one, Hello(inbox=True)):
                pass
        async with Client(gateway.operator) as alice:
            await alice.request(SetMode(mode="consensus", topic="tabs", rounds=1), ModeStanding)
        for name, end in ends.items():
            await says(end, f"{name}'s way")
        await looked_at(gateway)
        assert (floor(gateway).now_in.name, floor(gateway).speaker) == ("vote", "ann")
        (decision,) = gateway.hub.state.decisions
        for name in ("bob", "cy"):
            async with Client(ends[name], Hello(inbox=True)) as client:
                await client.request(AnswerDecision(decision=decision, kind=AnswerKind.VOTE, choice="C"), DecisionView)
        await retry_until(lambda: not floor(gateway).running)
        assert (await told(gateway))[-2].startswith("Decided: C (cy: cy's way) by 2 of 3 (majority); ann did not vote.")


async def test_the_prompt_of_a_turn_that_passed_on_is_typed_no_more(quick: Gateway) -> None:
    ends = await two(quick)
    async with Client(ends["ann"], Hello(inbox=True)) as ann:
        (prompt,) = (await begun(quick)).prompts
        await retry_until(lambda: floor(quick).speaker == "bob")
        assert quick.hub.state.latest_deliveries[prompt, "ann"].rung is Rung.CANCELLED
        async for event in ann.events():
            if isinstance(event, Message) and event.content.startswith("[TIMEOUT] @ann"):
                break
