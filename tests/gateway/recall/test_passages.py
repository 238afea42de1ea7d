"""Passages: threads together, near-duplicates once, within the budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.events import Message
from gateway.protocol.types.core_types import MessageKind
from gateway.recall.passages import MAX_MESSAGE_CHARS, estimate_tokens, excerpt_of, merge_repeats, pack_passages
from gateway.recall.ranking import Ranked

STAMP = "2026-01-01T12:00:00.000Z"


def said(seq: int, text: str, reply_to: int | None = None) -> Message:
    return Message(seq, f"c-{seq}", "general", "ann", ("@all",), MessageKind.CHAT, text, STAMP, reply_to=reply_to)


def ranked(*messages: Message) -> list[Ranked]:
    return [Ranked(one, 1 - place / 100) for place, one in enumerate(messages)]


def numbers_in(found: list[Ranked], *around: Message, budget: int = 2000) -> list[list[int]]:
    known = {one.message.seq: one.message for one in found} | {one.seq: one for one in around}
    packed = pack_passages("the limit", found, known, budget)
    assert packed.tokens == sum(one.tokens for one in packed.passages) <= budget
    return [[one.seq for one in passage.messages] for passage in packed.passages]


def test_a_thread_is_one_passage_in_the_order_of_its_messages() -> None:
    question, answer, other = said(1, "the limit?"), said(5, "four", reply_to=1), said(9, "the limit is fine")
    assert numbers_in(ranked(answer, other, question)) == [[1, 5], [9]]


def test_what_a_found_message_answers_and_its_answers_come_with_it() -> None:
    found = said(5, "the limit is four", reply_to=1)
    assert numbers_in(ranked(found), said(1, "how much?"), said(7, "thanks", reply_to=5)) == [[1, 5, 7]]


def test_what_was_said_beside_a_message_is_in_its_passage() -> None:
    first, second = said(3, "the limit was hit"), said(4, "a runaway job")
    assert numbers_in([Ranked(first, 1.0), Ranked(second, 0.3, beside=3)]) == [[3, 4]]


def test_near_duplicates_are_shown_once_the_newest_in_the_place_of_the_best() -> None:
    alerts = [said(seq, f"ALERT limit of db reached, attempt {seq}") for seq in (3, 1, 2)]
    ((shown, repeats), (other, none)) = merge_repeats(ranked(*alerts, said(8, "ALERT limit of web reached, attempt 4")))
    assert (shown.message.seq, shown.score, repeats) == (3, 1.0, (2, 1))
    assert (other.message.seq, none) == (8, ())


def test_the_same_answer_to_two_questions_is_no_repeat() -> None:
    assert len(merge_repeats(ranked(said(3, "yes", reply_to=1), said(4, "yes", reply_to=2)))) == 2


@pytest.mark.parametrize("budget", [50, 60, 100, 400])
def test_the_budget_is_kept_and_what_does_not_fit_is_counted(budget: int) -> None:
    found = ranked(*(said(seq, f"the limit of {name} " + "word " * 60) for seq, name in enumerate("abcdefgh", start=1)))
    packed = pack_passages("the limit", found, {one.message.seq: one.message for one in found}, budget)
    assert packed.tokens <= budget
    assert len(packed.passages) + packed.left_out == len(found)
    assert packed.passages and packed.passages[0].messages[0].seq == 1


def test_of_a_long_message_the_part_with_the_words_is_shown() -> None:
    text = "x " * 4000 + "the limit is four" + " y" * 4000
    shown = excerpt_of(text, frozenset({"limit"}))
    assert "the limit is four" in shown and len(shown) <= MAX_MESSAGE_CHARS + 2
    assert shown.startswith("…") and shown.endswith("…")


@given(st.lists(st.text(min_size=1, max_size=300), max_size=12), st.integers(50, 500))
def test_any_texts_are_packed_within_the_budget(texts: list[str], budget: int) -> None:
    numbers_in(ranked(*(said(seq, text) for seq, text in enumerate(texts, start=1))), budget=budget)
    assert all(estimate_tokens(one) > 0 for one in texts)
