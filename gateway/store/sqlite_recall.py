"""Finds the candidates for a question in SQLite: the messages in which its rarer words occur, a bounded number.

Each word is read from the search index by itself, newest messages first and so many at most. A word that is in more
messages counts as frequent: it is not read for all of them, but in pairs with the other words. The messages with the
heaviest words are then read whole, those that the reader may see. So the cost does not grow with the log; what it
misses are old messages that share only one frequent word with the question.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import nlargest
from itertools import combinations

from gateway.store import Candidates, MessageQuery, RecallQuery, StoredEvent, fit_into_page_bytes
from gateway.store.search_query import DIRECT_REGION, direct_expression, public_expression, words_expression
from gateway.store.sqlite_read import LOG_COLUMNS, read_events

ExpressionOf = Callable[[MessageQuery], str | None]

MAX_POSTINGS = 1000  # how many messages are read for one word
MAX_NARROW_POSTINGS = 250  # for a pair of words, or for a word in the messages of few people
MAX_PAIRED_WORDS = 4
MAX_NARROW_WORDS = 4
FREQUENT_SHARE = 0.02  # a word in more of the messages than this tells little
MIN_FREQUENT = 500  # in a small log no word is frequent
MAX_READ_EVENTS = 1024  # read at most this many in search of visible ones
READ_CHUNK = 256
ENOUGH_VISIBLE = 64
MAX_THREADED = 48  # of so many messages, the threads are looked at
MAX_ANSWERS = 4  # of each
MAX_FOLLOWING = 4


@dataclass(frozen=True)
class _Word:
    """A word of the question: its forms, what it weighs, and the newest messages that contain it."""

    forms: tuple[str, ...]
    weight: float
    count: float
    numbers: Sequence[int]

    @property
    def is_cut(self) -> bool:
        return len(self.numbers) == MAX_POSTINGS


@dataclass(frozen=True)
class _Region:
    """A part of the index: public or direct messages, where it begins, and the words for what a reader may see."""

    expression_of: ExpressionOf
    begin: int


@dataclass
class _Found:
    """The weight of the words that were found in each message."""

    weights: dict[int, float] = field(default_factory=dict)

    def add(self, numbers: Iterable[int], weight: float) -> None:
        weights = self.weights
        for number in numbers:
            weights[number] = weights.get(number, 0.0) + weight

    def raise_all(self, other: _Found) -> None:
        for number, weight in other.weights.items():
            self.raise_to((number,), weight)

    def raise_to(self, numbers: Iterable[int], weight: float) -> None:
        """These messages have at least this weight, however much of it is known already."""
        weights = self.weights
        for number in numbers:
            weights[number] = max(weights.get(number, 0.0), weight)

    def heaviest(self, count: int) -> list[int]:
        """Of equal ones, the newest."""
        return [number for number, _ in nlargest(count, self.weights.items(), key=lambda one: (one[1], one[0]))]


def find_candidates(connection: sqlite3.Connection, query: RecallQuery) -> Candidates:
    total = _count_messages(connection)
    words = [_read_word(connection, forms, total) for forms in query.words]
    rare = [one for one in words if not _is_frequent(one, total)]
    used = sorted(rare or words, key=lambda one: one.count)
    found = _Found()
    for one in used:
        found.add(one.numbers, one.weight)
    _add_pairs(connection, used, found)
    events = _read_visible(connection, query, found.heaviest(MAX_READ_EVENTS))
    if len(events) < ENOUGH_VISIBLE or query.senders:
        events += _read_narrow(connection, query, used, _Region(public_expression, 0), found)
    events += _read_narrow(connection, query, used, _Region(direct_expression, DIRECT_REGION), found)
    near = sorted({one.seq: one for one in events}.values(), key=lambda one: -found.weights[one.seq])[:MAX_THREADED]
    events += _read_threads(connection, query.also, [*query.also, *(one.seq for one in near)])
    events += _read_following(connection, near)
    unique = {one.seq: one for one in events}
    return Candidates(list(unique.values()), tuple(one.weight for one in words))


def _count_messages(connection: sqlite3.Connection) -> int:
    """About: numbers may be left out, and not each is a message's."""
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()
    return max(int(last), 1)


def _is_frequent(word: _Word, total: int) -> bool:
    return word.count > max(MIN_FREQUENT, FREQUENT_SHARE * total)


def _read_word(connection: sqlite3.Connection, forms: tuple[str, ...], total: int) -> _Word:
    numbers = _read_postings(connection, words_expression(forms), 0, MAX_POSTINGS)
    count = float(len(numbers))
    if len(numbers) == MAX_POSTINGS:
        count = max(count, MAX_POSTINGS * total / max(numbers[0] - numbers[-1], 1))
    return _Word(forms, word_weight(count, total), count, numbers)


def word_weight(count: float, total: float) -> float:
    """How much a word tells that is in so many of all messages: the inverse document frequency of BM25."""
    return math.log(1 + (total - min(count, total) + 0.5) / (count + 0.5))


def _add_pairs(connection: sqlite3.Connection, words: Sequence[_Word], found: _Found) -> None:
    """Words that are in too many messages to read them all: those in which two of them stand."""
    cut = [one for one in words if one.is_cut][:MAX_PAIRED_WORDS]
    for first, second in combinations(cut, 2):
        both = f"{words_expression(first.forms)} AND {words_expression(second.forms)}"
        numbers = _read_postings(connection, both, 0, MAX_NARROW_POSTINGS)
        found.raise_to(numbers, first.weight + second.weight)


def _read_postings(connection: sqlite3.Connection, expression: str, begin: int, limit: int) -> list[int]:
    """The newest messages in a region of the index."""
    rows = connection.execute(
        "SELECT rowid - ? FROM words WHERE words MATCH ? AND rowid > ? AND rowid < ? ORDER BY rowid DESC LIMIT ?",
        (begin, expression, begin, begin + DIRECT_REGION, limit),
    )
    return [number for (number,) in rows]


def _read_visible(connection: sqlite3.Connection, query: RecallQuery, numbers: Sequence[int]) -> list[StoredEvent]:
    """The first of these public messages that the reader may see."""
    rooms = None if query.room is None and query.view.observer else json.dumps(sorted(_rooms_of(query)))
    found: list[StoredEvent] = []
    for chunk in _chunks(numbers, READ_CHUNK):
        found += read_events(
            connection,
            f"SELECT {LOG_COLUMNS} FROM log WHERE seq IN (SELECT value FROM json_each(?1)) AND ends IS NULL "
            "AND (?2 IS NULL OR room IN (SELECT value FROM json_each(?2)))",
            (json.dumps(chunk), rooms),
        )
        if len(found) >= query.limit:
            break
    return list(fit_into_page_bytes(found[: query.limit]))


def _rooms_of(query: RecallQuery) -> Iterable[str]:
    return query.view.rooms if query.room is None else (query.room,)


def _read_narrow(
    connection: sqlite3.Connection, query: RecallQuery, words: Sequence[_Word], region: _Region, heard: _Found
) -> list[StoredEvent]:
    """The messages of a region in which the rarest words stand, by the scope words of the index: of few people, or
    in few rooms, that the newest messages of all may have left out."""
    found = _Found()
    for scope in _scopes(query, region.expression_of):
        narrow = _Found()
        for one in words[:MAX_NARROW_WORDS]:
            expression = f"{words_expression(one.forms)} AND {scope}"
            narrow.add(_read_postings(connection, expression, region.begin, MAX_NARROW_POSTINGS), one.weight)
        found.raise_all(narrow)
    heard.raise_all(found)
    numbers = json.dumps(found.heaviest(READ_CHUNK))
    sql = f"SELECT {LOG_COLUMNS} FROM log WHERE seq IN (SELECT value FROM json_each(?))"
    return list(fit_into_page_bytes(read_events(connection, sql, (numbers,))))


def _scopes(query: RecallQuery, expression_of: ExpressionOf) -> Iterator[str]:
    """All that the reader may see, and the messages of each sender that the question names."""
    everything = MessageQuery(query.view, query.room)
    for one in (everything, *(replace(everything, sender=name) for name in query.senders)):
        if (scope := expression_of(one)) is not None:
            yield scope


def _read_threads(connection: sqlite3.Connection, also: Sequence[int], near: Sequence[int]) -> list[StoredEvent]:
    """What these messages answer, and the first answers to each, along the index of what a message is about. Whether
    the reader may see them is for the caller to say."""
    found = read_events(
        connection,
        f"SELECT {LOG_COLUMNS} FROM log WHERE kind = 'message' AND seq IN (SELECT value FROM json_each(?1) "
        "UNION SELECT about FROM log WHERE seq IN (SELECT value FROM json_each(?2)))",
        (json.dumps(list(also)), json.dumps(list(near))),
    )
    sql = f"SELECT {LOG_COLUMNS} FROM log WHERE about = ? AND kind = 'message' ORDER BY seq LIMIT {MAX_ANSWERS}"
    for number in near:
        found += read_events(connection, sql, (number,))
    return list(fit_into_page_bytes(found))


def _read_following(connection: sqlite3.Connection, events: Sequence[StoredEvent]) -> list[StoredEvent]:
    """What was said next in the room of each public message: often an answer that does not say what it answers."""
    found: list[StoredEvent] = []
    sql = (
        f"SELECT {LOG_COLUMNS} FROM log WHERE kind = 'message' AND ends IS NULL AND room = ? AND seq > ? "
        f"ORDER BY seq LIMIT {MAX_FOLLOWING}"
    )
    for one in events:
        if one.ends is None:
            found += read_events(connection, sql, (one.room, one.seq))
    return list(fit_into_page_bytes(found))


def _chunks(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (numbers[start : start + size] for start in range(0, len(numbers), size))
