"""The committer outlives whatever fails around it, everybody gets an answer, and `/health` says how it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.access.permissions import Actor
from gateway.client import Client
from gateway.client.discovery.running_gateway import RunningGateway
from gateway.commit.committer import CommitJob, Committer
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import RuleOutcome
from gateway.model.system_messages import room_notice
from gateway.operations.dispatch import run_operation
from gateway.process_basics.tasks import spawn, spawn_vital
from gateway.protocol.errors import GroupChatError, StorageFailed, Unavailable
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Status
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.room_requests import CreateRoom
from gateway.protocol.results import Accepted, Done, Health, Result
from gateway.protocol.types.core_types import MemberKind
from gateway.push.event_broadcaster import Connection
from gateway.runtime.config import Config
from gateway.runtime.hub import Hub
from gateway.server import gateway_process
from gateway.statistics.metrics import Metrics
from gateway.store import LogEntry
from tests.fakes.retry import retry_until
from tests.support.assembled import StumblingStore, assembled
from tests.support.gateways import TEAM_TOKEN, Gateway, config_for
from tests.support.simple import simple_client


class Odd(Exception):
    """What nobody expects."""


class OddStore(StumblingStore):
    """Breaks in ways of its own: a commit that never ends, answers of the wrong length, a state that cannot be read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.hangs: asyncio.Event | None = None
        self.forgets = False
        self.unreadable = False

    async def append(self, batch: Sequence[LogEntry]) -> list[int]:
        if self.hangs is not None:
            await self.hangs.wait()
        seqs = await super().append(batch)
        return seqs[:-1] if self.forgets else seqs

    async def load(self) -> Any:
        if self.unreadable:
            raise Odd("not a state at all")
        return await super().load()


@asynccontextmanager
async def odd(tmp_path: Path, stuck_after: float = 5.0) -> AsyncIterator[tuple[Gateway, OddStore, Actor]]:
    (tmp_path / "state").mkdir(mode=0o700)
    store = OddStore(tmp_path / "state" / "groupchat.db")
    async with assembled(tmp_path / "state", store=store, stuck_after=stuck_after) as gateway:
        await gateway.member("ann", MemberKind.HUMAN)
        yield gateway, store, Actor("ann", MemberKind.HUMAN)


async def say(hub: Hub, who: Actor, text: str) -> Accepted:
    accepted = await run_operation(hub, who, Send(content=text))
    assert isinstance(accepted, Accepted)
    return accepted


@pytest.mark.parametrize("fails", [Odd("!"), MemoryError(), RecursionError(), StorageFailed("no")], ids=repr)
async def test_a_store_that_fails_in_any_way_costs_one_batch(tmp_path: Path, fails: Exception) -> None:
    async with odd(tmp_path) as (gateway, store, ann):
        store.stumble = lambda: fails
        with pytest.raises(StorageFailed):
            await say(gateway.hub, ann, "lost")
        assert gateway.hub.committer.health().last_error
        store.stumble = None
        assert (await say(gateway.hub, ann, "kept")).seq == gateway.hub.committed_seq


async def test_a_store_that_answers_nonsense_costs_one_batch(tmp_path: Path) -> None:
    async with odd(tmp_path) as (gateway, store, ann):
        store.forgets = True
        with pytest.raises(StorageFailed):
            await say(gateway.hub, ann, "on disk, but nobody knows")
        store.forgets = False
        assert (await say(gateway.hub, ann, "kept")).seq == gateway.hub.committed_seq


async def test_what_cannot_be_encoded_fails_alone_and_before_anything_believes_it(tmp_path: Path) -> None:
    async with odd(tmp_path) as (gateway, _, ann):
        hub = gateway.hub
        bad = room_notice("general", "\ud800 is half a character", hub.rule_context())
        room = await run_operation(hub, ann, CreateRoom(room="den"))
        results = await asyncio.gather(
            say(hub, ann, "before"),
            hub.carry_out(RuleOutcome(Done(), (bad,))),
            say(hub, ann, "after"),
            return_exceptions=True,
        )
        assert [isinstance(one, GroupChatError) for one in results] == [False, True, False]
        assert isinstance(room, Done) and not hub.committer.health().stuck


async def test_a_result_that_cannot_be_told_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    async with odd(tmp_path) as (gateway, _, ann):
        hub = gateway.hub
        told = hub._results._answer

        def answer(job: CommitJob, seqs: dict[int, int]) -> None:
            if any(isinstance(one.event, Message) and one.event.content == "bad" for one in job.outcome.events):
                raise Odd("cannot be told")
            told(job, seqs)

        hub._results._answer = answer  # type: ignore[method-assign]
        async with asyncio.timeout(60):
            found = await asyncio.gather(*(say(hub, ann, text) for text in ("first", "bad", "last")))
        assert [one.seq for one in found] == sorted(one.seq for one in found)
        await retry_until(lambda: not hub.committer.health().stuck)
        assert (await say(hub, ann, "later")).seq == hub.committed_seq


class Line:
    """The transport of a connection that nobody reads."""

    def __init__(self) -> None:
        self.aborted = False
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.aborted

    def close(self) -> None:
        self.aborted = True

    def abort(self) -> None:
        self.aborted = True


def fails(*_: object) -> bytes:
    raise Odd("cannot be shown")


@pytest.mark.parametrize("how", ["renderer", "write", "snapshots"])
async def test_a_connection_that_cannot_be_told_something_ends_alone(tmp_path: Path, how: str) -> None:
    async with odd(tmp_path) as (gateway, _, ann):
        hub, bad, good = gateway.hub, Line(), Line()
        renders: dict[str, Callable[..., bytes]] = {"renderer": lambda sheet: b"x", "snapshots": lambda raw: b"s"}
        if how == "write":
            bad.write = fails  # type: ignore[assignment, method-assign]
        broken = {**renders, how: fails}
        for line, parts in ((bad, broken), (good, renders)):
            connection = Connection("ann", line, parts["renderer"], snapshots=parts["snapshots"])
            connection.live = True
            hub.streams.enter(connection)
        accepted = await say(hub, ann, "hello")
        await retry_until(lambda: bad.aborted and b"s" in good.written and b"x" in good.written)
        assert accepted.seq == hub.committed_seq and not good.aborted
        for connection in hub.broadcaster:
            hub.streams.disconnect(connection)


async def test_a_watcher_and_a_due_rule_that_fail_stop_no_other(tmp_path: Path) -> None:
    async with odd(tmp_path) as (gateway, _, ann):
        hub, seen = gateway.hub, list[str]()
        hub.presence.watchers += [fails, lambda view: seen.append(view.name)]  # type: ignore[list-item]
        hub.presence.note_change("ann")
        await retry_until(lambda: "ann" in seen)
        hub.presence.watchers.clear()
        hub.store.overdue = fails  # type: ignore[method-assign, assignment]
        accepted = await run_operation(hub, ann, Send(content="x", ttl=0.05))
        await retry_until(lambda: (hub.scheduler.next_look("delivery") or 0.0) > hub.now)
        del hub.store.overdue
        assert isinstance(accepted, Accepted)


async def test_there_is_one_ping_timer_however_often_somebody_comes_and_goes(tmp_path: Path) -> None:
    async with odd(tmp_path) as (gateway, _, _ann):
        hub = gateway.hub
        timers = set()
        for _ in range(5):
            connection = Connection("ann", Line(), lambda sheet: b"")
            hub.streams.enter(connection)
            timers.add(hub.streams._pinging)
            hub.streams.disconnect(connection)
        assert len(timers) == 1


async def test_memory_that_cannot_be_read_again_is_not_committed_on(tmp_path: Path) -> None:
    async with odd(tmp_path) as (gateway, store, ann):
        hub = gateway.hub
        store.stumble, store.unreadable = (lambda: StorageFailed("no")), True
        with pytest.raises(StorageFailed):
            await run_operation(hub, ann, CreateRoom(room="den"))
        store.stumble = None
        health = hub.committer.health()
        assert health.stuck and "cannot be reloaded" in health.last_error
        assert "not a state" not in health.last_error  # anybody may ask
        with pytest.raises(StorageFailed, match="reloading its state"):
            await run_operation(hub, ann, Send(content="in a room that is not there", room="den"))
        assert hub.state.members, "what was known before is still known"
        store.unreadable = False
        await retry_until(lambda: not hub.committer.health().stuck)
        assert "den" not in hub.state.rooms
        await run_operation(hub, ann, CreateRoom(room="den"))


# health


async def test_health_is_503_while_nothing_reaches_the_disk(tmp_path: Path) -> None:
    async with (
        odd(tmp_path, stuck_after=0.05) as (gateway, store, ann),
        Client(gateway.operator) as alice,
        simple_client(gateway.url, TEAM_TOKEN) as team,
    ):
        assert (await team.get("/health")).status == 200
        assert (await alice.request(Status(), Health)).status == "ok"  # her hello does not wait
        await retry_until(lambda: not gateway.hub.presence.is_waiting)  # nor does what is said of who is here
        store.hangs = asyncio.Event()
        waiting = [spawn(say(gateway.hub, ann, text), text) for text in ("one", "two")]
        try:
            await retry_until(lambda: gateway.hub.committer.health().stuck)
            answer = await team.get("/health")
            assert (answer.status, answer.body["status"], answer.body["queue"]) == (503, "stuck", 2)
            assert answer.body["commitAge"] >= 0.05
            told = await alice.request(Status(), Health)
            assert (told.status, told.uncommitted) == ("stuck", 2) and told.commit_age >= 0.05
        finally:  # or the gateway waits for the disk for ever
            store.hangs.set()
        await asyncio.gather(*waiting)
        assert (await team.get("/health")).status == 200


# what must not die


async def test_a_committer_that_dies_answers_all_and_says_so(tmp_path: Path) -> None:
    async with odd(tmp_path) as (gateway, store, ann):
        hub = gateway.hub
        store.stumble = asyncio.CancelledError  # type: ignore[assignment]
        results = await asyncio.gather(say(hub, ann, "one"), say(hub, ann, "two"), return_exceptions=True)
        assert all(isinstance(one, Unavailable) for one in results)
        assert hub.broken.is_set() and hub.committer.health().stuck
        with pytest.raises(Unavailable):
            await say(hub, ann, "three")
        hub.broken.clear()


async def test_a_gateway_without_its_committer_ends_with_an_error(tmp_path: Path) -> None:
    config, stores = config_for(tmp_path / "state"), list[StumblingStore]()

    def fragile(config: Config) -> StumblingStore:
        stores.append(StumblingStore(config.state / "groupchat.db"))
        return stores[0]

    started: asyncio.Future[RunningGateway] = asyncio.get_running_loop().create_future()
    serving = asyncio.ensure_future(gateway_process.serve_gateway(config, started, fragile))  # noqa: TID251 - awaited here
    async with simple_client((await started).url, TEAM_TOKEN) as team:
        stores[0].stumble = asyncio.CancelledError  # type: ignore[assignment]
        assert (await team.post("/register", agentId="bob")).status == 503
    with pytest.raises(Unavailable, match="essential task"):
        await serving


async def test_the_death_of_a_vital_task_is_told_once_and_its_end_is_not() -> None:
    told: list[BaseException] = []

    async def dies() -> None:
        raise Odd("!")

    async def ends() -> None:
        return

    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    tasks = [spawn_vital(work(), "vital", told.append) for work in (dies, ends)]
    endless = spawn_vital(asyncio.Event().wait(), "endless", told.append)
    endless.cancel()
    await asyncio.wait([*tasks, endless])
    await asyncio.sleep(0)
    assert [type(one) for one in told] == [Odd, asyncio.CancelledError]


async def test_the_failure_of_a_task_is_logged_though_nobody_asks() -> None:
    seen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: seen.append(context))

    async def dies() -> None:
        raise Odd("!")

    await asyncio.wait([spawn(dies(), "some work")])
    await asyncio.sleep(0)
    assert [("some work" in one["message"], type(one["exception"])) for one in seen] == [(True, Odd)]


async def test_a_committer_by_itself_tells_in_order_and_stops_when_all_is_told(tmp_path: Path) -> None:
    store, told = StumblingStore(tmp_path / "a.db"), list[int]()

    async def restore() -> None:
        await store.load()

    committer = Committer(store, Metrics(), restore, stuck_after=5.0)
    committer.start(lambda batch, seqs: told.extend(seqs.values()), told.append)  # type: ignore[arg-type]
    rule_context, loop = RuleContext(now=1.0), asyncio.get_running_loop()
    jobs = [
        CommitJob.of(RuleOutcome(Result(), (room_notice("general", "x", rule_context),)), loop.create_future())
        for _ in range(3)
    ]
    for job in jobs:
        committer.add(job)
    assert replace(committer.health(), age=0.0).waiting == 3
    await committer.stop()
    assert told == [1, 2, 3] and all(job.done.done() for job in jobs)
    await store.close()
