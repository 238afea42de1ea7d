"""Claim: a whole question of eight words over a million messages takes less than 50 ms of processor time at the store
(p95), and finds the first message that a search of everything would; on the held-out half of the labelled set, threads,
neighbours, authors and newness find more than words alone, and far more than `search`.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.million import MEMBER, OBSERVER, build
from benchmarks.recall_evaluation import (
    BUDGET_TOKENS,
    PLACES,
    Way,
    fused_of,
    open_evaluation_store,
    packed_of,
    quality_of,
    rows_by_kind,
    search_of,
    with_meaning,
    words_of,
)
from benchmarks.recall_set.labelled_set import LabelledSet, Part, build_labelled_set
from gateway.embedding.endpoint import EmbeddingEndpoint
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.recall.passages import pack_passages
from gateway.recall.ranking import AskedWords, rank_by_words, rank_with_signals
from gateway.store import RecallQuery, Viewer
from gateway.store.search_query import DIRECT_REGION, words_expression
from gateway.store.sqlite import SqliteStore
from gateway.store.sqlite_recall import word_weight
from tests.fakes.models.embeddings import embedding_model

WORDS_OF_A_QUESTION = 8
REPEATS = 200
COMPARED_QUESTIONS, COMPARED_MESSAGES = 30, 2000
CLAIM_MS = 50.0
SEED = 5
EVERYTHING = 10_000


def measure(folder: Path, *, quick: bool) -> Outcome:
    made = build_labelled_set()
    quality, by_kind, verdicts = asyncio.run(_evaluate(folder / "set.db", made))
    count = 100_000 if quick else 1_000_000
    path = folder / "million.db"
    asyncio.run(build(path, count))
    speed, slowest = asyncio.run(_ask_many(path, count))
    title = f"Whole questions of {WORDS_OF_A_QUESTION} words, {count:,} messages"
    tables = (
        Table(
            f"Labelled set, held-out half: {len(made.of(Part.HELD_OUT))} questions, {len(made.messages):,} messages",
            quality,
        ),
        Table("The same by kind of question, `recall` without a model", by_kind),
        Table(title, speed),
        Table("What the bounds cost", asyncio.run(_compare(path, count, 5 if quick else COMPARED_QUESTIONS))),
    )
    speed_claim = Verdict(f"CPU p95 in ms at the store, slowest reader, {count:,} messages", slowest, CLAIM_MS, False)
    return Outcome("recall", tables, (*verdicts, speed_claim))


# how good


async def _evaluate(
    path: Path, made: LabelledSet
) -> tuple[tuple[dict[str, Cell], ...], tuple[dict[str, Cell], ...], tuple[Verdict, ...]]:
    store = await open_evaluation_store(path, made)
    questions = made.of(Part.HELD_OUT)
    rows: list[dict[str, Cell]] = []
    found: dict[str, float] = {}
    async with _ways(store, made) as ways:
        for name, way in ways.items():
            quality = await quality_of(way, questions)
            rows.append({"way": name, f"recall@{PLACES}": quality.found, f"nDCG@{PLACES}": quality.gain})
            found[name] = quality.found
        within = await quality_of(packed_of(store), questions, EVERYTHING)
        rows.append(
            {
                "way": f"`recall`, all within {BUDGET_TOKENS} tokens",
                f"recall@{PLACES}": within.found,
                f"nDCG@{PLACES}": None,
            }
        )
        kinds = tuple(await rows_by_kind(fused_of(store), made, Part.HELD_OUT))
    await store.close()
    verdict = Verdict(
        f"recall@{PLACES} of `recall` over that of the words alone", found["recall"] / found["words"], 1.1
    )
    return tuple(rows), kinds, (verdict,)


@asynccontextmanager
async def _ways(store: SqliteStore, made: LabelledSet) -> AsyncIterator[dict[str, Way]]:
    """A real model takes part where GROUPCHAT_EMBED names its endpoint."""
    ways: dict[str, Way] = {"search": search_of(store), "words": words_of(store), "recall": fused_of(store)}
    async with embedding_model() as letters, EmbeddingEndpoint(letters.url, "letters") as endpoint:
        ways["recall, with groups of letters as the model"] = await with_meaning(store, made, endpoint)
        if not (url := os.environ.get("GROUPCHAT_EMBED")):
            yield ways
            return
        model = os.environ.get("GROUPCHAT_EMBED_MODEL", "")
        async with EmbeddingEndpoint(url, model, os.environ.get("GROUPCHAT_EMBED_KEY")) as real:
            ways[f"recall, with {model}"] = await with_meaning(store, made, real)
            yield ways


# how fast


@dataclass(frozen=True)
class _Asked:
    """A question made of words of one message, by chance."""

    message: int
    words: AskedWords


def _questions(path: Path, count: int, how_many: int) -> list[_Asked]:
    chance = random.Random(SEED)
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    found: list[_Asked] = []
    while len(found) < how_many:
        number = chance.randint(1, count)
        (raw,) = connection.execute("SELECT event FROM log WHERE seq = ?", (number,)).fetchone()
        words = AskedWords.of(_message_of(raw).content.rpartition(" ")[0]).words
        if len(words) >= WORDS_OF_A_QUESTION:
            chosen = chance.sample(words, WORDS_OF_A_QUESTION)
            found.append(_Asked(number, AskedWords(" ".join(chosen), tuple(chosen))))
    connection.close()
    return found


def _message_of(raw: bytes) -> Message:
    event = codec.decode_durable(raw)
    assert isinstance(event, Message)
    return event


@dataclass(frozen=True)
class _Times:
    """Of questions of one reader: at the store, its processor time, with ranking and packing; and the share of the
    messages from which a question was made that were among the first ten."""

    at_store: Spread
    processor: Spread
    whole: Spread
    hits: float

    def rows(self, reader: str) -> list[dict[str, Cell]]:
        store = {"reader": reader, "what": "at the store", **self.at_store.cells()}
        whole = {"reader": reader, "what": "with ranking and packing", **self.whole.cells()}
        return [
            {**store, "CPU p95 ms": round(self.processor.p95, 1), "found@10": None},
            {**whole, "CPU p95 ms": None, "found@10": self.hits},
        ]


async def _ask_many(path: Path, count: int) -> tuple[tuple[dict[str, Cell], ...], float]:
    """The times of each reader, and the slowest p95 of the processor time at the store."""
    store = SqliteStore(path)
    await store.load()
    await store.at_rest()
    asked = _questions(path, count, REPEATS)
    rows: list[dict[str, Cell]] = []
    slowest = 0.0
    readers: tuple[tuple[str, Viewer, str | None], ...] = (
        ("a member of six rooms", MEMBER, None),
        ("a member, in one room", MEMBER, "backend"),
        ("an observer", OBSERVER, None),
    )
    for name, view, room in readers:
        times = await _ask_as(store, asked, view, room)
        rows += times.rows(name)
        slowest = max(slowest, times.processor.p95)
    await store.close()
    return tuple(rows), slowest


async def _ask_as(store: SqliteStore, asked: Sequence[_Asked], view: Viewer, room: str | None) -> _Times:
    at_store: list[float] = []
    processor: list[float] = []
    whole: list[float] = []
    hits: list[bool] = []
    for one in asked:
        begun, used = time.perf_counter(), time.process_time()
        found = await store.candidates(RecallQuery(view, one.words.forms, room))
        at_store.append(time.perf_counter() - begun)
        processor.append(time.process_time() - used)
        messages = [_message_of(event.event) for event in found.events]
        ranked = rank_with_signals(replace(one.words, weights=found.weights), messages)
        pack_passages(one.words.question, ranked, {each.seq: each for each in messages}, BUDGET_TOKENS)
        whole.append(time.perf_counter() - begun)
        hits.append(any(each.message.seq == one.message for each in ranked[:PLACES]))
    return _Times(Spread.of(at_store), Spread.of(processor), Spread.of(whole), round(mean(hits), 3))


# what the bounds cost


async def _compare(path: Path, count: int, how_many: int) -> tuple[dict[str, Cell], ...]:
    """The bounded search beside one of all messages in which any of the words occurs, both ordered by words alone."""
    store = SqliteStore(path)
    await store.load()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    shared: list[float] = []
    first: list[bool] = []
    took: list[float] = []
    for one in _questions(path, count, how_many):
        found = await store.candidates(RecallQuery(OBSERVER, one.words.forms))
        messages = [_message_of(event.event) for event in found.events]
        bounded = _first_ten(replace(one.words, weights=found.weights), messages)
        begun = time.perf_counter()
        exact = _first_ten(*_everything(connection, one.words, count))
        took.append(time.perf_counter() - begun)
        shared.append(len(set(bounded) & set(exact)) / len(exact))
        first.append(bounded[:1] == exact[:1])
    connection.close()
    await store.close()
    row: dict[str, Cell] = {
        "questions": how_many,
        "the same first message": mean(first),
        "shared of the first ten": mean(shared),
        "a search of everything, p50 ms": Spread.of(took).p50,
    }
    return (row,)


def _first_ten(asked: AskedWords, messages: Sequence[Message]) -> list[int]:
    return [one.message.seq for one in rank_by_words(asked, messages)[:PLACES]]


def _everything(connection: sqlite3.Connection, asked: AskedWords, count: int) -> tuple[AskedWords, list[Message]]:
    """All messages with any of the words, by the weight of their words; the heaviest of them are read whole."""
    found: dict[int, float] = {}
    weights: list[float] = []
    for forms in asked.forms:
        rows = connection.execute("SELECT rowid FROM words WHERE words MATCH ?", (words_expression(forms),)).fetchall()
        weights.append(word_weight(len(rows), count))
        for (position,) in rows:
            number = position % DIRECT_REGION
            found[number] = found.get(number, 0.0) + weights[-1]
    heaviest = sorted(found, key=lambda number: -found[number])[:COMPARED_MESSAGES]
    sql = "SELECT event FROM log WHERE seq = ?"
    messages = [_message_of(connection.execute(sql, (number,)).fetchone()[0]) for number in heaviest]
    return replace(asked, weights=tuple(weights)), messages
