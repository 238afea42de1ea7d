"""The language of the search index: what is typed and who looks in, an expression out, tried on a real index."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import permutations, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.protocol.errors import BadRequest, GroupChatError, InvalidText
from gateway.store import LogEntry, MessageQuery, Viewer
from gateway.store.schema import MIGRATIONS
from gateway.store.search_query import (
    DIRECT_REGION,
    direct_expression,
    index_position_of,
    public_expression,
    scope_terms_of,
)
from tests.support.examples import examples

ALICE = Viewer("alice", rooms=frozenset({"general", "lab"}))
BOB = Viewer("bob", rooms=frozenset({"general"}))
EVE = Viewer("eve", observer=True)
NOBODY = Viewer("nobody")

SAID = (
    # seq, room, sender, ends, text
    (1, "general", "alice", None, "The disk is full"),
    (2, "general", "bob", None, "full moon over the disk drive"),
    (3, "lab", "alice", None, "a secret disk"),
    (4, "general", "alice", ("alice", "bob"), "disk for bob"),
    (5, "general", "bob", ("bob", "claude"), "disk for claude"),
    (6, "lab", "alice", ("alice", "claude"), "Müller's disk: C:\\temp"),
    (7, "general", "claude", None, 'he said "quoted" and foo_bar AND NOT near'),
)


@pytest.fixture(scope="module")
def index() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.executescript("".join(MIGRATIONS))
    for seq, room, sender, ends, text in SAID:
        entry = LogEntry(seq, "message", b"", room, sender, ends=ends, text=text)
        row = (index_position_of(entry), text, scope_terms_of(entry))
        connection.execute("INSERT INTO words (rowid, text, scope) VALUES (?, ?, ?)", row)
    yield connection
    connection.close()


def found(index: sqlite3.Connection, query: MessageQuery, *, direct_only: bool = False) -> list[int]:
    public = [] if direct_only else _matching(index, public_expression(query), 0)
    return sorted(public + _matching(index, direct_expression(query), DIRECT_REGION))


def _matching(index: sqlite3.Connection, expression: str | None, begin: int) -> list[int]:
    if expression is None:
        return []
    rows = index.execute(
        "SELECT rowid - ? FROM words WHERE words MATCH ? AND rowid > ? AND rowid < ?",
        (begin, expression, begin, begin + DIRECT_REGION),
    )
    return [seq for (seq,) in rows]


WORDS: dict[str, list[int]] = {
    "disk": [1, 2, 3, 4, 5, 6],
    "DISK": [1, 2, 3, 4, 5, 6],
    "full disk": [1, 2],
    '"full moon"': [2],
    '"moon full"': [],
    '"moon full" disk': [],
    "muller": [6],
    "müller": [6],
    "dis*": [1, 2, 3, 4, 5, 6],
    "dis": [],
    "dis* bo*": [4],
    "*disk": [1, 2, 3, 4, 5, 6],
    "AND": [7],
    "OR": [],
    "NOT": [7],
    "NEAR": [7],
    "near(": [7],
    "disk OR moon": [],
    "quoted": [7],
    'quoted"': [7],
    '"quoted': [7],
    "foo_bar": [7],
    "c:\\temp": [6],
    "text:disk": [],
    "scope:public": [],
    "public": [],
    "disk ... !": [1, 2, 3, 4, 5, 6],
    "(disk)": [1, 2, 3, 4, 5, 6],
    "disk)": [1, 2, 3, 4, 5, 6],
    "-disk": [1, 2, 3, 4, 5, 6],
    "^disk": [1, 2, 3, 4, 5, 6],
}


@pytest.mark.parametrize("typed", WORDS)
def test_what_is_typed_is_only_ever_words(index: sqlite3.Connection, typed: str) -> None:
    assert found(index, MessageQuery(EVE, words=typed)) == WORDS[typed]


@pytest.mark.parametrize("typed", ["", " ", '"', '""', "!?", "*", "***", "-", "_", "__ _", '"_"'])
def test_without_a_word_there_is_nothing_to_search_for(typed: str) -> None:
    with pytest.raises(BadRequest, match="no word to search for"):
        public_expression(MessageQuery(EVE, words=typed))


@pytest.mark.parametrize("typed", ["a\x00b", "\x00", "disk \ud800"])
def test_what_is_not_text_is_refused(typed: str) -> None:
    with pytest.raises(InvalidText):
        public_expression(MessageQuery(EVE, words=typed))


SIGHT: list[tuple[MessageQuery, list[int], list[int]]] = [
    # query, all that is found, direct messages alone
    (MessageQuery(ALICE), [1, 2, 3, 4, 6, 7], [4, 6]),
    (MessageQuery(BOB), [1, 2, 4, 5, 7], [4, 5]),
    (MessageQuery(EVE), [1, 2, 3, 4, 5, 6, 7], [4, 5, 6]),
    (MessageQuery(NOBODY), [], []),
    (MessageQuery(ALICE, room="general"), [1, 2, 4, 7], [4]),
    (MessageQuery(ALICE, room="lab"), [3, 6], [6]),
    (MessageQuery(BOB, room="general"), [1, 2, 4, 5, 7], [4, 5]),
    (MessageQuery(EVE, room="general"), [1, 2, 4, 5, 7], [4, 5]),
    (MessageQuery(ALICE, sender="alice"), [1, 3, 4, 6], [4, 6]),
    (MessageQuery(BOB, sender="alice"), [1, 4], [4]),
    (MessageQuery(ALICE, recipient="all"), [1, 2, 3, 7], []),
    (MessageQuery(ALICE, recipient="bob"), [4], [4]),
    (MessageQuery(ALICE, recipient="alice"), [], []),
    (MessageQuery(EVE, recipient="claude"), [5, 6], [5, 6]),
    (MessageQuery(EVE, recipient="claude", sender="bob", room="general"), [5], [5]),
    (MessageQuery(BOB, words="disk", sender="alice"), [1, 4], [4]),
    (MessageQuery(BOB, words="secret"), [], []),
    (MessageQuery(ALICE, words="disk", room="lab"), [3, 6], [6]),
    # a filter is a name and nothing else
    (MessageQuery(BOB, sender="alice OR public"), [], []),
    (MessageQuery(BOB, recipient='bob" OR "public'), [], []),
    (MessageQuery(BOB, room="general) OR (scope : public"), [], []),
    (MessageQuery(BOB, sender=""), [], []),
    (MessageQuery(BOB, sender="\x00\ud800ü"), [], []),
]


@pytest.mark.parametrize(("query", "everything", "direct"), SIGHT)
def test_whose_eyes_see_what(
    index: sqlite3.Connection, query: MessageQuery, everything: list[int], direct: list[int]
) -> None:
    assert found(index, query) == everything
    assert found(index, query, direct_only=True) == direct


@settings(
    max_examples=examples(400),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.text(alphabet="ab*\"'():^-+{}_\\\x00é字 ANDORTNE") | st.text(st.characters(exclude_categories=[])))
def test_whatever_is_typed_the_index_understands_it(index: sqlite3.Connection, typed: str) -> None:
    try:
        seen = found(index, MessageQuery(BOB, words=typed))
    except GroupChatError:
        return
    assert set(seen) <= {1, 2, 4, 5, 7}, "no words open another's messages"


def test_every_filter_finds_what_a_walk_over_everything_finds() -> None:
    said = [
        (seq, room, ends[0], None if ends[1:] == ("all",) else ends)
        for seq, (room, ends) in enumerate(product(("general", "lab"), CONVERSATIONS), start=1)
    ]
    with closing(sqlite3.connect(":memory:")) as index:
        index.executescript("".join(MIGRATIONS))
        entries = [LogEntry(seq, "message", b"", room, sender, ends=ends, text="x") for seq, room, sender, ends in said]
        for entry in sorted(entries, key=index_position_of):
            row = (index_position_of(entry), entry.text, scope_terms_of(entry))
            index.execute("INSERT INTO words (rowid, text, scope) VALUES (?, ?, ?)", row)
        for query in _every_query():
            assert found(index, query) == [entry.seq for entry in entries if _is_meant(query, entry)], query


CONVERSATIONS = [
    *product(("alice", "bob", "claude"), ("all",)),
    *permutations(("alice", "bob", "claude", "dave"), 2),
    *permutations(("alice", "bob", "claude", "dave"), 3),
    ("alice",),
]


def _every_query() -> Iterator[MessageQuery]:
    names = (None, "alice", "bob", "claude")
    for view, room, sender, recipient, words in product(
        (ALICE, BOB, EVE, NOBODY), (None, "general"), names, (*names, "all"), (None, "x")
    ):
        if room is None or view.observer or room in view.rooms:
            yield MessageQuery(view, room, words, sender, recipient)


def _is_meant(query: MessageQuery, entry: LogEntry) -> bool:
    view, ends = query.view, entry.ends
    to = ("all",) if ends is None else ends[1:]
    seen = view.observer or (entry.room in view.rooms if ends is None else view.member in ends)
    return (
        seen
        and query.room in (None, entry.room)
        and query.sender in (None, entry.sender)
        and (query.recipient is None or query.recipient in to)
    )
