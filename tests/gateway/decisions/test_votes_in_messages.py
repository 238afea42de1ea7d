"""Votes in what members say: which words are one, and for which option."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decisions.decision_announcements import shorten_to_line
from gateway.decisions.decision_handlers import normalize_options
from gateway.decisions.votes_in_messages import YES_OR_NO, SpokenVote, find_votes, parse_vote
from gateway.protocol.types.core_types import Option
from gateway.protocol.types.decision_types import Decision
from tests.support.world import STAMP

AB = (Option("A", "Postgres"), Option("B", "SQLite with WAL"))
LINES: list[tuple[str, list[SpokenVote]]] = [
    ("VOTE: B", [SpokenVote("B")]),
    ("VOTE:B", [SpokenVote("B")]),
    ("VOTE d-12: B", [SpokenVote("B", "d-12")]),
    ("**VOTE:** B", [SpokenVote("B")]),
    ("I think.\nVOTE: B because it is small", [SpokenVote("B because it is small")]),
    ("[LGTM]", [SpokenVote("lgtm", tag=True)]),
    ("[LGTM] fine by me", [SpokenVote("lgtm fine by me", tag=True)]),
    ("[CONTINUE] the test is missing", [SpokenVote("continue the test is missing", tag=True)]),
    ("VOTE: A\nVOTE: B", [SpokenVote("A"), SpokenVote("B")]),
    ("say VOTE: B", []),
    ("> VOTE: B", []),
    (" VOTE: B", []),
    ("vote: B", []),
    ("VOTE:", []),
    ("VOTE: \n", []),
    ("VOTED: B", []),
    ("looks good [LGTM]", []),
    ("```\nVOTE: B\n```", []),
    ("~~~\n[LGTM]\n~~~\nVOTE: A", [SpokenVote("A")]),
    ("```\nVOTE: B", []),
]


@pytest.mark.parametrize(("text", "found"), LINES)
def test_what_is_a_vote(text: str, found: list[SpokenVote]) -> None:
    assert list(find_votes(text)) == found


def of(options: tuple[Option, ...], rule: str = "majority") -> Decision:
    return Decision("d-1", 1, 1, "general", "ann", "Which?", STAMP, rule, ("ada",), options)


MEANT: list[tuple[tuple[Option, ...], str, tuple[str, str] | None]] = [
    (AB, "B", ("B", "")),
    (AB, "b.", ("B", "")),
    (AB, "B because it is small", ("B", "it is small")),
    (AB, "B, because it is small", ("B", "it is small")),
    (AB, "B - it is small", ("B", "it is small")),
    (AB, "B – it is small", ("B", "it is small")),
    (AB, "B: it is small", ("B", "it is small")),
    (AB, "B (it is small)", ("B", "it is small")),
    (AB, "B it is small", ("B", "it is small")),
    (AB, "SQLite with WAL because it is small", ("B", "it is small")),
    (AB, "`Postgres`", ("A", "")),
    (AB, "C", None),
    (AB, "Because of it", None),
    (YES_OR_NO, "yes", ("yes", "")),
    (YES_OR_NO, "approve because it holds", ("yes", "it holds")),
    (YES_OR_NO, "no - not yet", ("no", "not yet")),
    ((Option("lgtm", ""), Option("continue", "")), "no", ("continue", "")),
]


@pytest.mark.parametrize(("options", "words", "found"), MEANT)
def test_which_option_is_meant(options: tuple[Option, ...], words: str, found: tuple[str, str] | None) -> None:
    assert parse_vote(of(options), SpokenVote(words)) == found


TAGS: list[tuple[tuple[Option, ...], str, tuple[str, str] | None]] = [
    (YES_OR_NO, "lgtm", ("yes", "")),
    (YES_OR_NO, "lgtm : fine", ("yes", "fine")),
    (YES_OR_NO, "continue the test is missing", ("no", "the test is missing")),
    ((Option("lgtm", ""), Option("continue", "")), "continue", ("continue", "")),
    (AB, "lgtm", None),
]


@pytest.mark.parametrize(("options", "words", "found"), TAGS)
def test_what_a_tag_means(options: tuple[Option, ...], words: str, found: tuple[str, str] | None) -> None:
    assert parse_vote(of(options), SpokenVote(words, tag=True)) == found


def test_a_proposal_is_accepted_in_words_and_a_question_takes_any() -> None:
    assert parse_vote(of((), "recipient"), SpokenVote("yes")) == ("yes", "")
    assert parse_vote(of((), "first"), SpokenVote("call it ledger")) == ("call it ledger", "")


KEYS: list[tuple[list[str | Option], list[tuple[str, str]]]] = [
    (["yes", "no"], [("yes", "yes"), ("no", "no")]),
    (["Postgres", "SQLite with WAL"], [("A", "Postgres"), ("B", "SQLite with WAL")]),
    ([Option("p", "Postgres"), "other"], [("p", "Postgres"), ("other", "other")]),
    ([" a "], [("a", "a")]),
]


@pytest.mark.parametrize(("given_", "found"), KEYS)
def test_options_get_keys(given_: list[str | Option], found: list[tuple[str, str]]) -> None:
    assert [(one.key, one.text) for one in normalize_options(given_)] == found


def test_more_options_than_letters_have_keys_of_their_own() -> None:
    keys = [one.key for one in normalize_options([f"option number {at}" for at in range(32)])]
    assert len(set(keys)) == 32


@given(st.text())
def test_whatever_is_said_is_one_line(text: str) -> None:
    assert len(shorten_to_line(text).splitlines()) <= 1 and len(shorten_to_line(text)) <= 300


@given(st.text(), st.sampled_from([AB, YES_OR_NO, ()]), st.sampled_from(["first", "majority", "recipient"]))
def test_no_text_breaks_it(text: str, options: tuple[Option, ...], rule: str) -> None:
    for said in (*find_votes(text), *find_votes(f"VOTE: {text}"), *find_votes(f"[LGTM]{text}")):
        found = parse_vote(of(options, rule), said)
        assert found is None or isinstance(found[0], str)
