"""How good recall is: which of the labelled messages it finds, and how high it places them."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean

from benchmarks.figures import Cell
from benchmarks.recall_set.labelled_set import ANSWERS, LabelledSet, Part, Question, Said, build_labelled_set
from gateway.embedding.endpoint import EmbeddingEndpoint
from gateway.embedding.vector_search import BATCH_TEXTS, NEAR_BY_BITS, NEAREST
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.protocol.types.core_types import MessageKind
from gateway.recall.passages import merge_repeats, pack_passages
from gateway.recall.question_words import plain_words
from gateway.recall.ranking import AskedWords, Ranked, rank_by_words, rank_with_meaning, rank_with_signals
from gateway.recall.vector_codes import likeness
from gateway.recall.vector_index import VectorIndex
from gateway.store import LogEntry, MessageQuery, RecallQuery, Viewer
from gateway.store.sqlite import SqliteStore

PLACES = 10
BUDGET_TOKENS = 2000
WITHIN_S = 60.0
VIEW = Viewer("evaluation", observer=True)
BEGAN = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
SENDERS = tuple(sorted({one.author for one in build_labelled_set().messages}))
Way = Callable[[str], Awaitable[list[int]]]


@dataclass(frozen=True)
class Quality:
    """Means over questions. `found`: the share of the messages that answer the question among the first ten."""

    found: float
    gain: float


async def open_evaluation_store(path: Path, made: LabelledSet) -> SqliteStore:
    store = SqliteStore(path, synchronous="OFF")
    await store.load()
    await store.append([_entry(one) for one in made.messages])
    return store


def _entry(said: Said) -> LogEntry:
    at = (BEGAN + timedelta(minutes=said.number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    message = Message(
        said.number,
        f"c-{said.number}",
        said.room,
        said.author,
        ("@all",),
        MessageKind.CHAT,
        said.text,
        at,
        reply_to=said.reply_to,
    )
    return LogEntry(
        seq=said.number,
        kind="message",
        event=codec.encode(message),
        room=said.room,
        sender=said.author,
        client_id=message.id,
        about=said.reply_to,
        text=said.text,
    )


# ways to answer


def search_of(store: SqliteStore) -> Way:
    """`groupchat search` with the whole question: all the words, newest first."""

    async def search(question: str) -> list[int]:
        words = " ".join(plain_words(question))
        return [one.seq for one in await store.messages(MessageQuery(VIEW, words=words, limit=PLACES))]

    return search


def words_of(store: SqliteStore) -> Way:
    """The words alone: BM25, any of the words."""

    async def by_words(question: str) -> list[int]:
        asked, messages = await candidates_of(store, question)
        return [one.message.seq for one in rank_by_words(asked, messages)]

    return by_words


def fused_of(store: SqliteStore) -> Way:
    """What `recall` does without an embedding model."""

    async def fused(question: str) -> list[int]:
        asked, messages = await candidates_of(store, question)
        return _merged(rank_with_signals(asked, messages))

    return fused


async def with_meaning(store: SqliteStore, made: LabelledSet, endpoint: EmbeddingEndpoint) -> Way:
    """What `recall` does with an embedding model."""
    index, packed = VectorIndex(len(made.messages)), dict[int, bytes]()
    for start in range(0, len(made.messages), BATCH_TEXTS):
        batch = made.messages[start : start + BATCH_TEXTS]
        for one, vector in zip(batch, await endpoint.embed([one.text for one in batch], WITHIN_S), strict=True):
            index.add(one.number, one.room, vector)
            packed[one.number] = vector

    async def by_meaning(question: str) -> list[int]:
        (asked_vector,) = await endpoint.embed([question], WITHIN_S)
        near = index.nearest(asked_vector, None, NEAR_BY_BITS)
        near.sort(key=lambda number: -likeness(asked_vector, packed[number]))
        asked, messages = await candidates_of(store, question, tuple(near[:NEAREST]))
        return _merged(rank_with_meaning(asked, messages, near[:NEAREST]))

    return by_meaning


def packed_of(store: SqliteStore) -> Way:
    """All numbers in the passages of `recall`, which the reader gets within the budget."""

    async def packed(question: str) -> list[int]:
        asked, messages = await candidates_of(store, question)
        around = {one.seq: one for one in messages}
        found = pack_passages(question, rank_with_signals(asked, messages), around, BUDGET_TOKENS)
        return [one.seq for passage in found.passages for one in passage.messages]

    return packed


async def candidates_of(
    store: SqliteStore, question: str, also: tuple[int, ...] = ()
) -> tuple[AskedWords, list[Message]]:
    asked = AskedWords.of(question)
    senders = tuple(one for one in SENDERS if one in asked.words)
    found = await store.candidates(RecallQuery(VIEW, asked.forms, senders=senders, also=also))
    messages = [one for event in found.events if isinstance(one := codec.decode_durable(event.event), Message)]
    return replace(asked, weights=found.weights), messages


def _merged(ranked: Sequence[Ranked]) -> list[int]:
    return [one.message.seq for one, _ in merge_repeats(ranked)]


# measures


async def quality_of(way: Way, questions: Sequence[Question], places: int = PLACES) -> Quality:
    answers = [(one.grades, (await way(one.text))[:places]) for one in questions]
    return Quality(
        mean(recall_at(grades, numbers) for grades, numbers in answers),
        mean(discounted_gain(grades, numbers) for grades, numbers in answers),
    )


def recall_at(grades: Mapping[int, int], numbers: Sequence[int]) -> float:
    """The share of the messages that answer the question which were found."""
    answering = {number for number, grade in grades.items() if grade == ANSWERS}
    return len(answering.intersection(numbers)) / len(answering)


def discounted_gain(grades: Mapping[int, int], numbers: Sequence[int]) -> float:
    """nDCG: 1 if the best messages come first in their order."""
    best = sorted(grades.values(), reverse=True)[:PLACES]
    reached = [grades.get(number, 0) for number in numbers]
    return _gain(reached) / _gain(best)


def _gain(grades: Sequence[int]) -> float:
    return sum(float(2**grade - 1) / math.log2(place + 1) for place, grade in enumerate(grades, start=1))


async def rows_by_kind(way: Way, made: LabelledSet, part: Part) -> list[dict[str, Cell]]:
    kinds = dict.fromkeys(one.kind for one in made.of(part))
    rows: list[dict[str, Cell]] = []
    for kind in kinds:
        asked = [one for one in made.of(part) if one.kind == kind]
        found = await quality_of(way, asked)
        rows.append(
            {"kind of question": kind, "questions": len(asked), "recall@10": found.found, "nDCG@10": found.gain}
        )
    return rows
