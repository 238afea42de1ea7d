"""Chains: a gateway that drops, repeats, reorders or doubles is noticed; an honest one raises no alarm."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.encryption.sealed_messages.letters import FIRST_PREVIOUS
from gateway.encryption.sealed_messages.message_chains import (
    RECENT_DIGESTS,
    ChainFinding,
    ChainHead,
    ChainLink,
    ChainStep,
    add_to_chain,
    chain_finding_text,
)
from tests.gateway.encryption.people import letter_of

BEGINS, JOINED, IN_ORDER, GAP, REPEATED, LATE, FORKED = ChainFinding
WRONG = {GAP, REPEATED, LATE, FORKED}


def chain(length: int, salt: str = "") -> list[ChainLink]:
    links, previous = [], FIRST_PREVIOUS
    for counter in range(length):
        digest = hashlib.blake2b(f"{salt}{counter}".encode(), digest_size=32).digest()
        links.append(ChainLink(counter, previous, digest))
        previous = digest
    return links


def steps_of(links: Sequence[ChainLink]) -> list[ChainStep]:
    head: ChainHead | None = None
    steps = []
    for link in links:
        steps.append(add_to_chain(head, link))
        head = steps[-1].head
    return steps


A, OTHER = chain(100), chain(100, "other ")


@pytest.mark.parametrize(
    ("links", "found"),
    [
        (A[:3], [BEGINS, IN_ORDER, IN_ORDER]),
        (A[5:8], [JOINED, IN_ORDER, IN_ORDER]),
        ([A[0], A[2]], [BEGINS, GAP]),
        ([A[0], A[2], A[1], A[3]], [BEGINS, GAP, LATE, IN_ORDER]),
        ([A[0], A[1], A[1]], [BEGINS, IN_ORDER, REPEATED]),
        ([A[0], A[0]], [BEGINS, REPEATED]),
        ([A[0], A[2], A[1], A[1]], [BEGINS, GAP, LATE, REPEATED]),
        ([A[1], A[0]], [JOINED, LATE]),
        ([A[0], A[1], OTHER[1]], [BEGINS, IN_ORDER, FORKED]),
        ([A[0], OTHER[1]], [BEGINS, FORKED]),
        ([A[0], OTHER[0]], [BEGINS, FORKED]),
        ([ChainLink(0, A[0].digest, A[1].digest)], [FORKED]),
        ([*A, A[3]], [BEGINS, *[IN_ORDER] * 99, LATE]),  # too long ago to say that it is the same
    ],
)
def test_what_is_found(links: Sequence[ChainLink], found: Sequence[ChainFinding]) -> None:
    assert [step.finding for step in steps_of(links)] == list(found)


@given(st.integers(1, 60), st.integers(0, 40))
def test_an_honest_gateway_raises_no_alarm(length: int, start: int) -> None:
    findings = {step.finding for step in steps_of(A[start : start + length])}
    assert not findings & WRONG


@given(st.data())
def test_whatever_is_dropped_before_the_last_is_counted(data: st.DataObject) -> None:
    kept = sorted(data.draw(st.sets(st.integers(1, 58))) | {0, 59})
    assert sum(step.missing for step in steps_of([A[at] for at in kept])) == 60 - len(kept)


@given(st.permutations(range(12)))
def test_every_other_order_is_noticed(order: list[int]) -> None:
    findings = {step.finding for step in steps_of([A[at] for at in order])}
    assert bool(findings & WRONG) == (order != sorted(order))


@given(st.lists(st.sampled_from(A[:12]), min_size=1, max_size=30))
def test_every_repetition_is_noticed(links: list[ChainLink]) -> None:
    seen: set[int] = set()
    for link, step in zip(links, steps_of(links), strict=True):
        if link.counter in seen:
            assert step.finding is REPEATED
        seen.add(link.counter)


@given(st.lists(st.sampled_from(A + OTHER), max_size=200))
def test_no_order_makes_it_forget_or_grow(links: list[ChainLink]) -> None:
    head: ChainHead | None = None
    for link in links:
        before = head.counter if head else -1
        head = add_to_chain(head, link).head
        assert head.counter >= before
        assert len(head.recent) <= RECENT_DIGESTS


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (ChainStep(ChainHead(1, b""), GAP, 1), "One message of ada is missing before this one."),
        (ChainStep(ChainHead(1, b""), GAP, 3), "3 messages of ada are missing before this one."),
        (ChainStep(ChainHead(1, b""), IN_ORDER), ""),
        (ChainStep(ChainHead(1, b""), REPEATED), "This message of ada was here before; it is shown again."),
    ],
)
def test_people_are_told_in_words(step: ChainStep, text: str) -> None:
    assert chain_finding_text(step, "ada") == text


def test_every_finding_has_words() -> None:
    for finding in ChainFinding:
        assert (chain_finding_text(ChainStep(ChainHead(1, b""), finding), "ada") == "") == (finding is IN_ORDER)


def test_a_link_is_what_its_letter_says() -> None:
    assert ChainLink.of(letter_of(counter=0), b"d") == ChainLink(0, FIRST_PREVIOUS, b"d")
