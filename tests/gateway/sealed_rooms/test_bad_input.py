"""Every field of what is sealed, wrong: refused with a clear error, the connection lives on, and nothing changes."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from gateway.access.permissions import Actor
from gateway.operations.dispatch import run_operation
from gateway.protocol.codec import encode
from gateway.protocol.requests.request import MAX_ADMISSION_CHARS, MAX_KEY_TEXT_CHARS, MAX_NOTICE_CHARS
from gateway.protocol.requests.room_requests import Invite, Join
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import MAX_KEY_VERSION, MAX_SEALED_CHARS, MemberKind
from tests.support.gateways import Gateway
from tests.support.sealed_rooms import HUMAN, NOTICE, RECORD, Vault

SEND = {"op": "send", "room": "vault", "content": "", "sealed": {"room_key": 1, "data": "Ym94"}}
NEW_KEY = {**SEND, "sealed": {"room_key": 2, "data": "Ym94"}, "new_key": {"version": 2, "notice": NOTICE}}
KEY = {"op": "room.key", "room": "vault", "version": 2, "notice": NOTICE}
ADMIT = {"op": "room.admit", "room": "vault", "member": "ben", "admission": NOTICE}
LIST = {"op": "room.keys", "room": "vault"}
PUBLISH = {"op": "key.publish", "record": RECORD, "version": 1}
REVOKE = {"op": "key.revoke", "statement": "groupchat-revocation-1 eA", "version": 1}
RECORDS: dict[str, Any] = {"op": "key.records"}
ASK_BOX = {"room_key": 1, "data": "Ym94", "room": "vault"}
ASK = {"op": "ask.open", "digest": "12345678", "question": "", "sealed": ASK_BOX}

WRONG: tuple[tuple[dict[str, Any], str, tuple[Any, ...]], ...] = (
    (SEND, "sealed", ("", 7, [], {}, {"room_key": 1}, {"data": "Ym94"}, {"room_key": 1, "data": "Ym94", "more": 1})),
    (SEND, "sealed.room_key", (-1, "1", 1.5, None, True, MAX_KEY_VERSION + 1, 2, 0)),
    (SEND, "sealed.data", ("", None, 7, "a", "Ym94\n", "Ym94 ", "Ym9=4", "Ym9-", "Ym9_", "\x00", "é", "=" * 4)),
    (SEND, "sealed.data", ("A" * (MAX_SEALED_CHARS + 4),)),
    (SEND, "sealed.room", ("vault", 7, "x" * 65)),
    (SEND, "content", ("text", None, 7)),
    (SEND, "room", ("general", "nowhere", "", None)),
    (NEW_KEY, "new_key", ("", 7, {}, {"version": 2}, {"notice": NOTICE}, {"version": 2, "notice": NOTICE, "more": 1})),
    (NEW_KEY, "new_key.version", (0, -1, 1, 3, "2", None, MAX_KEY_VERSION + 1)),
    (NEW_KEY, "new_key.notice", ("", None, "no base64", "A" * (MAX_NOTICE_CHARS + 4))),
    (KEY, "room", ("general", "nowhere", "#", None, 7)),
    (KEY, "version", (0, 1, 3, -1, None, "2", MAX_KEY_VERSION + 1)),
    (KEY, "notice", ("", None, 7, "no base64", "Ym9", "A" * (MAX_NOTICE_CHARS + 4))),
    (ADMIT, "room", ("general", "nowhere", None)),
    (ADMIT, "member", ("nobody", "", "x" * 65, None, "alice")),
    (ADMIT, "admission", ("", None, "no base64", "A" * (MAX_ADMISSION_CHARS + 4))),
    (LIST, "room", ("nowhere", "", None)),
    (LIST, "after", (-1, "1", None)),
    (LIST, "limit", (0, -1, 101, "1")),
    (PUBLISH, "record", ("", None, 7, "groupchat-key-1 ", "groupchat-key-2 eA", "eA", f"{RECORD}\n", f"{RECORD}===")),
    (PUBLISH, "record", (f"groupchat-key-1 {'A' * MAX_KEY_TEXT_CHARS}",)),
    (PUBLISH, "version", (0, -1, None, "1", MAX_KEY_VERSION + 1)),
    (REVOKE, "statement", ("", None, RECORD, "groupchat-revocation-1 ", "A" * (MAX_KEY_TEXT_CHARS + 1))),
    (REVOKE, "version", (0, -1, "1", 7)),
    (RECORDS, "names", ("ann", [7], ["x" * 65], ["x"] * 1001)),
    (RECORDS, "limit", (0, 1001)),
    (ASK, "sealed.room", ("nowhere", "x" * 65, 7)),
    (ASK, "sealed.room_key", (-1, 2, None)),
    (ASK, "sealed.data", ("", "no base64", "A" * (MAX_SEALED_CHARS + 4))),
)
ROWS = [(shape, field, value) for shape, field, values in WRONG for value in values]


REFUSALS = {
    *("bad_request", "bad_json", "unknown_field", "invalid_text", "invalid_name", "forbidden", "conflict", "stale_key"),
    *("too_large", "not_found", "unknown_room", "unknown_recipient", "reserved_name"),
}


def changed(shape: dict[str, Any], path: str, value: Any, number: int) -> bytes:
    outer, _, inner = path.partition(".")
    return encode({**shape, "n": number, outer: {**shape[outer], inner: value} if inner else value})


async def answers_to(session: aiohttp.ClientSession, rows: list[tuple[dict[str, Any], str, Any]]) -> list[str]:
    """The error code of each frame; "ok" where it was taken."""
    found = []
    async with session.ws_connect("/v1/ws", max_msg_size=0) as socket, asyncio.timeout(120):
        await socket.send_json({"op": "hello", "n": 1, "rooms": ["general", "vault"]})
        for number, row in enumerate(rows, 2):
            await socket.send_bytes(changed(*row, number))
            while (answer := await socket.receive_json()).get("re") in (None, 1):
                pass
            found.append(answer.get("error", {}).get("code", "ok"))
        await socket.send_json({"op": "ping", "n": 9999})
        while (answer := await socket.receive_json()).get("re") != 9999:
            pass
        assert "ok" in answer
    return found


async def test_each_field_wrong(gateway: Gateway, vault: Vault) -> None:
    await gateway.member("bot", MemberKind.AGENT)
    await vault.ann.request(Invite(room="vault", member="bot"), Done)
    await run_operation(gateway.hub, Actor("bot", MemberKind.AGENT), Join(room="vault"))
    before = tables(gateway)
    for name, kind in (("ann", HUMAN), ("bot", MemberKind.AGENT)):
        rows = [one for one in ROWS if (one[0] is ASK) == (name == "bot")]
        end = await gateway.member(name, kind)
        async with aiohttp.ClientSession(gateway.url, headers={"Authorization": f"Bearer {end.token}"}) as session:
            codes = await answers_to(session, rows)
        wrong = [(row[0]["op"], row[1], str(row[2])[:40], code) for row, code in zip(rows, codes, strict=True)]
        assert [one for one in wrong if one[3] not in REFUSALS] == []
    assert tables(gateway) == before


def tables(gateway: Gateway) -> tuple[dict[str, Any], ...]:
    state = gateway.hub.state
    return dict(state.room_keys), dict(state.member_keys), dict(state.admissions_of("vault")), dict(state.asks)
