"""The entries of the log alone bring another gateway's state to where the deciding one is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.commit.apply_entries import apply_entry
from gateway.model.state import GatewayState
from gateway.operations.dispatch import run_operation
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests.member_requests import CreateToken, RevokeToken, RotateToken
from gateway.protocol.results import Accepted
from gateway.protocol.types.core_types import MemberKind
from gateway.shared_log.stream_entries import decode_entry, encode_entry
from gateway.store import LogEntry
from gateway.store.sqlite import SqliteStore
from tests.gateway.runtime.test_hub import ADMIN, actor, some_request, state_of
from tests.support.assembled import assembled


class RecordingStore(SqliteStore):
    """The real store; it keeps the entries that it has stored, as the stream in Redis would have them."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.rows: list[tuple[int, bytes]] = []

    async def append(self, batch: Sequence[LogEntry]) -> list[int]:
        seqs = await super().append(batch)
        self.rows += [(one.seq, encode_entry(one)) for one, seq in zip(batch, seqs, strict=True) if one.seq == seq]
        return seqs


@pytest.mark.parametrize("seed", range(5))
async def test_the_entries_bring_a_state_to_where_the_decider_is(tmp_path: Path, seed: int) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    store = RecordingStore(tmp_path / "state" / "groupchat.db")
    chance, seqs = random.Random(seed), list[int]()
    async with assembled(tmp_path / "state", store=store) as gateway:
        hub, actors = gateway.hub, {}
        for name, kind in (("ann", "human"), ("ben", "human"), ("claude", "agent"), ("gemini", "agent")):
            actors[name] = await actor(gateway, name, MemberKind(kind))
        for _ in range(400):
            who, request = some_request(chance, seqs)
            administers = isinstance(request, CreateToken | RotateToken | RevokeToken)
            try:
                result = await run_operation(hub, ADMIN if administers else actors[who], request)
            except GroupChatError:
                continue
            if isinstance(result, Accepted):
                seqs.append(result.seq)
        followed = GatewayState()
        for seq, body in sorted(store.rows):
            apply_entry(followed, decode_entry(seq, body))
        assert state_of(followed) == state_of(hub.state)
        assert followed.latest_deliveries == hub.state.latest_deliveries
