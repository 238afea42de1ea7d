"""Every whole number that anybody may send, at its bounds: an answer or a clear refusal, and nothing breaks inside."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any, get_args

import msgspec

from gateway.operations.dispatch import run_operation
from gateway.operations.operation_table import OPERATION_BY_REQUEST
from gateway.protocol import codec
from gateway.protocol.errors import GroupChatError, StorageFailed, Unavailable
from gateway.protocol.requests.request import MAX_SEQ
from gateway.server.state_folder.startup_tokens import system_actor
from tests.support.gateways import TEAM_TOKEN, Gateway
from tests.support.simple import simple_client

EDGES = (-MAX_SEQ - 1, -1, 0, 1, 2**31, 2**48 - 1, 2**48, 2**53, MAX_SEQ - 1, MAX_SEQ, MAX_SEQ + 1, 2**64, 10**30)
PROTOCOL = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()


def examples() -> dict[str, dict[str, Any]]:
    """One request of each operation, as the protocol shows it."""
    blocks = re.findall(r"^```json request\n(.*?)^```", PROTOCOL, flags=re.MULTILINE | re.DOTALL)
    lines = [msgspec.json.decode(line) for block in blocks for line in block.splitlines()]
    return {line["op"]: {**line, **({"wait": 0} if "wait" in line else {})} for line in reversed(lines)}


def is_whole(kind: Any) -> bool:
    return kind is int or any(is_whole(one) for one in get_args(kind))


def fields_of(request: type[msgspec.Struct]) -> list[str]:
    return [one.encode_name for one in msgspec.structs.fields(request) if is_whole(one.type)]


CASES = [
    (codec.REQUEST_BY_OP[op], example, field)
    for op, example in sorted(examples().items())
    for field in fields_of(codec.REQUEST_BY_OP[op])
    if field != "n"
]


def test_all_operations_are_here() -> None:
    assert set(examples()) == set(codec.REQUEST_BY_OP)
    assert len(CASES) > 20 and {"after", "before", "message", "since"} <= {field for _, _, field in CASES}


async def test_a_number_at_its_bounds(gateway: Gateway) -> None:
    await gateway.member("claude")
    broken = [
        (kind.__name__, field, edge)
        for kind, example, field in CASES
        for edge in EDGES
        if await breaks(gateway, kind, {**example, field: edge})
    ]
    assert not broken


async def breaks(gateway: Gateway, kind: Any, body: dict[str, Any]) -> bool:
    try:
        request = codec.decode_request(msgspec.json.encode(body))
        assert type(request) is kind and kind in OPERATION_BY_REQUEST
        async with asyncio.timeout(60):
            await run_operation(gateway.hub, system_actor(), request)
    except GroupChatError as error:
        return isinstance(error, StorageFailed | Unavailable)
    except Exception:
        return True
    return False


PATHS = [
    "/history?since={}",
    "/history?limit={}",
    "/inbox/claude?limit={}",
    "/v1/messages?after={}",
    "/v1/messages?before={}&limit=2",
    "/v1/messages/{}",
    "/v1/messages/{}/receipts",
    "/v1/log?since={}",
    "/v1/log?limit={}",
    "/v1/search?query=x&before={}",
    "/v1/recall?question=x&budget={}",
    "/v1/me/deliveries?after={}",
    "/v1/contexts/global/main?version={}",
    "/v1/contexts/global/main/history?before={}",
]


async def test_a_number_in_an_address(gateway: Gateway) -> None:
    async with simple_client(gateway.url, TEAM_TOKEN) as team:
        paths = [path.format(edge) for path in PATHS for edge in EDGES]
        assert not [path for path in paths if (await team.get(path)).status >= 500]
