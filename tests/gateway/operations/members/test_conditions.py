"""What keeps an agent from working: everyone sees it, and its room is told of a new limit once."""

from __future__ import annotations

import pytest

from gateway.client import Client
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import MemberView
from gateway.protocol.requests.agent_requests import SetCondition
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import Done, MemberList, MessageList
from gateway.protocol.types.agent_conditions import Condition, ConditionKind
from tests.support.gateways import Gateway

WORDS = "You've hit your 5-hour limit · resets 5:42pm (UTC)"
LIMITED = Condition(ConditionKind.LIMITED, WORDS, "2099-11-30T17:42:00Z")
ENDLESS = Condition(ConditionKind.LIMITED, "Usage limit reached")


async def notices(who: Client) -> list[str]:
    found = await who.request(History(room="general", limit=50), MessageList)
    return [one.content for one in found.messages if one.from_ == "system" and " is limited" in one.content]


async def view(who: Client, name: str = "claude") -> MemberView:
    found = await who.request(Members(), MemberList)
    return next(one for one in found.agents if one.name == name)


async def report(who: Client, *conditions: Condition | None) -> None:
    for one in conditions:
        await who.request(SetCondition(condition=one), Done)


async def test_a_limit_is_seen_by_all_and_told_once(gateway: Gateway) -> None:
    endpoint = await gateway.member("claude")
    async with Client(gateway.operator, Hello()) as alice, Client(endpoint, Hello(inbox=True)) as claude:
        await report(claude, LIMITED)
        assert (await view(alice)).condition == LIMITED
        (told,) = await notices(alice)
        assert told.startswith("claude is limited until ") and f"({WORDS})" in told and told.endswith("wait.")
        almost = Condition(ConditionKind.LIMITED, WORDS, "2099-11-30T17:43:30Z")
        await report(claude, LIMITED, almost, None, LIMITED, Condition(ConditionKind.CONTEXT), None)
        assert len(await notices(alice)) == 1
        assert (await view(alice)).condition is None
        await report(claude, Condition(ConditionKind.LIMITED, "weekly", "2099-12-04T11:00:00Z"))
        assert len(await notices(alice)) == 2


async def test_a_limit_without_an_end_is_told_again_after_a_break(gateway: Gateway) -> None:
    endpoint = await gateway.member("claude")
    async with Client(gateway.operator, Hello()) as alice, Client(endpoint, Hello(inbox=True)) as claude:
        await report(claude, ENDLESS, ENDLESS)
        assert await notices(alice) == ["claude is limited (Usage limit reached). Messages to it wait."]
        await report(claude, None, ENDLESS)
        assert len(await notices(alice)) == 2


async def test_other_conditions_are_not_told(gateway: Gateway) -> None:
    endpoint = await gateway.member("claude")
    async with Client(gateway.operator, Hello()) as alice, Client(endpoint, Hello(inbox=True)) as claude:
        await report(claude, *(Condition(one) for one in ConditionKind if one is not ConditionKind.LIMITED))
        assert await notices(alice) == []
        assert (await view(alice)).condition is not None


@pytest.mark.parametrize("limit", [LIMITED, ENDLESS])
async def test_a_new_sidecar_begins_without_a_condition_and_tells_nobody_again(
    gateway: Gateway, limit: Condition
) -> None:
    endpoint = await gateway.member("claude")
    async with Client(gateway.operator, Hello()) as alice:
        for _ in range(2):
            async with Client(endpoint, Hello(inbox=True)) as claude:
                assert (await view(alice)).condition is None
                await report(claude, limit)
        assert len(await notices(alice)) == 1


@pytest.mark.parametrize(
    "condition",
    [
        Condition(ConditionKind.LIMITED, until="5pm"),
        Condition(ConditionKind.LIMITED, until="2026-11-30T17:42:00"),
        Condition(ConditionKind.LIMITED, "two\nlines"),
        Condition(ConditionKind.LIMITED, "\x1b[2J"),
        Condition(ConditionKind.LIMITED, "x" * 301),
    ],
)
async def test_a_condition_that_cannot_be_shown_is_refused(gateway: Gateway, condition: Condition) -> None:
    endpoint = await gateway.member("claude")
    async with Client(gateway.operator, Hello()) as alice, Client(endpoint, Hello(inbox=True)) as claude:
        with pytest.raises(BadRequest):
            await report(claude, condition)
        assert (await view(alice)).condition is None
        assert await notices(alice) == []
