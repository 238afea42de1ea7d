"""What must be true of an append before it counts: on the disk of Redis, and on as many replicas as was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.protocol.errors import BadRequest, GroupChatError, StorageFailed, Unavailable
from gateway.shared_log.confirmation import Confirmation, NotConfirmed
from tests.contract.store import message, seqs
from tests.gateway.shared_log.stores import store_at
from tests.support.redis_server import RedisServer

BOTH = Confirmation(disk=True, replicas=2)


@pytest.mark.parametrize(
    ("confirmation", "answers", "missing"),
    [
        (Confirmation(), (), None),
        (BOTH, ([1, 0], 2), None),
        (BOTH, ([1, 2], 3), None),
        (BOTH, ([0, 2], 2), "not synced it to disk within 2 s"),
        (BOTH, ([1, 0], 1), "only 1 of 2 replicas"),
        (BOTH, (ValueError("WAITAOF cannot be used"), 2), "does not say whether it is safe (WAITAOF cannot be used"),
        (Confirmation(replicas=1), (0,), "only 0 of 1 replicas"),
    ],
)
def test_what_confirms(confirmation: Confirmation, answers: tuple[object, ...], missing: str | None) -> None:
    assert len(confirmation.commands) == len(answers)
    try:
        confirmation.check(answers)
    except NotConfirmed as refused:
        assert missing is not None and missing in refused.message
        assert "same id" in refused.message
    else:
        assert missing is None


@pytest.mark.processes
class TestReplicas:
    async def test_a_replica_has_what_was_accepted(self, own_server: RedisServer, tmp_path: Path) -> None:
        with own_server.replica() as replica:
            async with store_at(own_server, tmp_path / "copy.db", replicas=1) as store:
                assert store.describe().endswith(
                    "(every accepted message is synced to disk, and 1 replica has it in memory)"
                )
                for number in range(1, 51):
                    assert await store.append([message(number)]) == [number]
                    assert replica.ask("XLEN", "groupchat:{main}:log") == f":{number}\r\n"

    async def test_what_a_replica_does_not_have_is_neither_accepted_nor_shown(
        self, own_server: RedisServer, tmp_path: Path
    ) -> None:
        with own_server.replica() as replica:
            async with store_at(own_server, tmp_path / "copy.db", replicas=1) as store:
                await store.append([message(1)])
                with replica.frozen():
                    with pytest.raises(NotConfirmed, match="only 0 of 1 replicas"):
                        await store.append([message(2, client_id="a")])
                    assert await seqs(store) == [1]
                    with pytest.raises(NotConfirmed):
                        await store.load()
                    assert await seqs(store) == [1], "it is in the log, and still not shown"
                assert (await store.load()).last_seq == 2
                assert await store.append([message(3, client_id="a")]) == [2], "sent again, it is there once"
                assert await store.append([message(3)]) == [3]

    async def test_too_few_replicas_are_told_at_the_start(self, server: RedisServer, tmp_path: Path) -> None:
        with pytest.raises(Unavailable, match="has 0 replicas connected, and --store-replicas asks for 1"):
            async with store_at(server, tmp_path / "copy.db", replicas=1):
                pass

    async def test_a_user_that_may_not_wait_is_told(self, server: RedisServer, tmp_path: Path) -> None:
        server.ask("ACL", "SETUSER", "default", "-wait")
        try:
            with pytest.raises(BadRequest, match="does not let us use WAIT"):
                async with store_at(server, tmp_path / "copy.db", replicas=1):
                    pass
        finally:
            server.ask("ACL", "SETUSER", "default", "+wait")

    async def test_an_append_that_is_repeated_is_confirmed_as_well(
        self, own_server: RedisServer, tmp_path: Path
    ) -> None:
        """Its repetition writes nothing, and WAIT asks about what was written on its own connection."""
        with own_server.replica() as replica:
            async with store_at(own_server, tmp_path / "copy.db", replicas=1) as store:
                await store.append([message(1)])
                end = store._log.end
                await store.append([message(2)])
                with replica.frozen():
                    own_server.ask("CLIENT", "KILL", "TYPE", "normal")
                    store._log.end = end  # as if the answer had been lost
                    with pytest.raises(NotConfirmed):
                        await store._log.append([message(2)])
                await store._log.append([message(2)])
                assert store._log.end.seq == 2


@pytest.mark.processes
class TestWaitaof:
    """Redis has it since 7.2, Valkey always."""

    async def test_each_append_is_synced_even_if_somebody_changes_the_settings(
        self, own_valkey: RedisServer, tmp_path: Path
    ) -> None:
        async with store_at(own_valkey, tmp_path / "copy.db") as store:
            assert store.describe().startswith("valkey ")
            assert store._log.confirmation == Confirmation(disk=True)
            await store.append([message(1)])
            own_valkey.ask("CONFIG", "SET", "appendfsync", "everysec")
            own_valkey.ask("CONFIG", "RESETSTAT")
            assert await store.append([message(2)]) == [2]
            assert "cmdstat_waitaof:calls=1," in own_valkey.ask("INFO", "commandstats")

    async def test_an_append_without_a_file_is_not_accepted(self, own_valkey: RedisServer, tmp_path: Path) -> None:
        async with store_at(own_valkey, tmp_path / "copy.db") as store:
            own_valkey.ask("CONFIG", "SET", "appendonly", "no")
            refusals: list[GroupChatError] = []
            for attempt in (store.append([message(1)]), store.load()):
                with pytest.raises(StorageFailed, match="appendonly is disabled") as refused:
                    await attempt
                refusals.append(refused.value)
            assert {type(one) for one in refusals} == {NotConfirmed}
            assert await seqs(store) == []
            own_valkey.ask("CONFIG", "SET", "appendonly", "yes")

    async def test_whoever_accepts_losses_does_not_wait(self, own_valkey: RedisServer, tmp_path: Path) -> None:
        own_valkey.ask("CONFIG", "SET", "appendfsync", "everysec")
        async with store_at(own_valkey, tmp_path / "copy.db", accept_loss=True) as store:
            assert store._log.confirmation == Confirmation()
            assert store.describe().endswith("(accepted messages may be lost)")
