"""An agent that comes back to its conversation, or could not: everyone sees it, and its room is told."""

from __future__ import annotations

import msgspec
import pytest

from gateway.client import Client
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Message
from gateway.protocol.requests.agent_requests import SetConversation
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import Done, MemberList, MessageList
from gateway.protocol.types.conversation_starts import ConversationStart
from tests.support.gateways import Gateway

SINCE = "2001-11-28T14:02:00Z"
BACK = SetConversation(ConversationStart.RESUMED, SINCE, "5f0c", announce=True)
LOST = SetConversation(ConversationStart.LOST, SINCE, "5f0c", "No conversation found.", announce=True)


async def notices(who: Client) -> list[Message]:
    found = await who.request(History(room="general", limit=50), MessageList)
    return [one for one in found.messages if one.from_ == "system" and "conversation" in (one.context or {})]


@pytest.mark.parametrize(
    ("report", "begins", "ends"),
    [
        (BACK, "claude is back in its conversation of Nov 28 ", ":02."),
        (SetConversation(ConversationStart.RESUMED, announce=True), "claude is back in its earlier conversation.", ""),
        (
            LOST,
            "claude could not come back to its conversation of Nov 28 ",
            " (No conversation found), and begins a new one. The id of the earlier one is 5f0c.",
        ),
        (
            SetConversation(ConversationStart.LOST, announce=True),
            "claude could not come back to its earlier conversation, and begins a new one.",
            "",
        ),
    ],
)
async def test_the_room_is_told_once(gateway: Gateway, report: SetConversation, begins: str, ends: str) -> None:
    endpoint = await gateway.member("claude")
    async with Client(gateway.operator, Hello()) as alice, Client(endpoint, Hello(inbox=True)) as claude:
        for _ in range(2):
            await claude.request(report, Done)
        (told,) = await notices(alice)
        assert told.content.startswith(begins) and told.content.endswith(ends)
        assert told.deliveries == (), "it wakes nobody"
        seen = await alice.request(Members(), MemberList)
        assert [one.conversation for one in seen.agents if one.name == "claude"] == [report.start]


@pytest.mark.parametrize(
    "report",
    [
        SetConversation(ConversationStart.NEW, announce=True),
        msgspec.structs.replace(BACK, announce=False),
        msgspec.structs.replace(LOST, announce=False),
    ],
)
async def test_what_is_no_news_is_seen_and_not_told(gateway: Gateway, report: SetConversation) -> None:
    endpoint = await gateway.member("claude")
    async with Client(gateway.operator, Hello()) as alice, Client(endpoint, Hello(inbox=True)) as claude:
        await claude.request(report, Done)
        assert await notices(alice) == []
        seen = await alice.request(Members(), MemberList)
        assert [one.conversation for one in seen.agents if one.name == "claude"] == [report.start]


@pytest.mark.parametrize("since", ["yesterday", "0001-01-01T00:00:00Z", "2026-11-28T14:02:00"])
async def test_a_time_that_is_none_is_refused(gateway: Gateway, since: str) -> None:
    endpoint = await gateway.member("claude")
    async with Client(endpoint, Hello(inbox=True)) as claude:
        with pytest.raises(BadRequest, match="begin of a conversation"):
            await claude.request(msgspec.structs.replace(BACK, since=since), Done)
