"""The unmodified `skynet-linker` 1.0.0 at our listener: each request that it sends, byte for byte as recorded, and
what the program needs to find in the answer.

The recordings are of its default address, so the `Host` in them is `localhost:8000`. What the program printed in a
real run is in docs/guides/skynet.md.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.frames import Opcode

from gateway.runtime.listen_option import listen_at
from tests.support.gateways import gateway_in_process

PATIENCE = 60.0
RECORDED = json.loads((Path(__file__).parents[2] / "recordings/skynet_linker/requests.json").read_text())
REQUESTS: dict[str, bytes] = {one["case"]: one["request"].encode() for one in RECORDED}
Json = dict[str, Any]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def sent(port: int, case: str) -> AsyncIterator[tuple[int, Streams]]:
    """The request of this case, sent as it is, and the status of the answer."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(REQUESTS[case])
            yield int((await reader.readline()).split()[1]), (reader, writer)
        finally:
            writer.close()


async def headers_of(reader: asyncio.StreamReader) -> dict[str, str]:
    found = {}
    while line := (await reader.readline()).strip().decode():
        name, _, value = line.partition(": ")
        found[name.lower()] = value
    return found


async def answer(port: int, case: str) -> tuple[int, Json]:
    async with sent(port, case) as (status, (reader, _)):
        headers = await headers_of(reader)
        body: Json = json.loads(await reader.readexactly(int(headers["content-length"])))
        return status, body


class Socket:
    """The receiving end of a WebSocket whose handshake was recorded. The program sends nothing after it."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def frame(self) -> Json:
        async with asyncio.timeout(PATIENCE):
            while True:
                head = await self._reader.readexactly(2)
                length = head[1] & 0x7F
                if length == 126:
                    length = int.from_bytes(await self._reader.readexactly(2))
                elif length == 127:
                    length = int.from_bytes(await self._reader.readexactly(8))
                data = await self._reader.readexactly(length)
                if head[0] & 0x0F == Opcode.TEXT:
                    assert not head[0] & 0x40, "compressed, which was not agreed"
                    found: Json = json.loads(data)
                    return found

    async def message(self) -> Json:
        """The next message; what the program shows of it is there, and is text where it must be."""
        while (found := await self.frame())["type"] != "mcp_message":
            assert found["type"] == "control"
        data: Json = found["data"]
        assert all(isinstance(data[name], str) for name in ("id", "from_agent", "type", "channel"))
        return data


@asynccontextmanager
async def connected(port: int, case: str) -> AsyncIterator[Socket]:
    async with sent(port, case) as (status, (reader, _)):
        headers = await headers_of(reader)
        assert (status, "sec-websocket-extensions" in headers) == (101, False)
        socket = Socket(reader)
        hello = (await socket.frame())["data"]
        assert hello["action"] == "connected" and hello["params"].keys() >= {"message", "server_time"}
        yield socket


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    async with gateway_in_process(tmp_path / "state", listen=(listen_at("skynet=0"),)) as gateway:
        yield int(gateway.listeners["skynet"].rpartition(":")[2])


async def test_connect_and_agents(port: int) -> None:
    async with connected(port, "connect"), connected(port, "connect, defaults"), connected(port, "monitor"):
        status, found = await answer(port, "agents")
    shown = {
        one["agent_id"]: (one["agent_type"], one["priority"], one["channels"], one["message_count"])
        for one in found["agents"]
    }
    assert (status, found["total"]) == (200, 3)
    assert shown == {
        "gemini": ("researcher", 7, ["skynet_core", "default"], 0),
        "claude_cli": ("generic", 5, ["default"], 0),
        "cli_monitor": ("monitor", 1, ["skynet_core"], 0),
    }
    assert all(len(one["connected_at"][:19]) == 19 for one in found["agents"])


async def test_send_to_an_agent_and_its_reply(port: int) -> None:
    async with connected(port, "connect") as gemini, connected(port, "connect, defaults") as claude:
        for case, to, kind, content in (
            ("send to an agent", "gemini", "task", "Research RAG papers"),
            ("send a reply", "claude_cli", "reply", "Found 10 papers, key findings: ünïcode"),
        ):
            status, found = await answer(port, case)
            assert (status, found["success"], found["recipients"]) == (200, True, [to])
            got = await (gemini if to == "gemini" else claude).message()
            assert (got["id"], got["to_agent"], got["type"]) == (found["message_id"], to, kind)
            assert got["payload"]["content"] == content


@pytest.mark.parametrize(
    ("case", "channel", "recipients"),
    [
        ("send to a channel", "skynet_core", ["cli_monitor", "gemini"]),
        ("send, defaults", "default", ["gemini"]),
    ],
)
async def test_send_to_a_channel(port: int, case: str, channel: str, recipients: list[str]) -> None:
    async with connected(port, "connect") as gemini, connected(port, "monitor") as monitor:
        status, found = await answer(port, case)
        assert (status, found["success"], sorted(found["recipients"])) == (200, True, recipients)
        readers = [gemini, monitor] if "cli_monitor" in recipients else [gemini]
        for one in readers:
            got = await one.message()
            assert (got["to_agent"], got["type"], got["channel"]) == (None, "broadcast", channel)


async def test_a_monitor_shows_direct_messages(port: int) -> None:
    async with connected(port, "connect"), connected(port, "monitor") as monitor:
        await answer(port, "send a file")
        got = await monitor.message()
        assert (got["to_agent"], got["type"], got["payload"]["content"]) == ("gemini", "task", "from a file")


async def test_send_to_nobody_says_why(port: int) -> None:
    status, found = await answer(port, "send to nobody known")
    assert (status, found["success"], found["recipients"]) == (200, False, [])
    assert "'nobody'" in found["error"]


async def test_context_push_and_pull(port: int) -> None:
    assert (await answer(port, "context push"))[1]["success"]
    status, found = await answer(port, "context pull")
    assert (status, found["success"]) == (200, True)
    assert found["context"] == {"global_summary": "Analyzing RAG papers", "facts": ["a", "b"]}
    missing = await answer(port, "context pull of nobody")
    assert (missing[0], missing[1]["success"], bool(missing[1]["error"])) == (200, False, True)


def test_every_verb_that_speaks_to_a_server_is_recorded() -> None:
    assert {one["argv"][0] for one in RECORDED} == {"connect", "send", "context", "agents", "monitor"}
