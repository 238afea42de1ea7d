"""Whose reply `--wait-reply` believes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from controller.requests.command_requests import ExpectedReply, expected_reply_to, wait_for_reply
from gateway.client import Client
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.types.core_types import MemberKind, MessageKind, Room, Scope
from tests.support.gateways import gateway_in_process

LAB = Room("lab", invite_only=True, members=("alice", "claude"))
OPEN = Room("general", members=("alice", "claude"))


def question(*recipients: str, room: str = "general") -> Message:
    return Message(8, "", room, "alice", (), MessageKind.CHAT, "safe?", "", recipients=recipients)


def reply(by: str, number: int | None = 8, *, also: object = None) -> Message:
    context = None if also is None else {"answers": also}
    return Message(9, "", "", by, (), MessageKind.REPLY, "yes", "", reply_to=number, context=context)


@pytest.mark.parametrize(
    ("asked", "by", "counts"),
    [
        (expected_reply_to(question("claude"), OPEN), "claude", True),
        (expected_reply_to(question("claude"), OPEN), "mallory", False),
        (expected_reply_to(question("claude"), OPEN), "system", False),
        (expected_reply_to(question("claude", "codex"), OPEN), "codex", True),
        (expected_reply_to(question("claude"), None), "claude", True),
        (expected_reply_to(question("claude"), LAB), "alice", False),
        (expected_reply_to(question(), OPEN), "anybody", True),
        (expected_reply_to(question(), None), "anybody", True),
        (expected_reply_to(question(), OPEN), "alice", False),
        (expected_reply_to(question(), OPEN), "system", False),
        (expected_reply_to(question(room="lab"), LAB), "claude", True),
        (expected_reply_to(question(room="lab"), LAB), "mallory", False),
        (expected_reply_to(question(room="lab"), LAB).with_reader("lab", "mallory"), "mallory", True),
        (expected_reply_to(question(room="lab"), LAB).with_reader("general", "mallory"), "mallory", False),
    ],
)
def test_a_reply_counts_from_whom_was_asked(asked: ExpectedReply, by: str, counts: bool) -> None:
    assert asked.is_answered_by(reply(by)) is counts
    assert asked.is_answered_by(reply(by, None, also=[7, 8])) is counts
    assert not asked.is_answered_by(reply(by, 7, also=[7]))
    assert not asked.is_answered_by(reply(by, None, also="8"))


async def test_a_reply_of_somebody_else_is_passed_over(tmp_path: Path) -> None:
    """An observer can read the question, so the gateway takes its reply; it was not asked all the same."""
    async with gateway_in_process(tmp_path) as gateway, asyncio.timeout(60):
        claude = await gateway.member("claude")
        mallory = await gateway.member("mallory", MemberKind.HUMAN, Scope.OBSERVER)
        async with Client(claude, Hello(inbox=True)) as named, Client(mallory) as other:
            async with Client(gateway.operator) as alice:
                accepted = await alice.send("is it safe?", to="@claude")
            context: dict[str, Any] = {"answers": [accepted.seq]}
            await other.send("yes", to="@alice", kind=MessageKind.REPLY, context=context)
            await named.send("no", to="@alice", kind=MessageKind.REPLY, reply_to=accepted.seq)
            async with Client(gateway.operator, Hello(since=accepted.seq)) as alice:
                sent = await wait_for_reply(alice, accepted, 15)
    assert sent.reply is not None and (sent.reply.from_, sent.reply.content) == ("claude", "no")
