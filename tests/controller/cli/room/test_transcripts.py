"""Which messages a transcript has, over several pages."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from controller.cli.room import transcripts
from gateway.client import Client
from gateway.protocol.requests.room_requests import CreateRoom
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import MemberKind
from tests.support.gateways import gateway_in_process


async def test_a_room_and_a_thread_of_many_pages_are_whole_and_in_order(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state") as gateway, Client(gateway.operator) as alice:
        await alice.request(CreateRoom(room="lab"), Done)
        root = await alice.send("root", room="lab")
        for number in range(7):
            await alice.send(f"answer {number}", room="lab", reply_to=root.seq)
        await alice.send("another", room="lab")
        thread = await transcripts.fetch_transcript(alice, transcripts.Selection("lab", root.seq, None, False, 3))
        room = await transcripts.fetch_transcript(alice, transcripts.Selection("lab", None, None, False, 3))
    answers = ["root", *(f"answer {number}" for number in range(7))]
    assert [one.content for one in thread.messages] == answers
    assert [one.content for one in room.messages] == [*answers, "another"]


async def test_only_public_messages_since_a_time(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state") as gateway, Client(gateway.operator) as alice:
        await gateway.member("ada", MemberKind.AGENT)
        await alice.send("before")
        await alice.send("to ada", to="@ada")
        await alice.send("after")
        whole = await transcripts.fetch_transcript(alice, transcripts.Selection("general", None, None, False))
        since = datetime.fromisoformat(whole.messages[1].timestamp)
        found = await transcripts.fetch_transcript(alice, transcripts.Selection("general", None, since, True))
    assert [one.content for one in whole.messages] == ["before", "to ada", "after"]
    assert "to ada" not in [one.content for one in found.messages] and found.messages[-1].content == "after"
