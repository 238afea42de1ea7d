"""Chains: a gateway that drops, repeats, reorders or doubles is noticed; an honest one raises no alarm, in whatever
order its messages are read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.encryption.sealed_messages.letters import FIRST_PREVIOUS
from gateway.encryption.sealed_messages.message_chains import (
    ChainFinding,
    ChainLink,
    ChainNeighbors,
    ChainStep,
    chain_finding_text,
    find_place,
)
from tests.gateway.encryption.people import letter_of

BEGINS, JOINED, IN_ORDER, GAP, REPEATED, LATE, FORKED = ChainFinding


def chain(length: int, salt: str = "") -> list[ChainLink]:
    """Messages that an honest gateway numbers from 100."""
    links, previous = [], FIRST_PREVIOUS
    for counter in range(length):
        digest = hashlib.blake2b(f"{salt}{counter}".encode(), digest_size=32).digest()
        links.append(ChainLink(counter, previous, digest, 100 + counter))
        previous = digest
    return links


def neighbors(known: dict[int, ChainLink], counter: int) -> ChainNeighbors:
    below = max((one for one in known if one < counter), default=None)
    above = min((one for one in known if one > counter), default=None)
    return ChainNeighbors(
        known.get(counter), None if below is None else known[below], None if above is None else known[above]
    )


def steps_of(links: Sequence[ChainLink]) -> list[ChainStep]:
    """What is found when they are read in this order; what is wrong is not remembered."""
    known: dict[int, ChainLink] = {}
    steps = []
    for link in links:
        steps.append(find_place(link, neighbors(known, link.counter)))
        if not steps[-1].finding.is_wrong:
            known.setdefault(link.counter, link)
    return steps


A, OTHER = chain(100), chain(100, "other ")


def at(link: ChainLink, seq: int) -> ChainLink:
    """The message as a lying gateway numbers it."""
    return replace(link, seq=seq)


@pytest.mark.parametrize(
    ("links", "found"),
    [
        (A[:3], [BEGINS, IN_ORDER, IN_ORDER]),
        (A[5:8], [JOINED, IN_ORDER, IN_ORDER]),
        ([A[0], A[2]], [BEGINS, GAP]),
        ([A[0], A[2], A[1], A[3]], [BEGINS, GAP, IN_ORDER, IN_ORDER]),
        ([A[5], A[4], A[3]], [JOINED, JOINED, JOINED]),
        ([A[0], A[1], A[1]], [BEGINS, IN_ORDER, IN_ORDER]),
        ([A[0], A[1], at(A[1], 500)], [BEGINS, IN_ORDER, REPEATED]),
        ([A[0], at(A[0], 7)], [BEGINS, REPEATED]),
        ([A[3], at(A[1], 500)], [JOINED, LATE]),
        ([A[3], at(A[4], 99)], [JOINED, LATE]),
        ([A[2], A[4], at(A[3], 500)], [JOINED, GAP, LATE]),
        ([A[0], A[1], OTHER[1]], [BEGINS, IN_ORDER, FORKED]),
        ([A[0], OTHER[1]], [BEGINS, FORKED]),
        ([A[1], OTHER[0]], [JOINED, FORKED]),
        ([A[0], OTHER[0]], [BEGINS, FORKED]),
        ([ChainLink(0, A[0].digest, A[1].digest, 100)], [FORKED]),
        ([*A, at(A[3], 900)], [BEGINS, *[IN_ORDER] * 99, REPEATED]),
    ],
)
def test_what_is_found(links: Sequence[ChainLink], found: Sequence[ChainFinding]) -> None:
    assert [step.finding for step in steps_of(links)] == list(found)


@given(st.permutations(range(12)))
def test_an_honest_gateway_raises_no_alarm_in_whatever_order_one_reads(order: list[int]) -> None:
    assert not any(step.finding.is_wrong for step in steps_of([A[one] for one in order]))


@given(st.integers(1, 60), st.integers(0, 40))
def test_nothing_is_missing_where_nothing_was_dropped(length: int, start: int) -> None:
    assert GAP not in {step.finding for step in steps_of(A[start : start + length])}


@given(st.data())
def test_whatever_is_dropped_before_the_last_is_counted(data: st.DataObject) -> None:
    kept = sorted(data.draw(st.sets(st.integers(1, 58))) | {0, 59})
    assert sum(step.missing for step in steps_of([A[one] for one in kept])) == 60 - len(kept)


@given(st.permutations(range(12)), st.permutations(range(12)))
def test_every_other_order_of_a_gateway_is_noticed(order: list[int], read: list[int]) -> None:
    """Whatever the order in which the messages are read."""
    numbered = {counter: at(A[counter], 100 + place) for place, counter in enumerate(order)}
    found = [step.finding for step in steps_of([numbered[one] for one in read])]
    assert (LATE in found) == (order != sorted(order))


@given(st.lists(st.sampled_from(A[:12]), min_size=1, max_size=30))
def test_every_repetition_is_noticed(links: list[ChainLink]) -> None:
    first: dict[int, int] = {}
    numbered = [at(link, 100 + place) for place, link in enumerate(sorted(links, key=lambda one: one.counter))]
    for link, step in zip(numbered, steps_of(numbered), strict=True):
        assert (step.finding is REPEATED) == (first.setdefault(link.counter, link.seq) != link.seq)


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (ChainStep(GAP, 1), "One message of ada is missing before this one."),
        (ChainStep(GAP, 3), "3 messages of ada are missing before this one."),
        (ChainStep(IN_ORDER), ""),
        (ChainStep(REPEATED), "This message of ada was here before; it is shown again."),
    ],
)
def test_people_are_told_in_words(step: ChainStep, text: str) -> None:
    assert chain_finding_text(step, "ada") == text


def test_every_finding_has_words() -> None:
    for finding in ChainFinding:
        assert (chain_finding_text(ChainStep(finding), "ada") == "") == (finding is IN_ORDER)


def test_a_link_is_what_its_letter_says() -> None:
    assert ChainLink.of(letter_of(counter=0), b"d", 9) == ChainLink(0, FIRST_PREVIOUS, b"d", 9)
