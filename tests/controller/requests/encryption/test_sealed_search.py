"""What is sealed is searched by the machine that opens it, and found as the gateway finds what it can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.requests.encryption.member_client import KeyAccess, open_member_client
from controller.requests.encryption.sealed_search import contains_all, search_everywhere
from gateway.protocol.requests.message_requests import Search
from tests.support.gateways import OPERATOR, gateway_in_process
from tests.support.sealed_members import give_key


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("the launch code is 0000", "launch code", True),
        ("the launch code is 0000", "CODE launch", True),
        ("the launch code is 0000", '"launch code"', True),
        ("the launch code is 0000", '"code launch"', False),
        ("the launch code is 0000", "laun", False),
        ("the launch code is 0000", "laun*", True),
        ("the launch code is 0000", "launch disk", False),
        ("disk-full", '"disk full"', True),
        ("anything", "...", False),
    ],
)
def test_all_words_and_phrases_must_be_there(text: str, query: str, found: bool) -> None:
    assert contains_all(text, query) is found


async def test_sealed_and_plain_messages_are_found_together(tmp_path: Path) -> None:
    state = tmp_path / "machine"
    give_key(state, OPERATOR)
    async with (
        gateway_in_process(tmp_path / "state") as gateway,
        open_member_client(gateway.operator, KeyAccess(state)) as client,
    ):
        await client.create_sealed_room("vault")  # type: ignore[attr-defined]
        await client.send("a plain disk")
        await client.send("a sealed disk", room="vault")
        await client.send("a sealed lamp", room="vault")
        everywhere = await search_everywhere(client, Search(query="disk"))
        assert [one.content for one in everywhere.messages.messages] == ["a sealed disk", "a plain disk"]
        assert everywhere.opened == 2
        assert "on this machine: 2." in everywhere.remark
        here = await search_everywhere(client, Search(query="disk", room="general"))
        assert ([one.content for one in here.messages.messages], here.remark) == (["a plain disk"], "")
        few = await search_everywhere(client, Search(query="sealed", room="vault", limit=1))
        assert ([one.content for one in few.messages.messages], few.messages.more) == (["a sealed lamp"], True)
