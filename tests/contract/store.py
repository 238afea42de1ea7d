"""What every store does, whatever keeps its log: batches whole or not at all, in order, once; and found again.

The tests of a store derive a class from `StoreContract` and give it the fixture `store`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from gateway.model.deliveries.delivery_states import NORMAL_RANK
from gateway.protocol.errors import StorageFailed
from gateway.protocol.types.core_types import Delivery, Rung
from gateway.store import Document, InboxQuery, LogEntry, MessageQuery, Store, Viewer

EVERYTHING = Viewer("olga", observer=True)


def message(
    seq: int,
    text: str = "text",
    *,
    sender: str = "ann",
    to: str | None = None,
    room: str = "general",
    client_id: str | None = None,
) -> LogEntry:
    ends = None if to is None else (sender, to)
    return LogEntry(seq, "message", b'{"seq":%d}' % seq, room, sender, client_id, ends, text=text)


def with_delivery(entry: LogEntry, member: str, rung: Rung = Rung.QUEUED, deadline: float | None = None) -> LogEntry:
    return msgspec.structs.replace(entry, deliveries=(Delivery(entry.seq, member, rung, "", "now"),), deadline=deadline)


async def seqs(store: Store, after: int = 0, limit: int = 1000) -> list[int]:
    records, _ = await store.read(after, limit, lambda record: True)
    return [record.seq for record in records]


async def found(store: Store, view: Viewer, **query: object) -> list[int]:
    return [record.seq for record in await store.messages(MessageQuery(view, **query))]  # type: ignore[arg-type]


def answer(seq: int, answers: int | None, **fields: str) -> LogEntry:
    return msgspec.structs.replace(message(seq, **fields), about=answers)


def waiting(number: int, rank: int = NORMAL_RANK, sender: str = "ann", **event: object) -> LogEntry:
    ladders = (Delivery(number, "ben"),)
    return LogEntry(number, "message", json.dumps(event).encode(), "general", sender, deliveries=ladders, rank=rank)


async def inbox(store: Store, **fields: Any) -> list[int]:
    page, _ = await store.inbox(InboxQuery("ben", **fields))
    return [one.message for one, record in page if one.message == record.seq]


class StoreContract:
    async def test_the_log_is_read_backwards_in_bounded_pages(self, store: Store) -> None:
        await store.append([message(number, sender="ann" if number % 50 == 0 else "bob") for number in range(1, 201)])

        async def back(before: int | None, limit: int, sender: str) -> tuple[list[int], int]:
            found, until = await store.read_back(before, limit, lambda record: record.sender == sender)
            return [record.seq for record in found], until

        assert await back(None, 3, "bob") == ([199, 198, 197], 197)
        assert await back(197, 2, "bob") == ([196, 195], 195)
        assert await back(4, 9, "bob") == ([3, 2, 1], 0)
        assert await back(None, 2, "ann") == ([200], 161), "one call looks at twenty times the limit"
        assert await back(161, 2, "ann") == ([150], 121)
        assert await back(None, 50, "ann") == ([200, 150, 100, 50], 0)
        assert await back(1, 5, "ann") == ([], 0)

    async def test_what_was_appended_is_read_in_order_after_any_seq(self, store: Store) -> None:
        assert await store.append([message(1), message(2), message(5)]) == [1, 2, 5]
        assert await store.append([message(9)]) == [9]
        assert [await seqs(store, after) for after in (0, 2, 4, 9, 99)] == [[1, 2, 5, 9], [5, 9], [5, 9], [], []]

    async def test_a_repeated_id_gets_the_first_seq_within_a_batch_and_later(self, store: Store) -> None:
        first = [message(n, f"text {n}", client_id=i) for n, i in ((1, "a"), (2, "b"), (3, "a"))]
        assert await store.append(first) == [1, 2, 1]
        assert await store.append([message(4, "again", client_id="b"), message(5, client_id="c")]) == [2, 5]
        assert await store.append([message(6, client_id="a", sender="ben")]) == [6], "an id is the sender's own"
        assert await seqs(store) == [1, 2, 5, 6]
        assert await found(store, EVERYTHING, words="again") == [], "a repetition is not indexed either"

    async def test_many_ids_in_one_batch(self, store: Store) -> None:
        await store.append([message(n, client_id=f"id-{n}") for n in range(1, 301)])
        again = [message(1000 + n, client_id=f"id-{n}") for n in range(1, 401)]
        assert await store.append(again) == [*range(1, 301), *range(1301, 1401)]

    async def test_a_batch_is_written_whole_or_not_at_all(self, store: Store) -> None:
        await store.append([message(1)])
        bad = [
            with_delivery(message(2, "half"), "ben"),
            msgspec.structs.replace(message(3), documents=(Document("room", "r", b"{}"),)),
            message(1),
        ]
        with pytest.raises(StorageFailed):
            await store.append(bad)
        assert await seqs(store) == [1]
        assert await found(store, EVERYTHING, words="half") == []
        assert await store.open_deliveries("ben", 0, 10) == []
        assert (await store.load()).documents == ()
        assert await store.append([message(2)]) == [2], "and the next batch is taken"

    async def test_reading_skips_what_is_not_to_be_seen_but_says_how_far_it_looked(self, store: Store) -> None:
        await store.append([message(n, sender="ann" if n % 50 else "ben") for n in range(1, 1001)])
        records, until = await store.read(0, 3, lambda record: record.sender == "ben")
        assert [record.seq for record in records] == [50]
        assert until == 60, "one call looks at a bounded number of rows"
        collected: list[int] = []
        at = 0
        while at < 1000:
            records, at = await store.read(at, 3, lambda record: record.sender == "ben")
            collected += [record.seq for record in records]
        assert collected == list(range(50, 1001, 50))

    async def test_documents_are_put_replaced_and_taken_away(self, store: Store) -> None:
        async def put(seq: int, *documents: Document) -> dict[tuple[str, str], bytes | None]:
            await store.append([msgspec.structs.replace(message(seq), documents=documents)])
            return {(one.kind, one.key): one.body for one in (await store.load()).documents}

        assert await put(1, Document("member", "ann", b"1"), Document("room", "ann", b"2")) == {
            ("member", "ann"): b"1",
            ("room", "ann"): b"2",
        }
        assert await put(2, Document("member", "ann", b"3")) == {("member", "ann"): b"3", ("room", "ann"): b"2"}
        assert await put(3, Document("member", "ann", None), Document("member", "nobody", None)) == {
            ("room", "ann"): b"2"
        }

    async def test_asides_are_written_with_their_event_and_read_one_at_a_time(self, store: Store) -> None:
        async def put(seq: int, *asides: Document) -> list[bytes | None]:
            await store.append([msgspec.structs.replace(message(seq), asides=asides)])
            return [await store.aside("context", key) for key in ("a", "b")]

        assert await put(1, Document("context", "a", b"1"), Document("other", "b", b"2")) == [b"1", None]
        assert await put(2, Document("context", "a", b"3"), Document("context", "b", b"4")) == [b"3", b"4"]
        assert await put(3, Document("context", "a", None), Document("context", "c", None)) == [None, b"4"]
        assert (await store.load()).documents == (), "they are not loaded at the start"
        with pytest.raises(StorageFailed):
            await put(3, Document("context", "a", b"half"))
        assert await store.aside("context", "a") is None

    async def test_what_is_told_about_an_event_is_read_in_pieces(self, store: Store) -> None:
        await store.append(
            [msgspec.structs.replace(message(seq), about=1 if seq % 2 else None) for seq in range(1, 12)]
        )
        assert [one.seq for one in await store.about(1)] == [1, 3, 5, 7, 9, 11]
        assert [one.seq for one in await store.about(1, skip=2, limit=3)] == [5, 7, 9]
        assert await store.about(1, skip=6, limit=3) == []

    async def test_a_thread_is_a_message_and_what_answers_it_through_others(self, store: Store) -> None:
        await store.append([answer(1, None), answer(2, None), answer(3, 1), answer(4, 2), answer(5, 3, to="ben")])
        await store.append([LogEntry(6, "receipt", b"{}", "general", about=3), answer(7, 5), answer(8, 99)])
        found = await store.thread(1, 100)
        assert [(one.seq, one.answers, one.ends) for one in found] == [
            (1, None, None),
            (3, 1, None),
            (5, 3, ("ann", "ben")),
            (7, 5, None),
        ]
        assert [one.seq for one in await store.thread(1, 3)] == [1, 3, 5], "the newest are cut off"
        assert [one.seq for one in await store.thread(7, 3)] == [7]
        assert await store.thread(77, 3) == []
        assert [one.seq for one in await store.several([7, 3, 77])] == [3, 7]

    async def test_a_thread_may_be_as_deep_as_it_is_long(self, store: Store) -> None:
        await store.append([answer(number, number - 1 or None) for number in range(1, 2001)])
        assert [one.seq for one in await store.thread(1, 5000)] == list(range(1, 2001))

    async def test_deliveries_stand_where_the_last_rung_left_them(self, store: Store) -> None:
        await store.append([with_delivery(message(n), "ben", deadline=100.0 if n == 2 else None) for n in (1, 2, 3)])
        receipt = LogEntry(4, "receipt", b"{}", "general", about=1, ends=("ann", "ben"))
        await store.append(
            [msgspec.structs.replace(receipt, deliveries=(Delivery(1, "ben", Rung.SEEN, "why", "then"),))]
        )
        assert await store.delivery(1, "ben") == Delivery(1, "ben", Rung.SEEN, "why", "then")
        assert await store.delivery(1, "cem") is None
        assert [one.message for one in await store.open_deliveries("ben", 0, 10)] == [2, 3]
        assert [one.message for one in await store.open_deliveries("ben", 2, 10)] == [3]
        assert [one.member for one in await store.deliveries(1)] == ["ben"]
        assert [record.seq for record in await store.about(1)] == [4]
        loaded = await store.load()
        assert (loaded.last_seq, dict(loaded.queued), loaded.next_deadline) == (4, {"ben": 2}, 100.0)
        assert await store.overdue(99.0, 10) == ([], 100.0)
        overdue, ahead = await store.overdue(100.0, 10)
        assert ([one.message for one in overdue], ahead) == ([2], None)

    async def test_who_finds_what(self, store: Store) -> None:
        await store.append(
            [
                message(1, "apples for all"),
                message(2, "apples for ben", to="ben"),
                message(3, "apples in the kitchen", room="kitchen"),
                message(4, "pears for all", sender="ben"),
                message(5, "apples for cem", sender="ben", to="cem"),
            ]
        )
        general, both = frozenset({"general"}), frozenset({"general", "kitchen"})
        ann, ben, cem = Viewer("ann", rooms=general), Viewer("ben", rooms=both), Viewer("cem")
        assert [await found(store, view, words="apples") for view in (ann, ben, cem, EVERYTHING)] == [
            [2, 1],
            [5, 3, 2, 1],
            [5],
            [5, 3, 2, 1],
        ]
        assert [await found(store, view, room="general") for view in (ann, ben, EVERYTHING)] == [
            [4, 2, 1],
            [5, 4, 2, 1],
            [5, 4, 2, 1],
        ]
        assert await found(store, EVERYTHING, sender="ben") == [5, 4]
        assert await found(store, EVERYTHING, recipient="ben") == [2]
        assert await found(store, EVERYTHING, recipient="all") == [4, 3, 1]
        assert await found(store, EVERYTHING, words="apples", before=3) == [2, 1]
        assert await found(store, EVERYTHING, room="general", after=1, limit=2) == [2, 4], "with `after` oldest first"
        assert await found(store, EVERYTHING, words='"for all"', limit=1) == [4]

    async def test_a_million_is_not_needed_to_see_that_reading_goes_on_while_writing(self, store: Store) -> None:
        async def write() -> None:
            for begin in range(1, 2000, 100):
                await store.append([message(seq) for seq in range(begin, begin + 100)])

        async with asyncio.TaskGroup() as group:
            writing = group.create_task(write())
            while not writing.done():
                seen = await seqs(store)
                assert seen == list(range(1, len(seen) + 1))
                assert len(seen) % 100 == 0, "a batch is seen whole or not at all"

    async def test_what_waits_is_read_by_rank_or_in_order_and_in_pages(self, store: Store) -> None:
        await store.append([waiting(n, 3 if n == 5 else 20 if n == 4 else NORMAL_RANK) for n in range(1, 7)])
        begun = msgspec.structs.replace(LogEntry(7, "receipt", b"{}"), deliveries=(Delivery(2, "ben", Rung.TYPED),))
        await store.append([begun, msgspec.structs.replace(waiting(8, 3), deliveries=(Delivery(8, "cem"),))])
        assert await inbox(store, by_rank=True) == [5, 4, 1, 3, 6]
        assert await inbox(store, by_rank=True, limit=2) == [5, 4]
        assert await inbox(store, by_rank=True, limit=2, after=4) == [1, 3]
        assert await inbox(store, by_rank=True, after=5) == [4, 1, 3, 6]
        assert await inbox(store, by_rank=True, after=3) == [6]
        assert await inbox(store) == [1, 3, 4, 5, 6]
        assert await inbox(store, after=3, limit=1) == [4]
        assert [one.message for one in await store.open_deliveries("ben", 0, 9, begun=True)] == [2]
        for limit, more in ((4, True), (5, False), (6, False)):
            assert (await store.inbox(InboxQuery("ben", limit=limit)))[1] is more

    async def test_what_waits_is_picked_by_sender_and_by_what_it_answers(self, store: Store) -> None:
        await store.append(
            [waiting(1), waiting(2, sender="cem"), waiting(3, reply_to=1), waiting(4, sender="cem", reply_to=1)]
        )
        assert await inbox(store, senders=("cem", "dan")) == [2, 4]
        assert await inbox(store, reply_to=1) == [3, 4]
        assert await inbox(store, reply_to=1, senders=("cem",)) == [4]
