"""What raises a message above another one that has the same words."""

from __future__ import annotations

from dataclasses import replace

from gateway.protocol.events import Message
from gateway.protocol.types.core_types import MessageKind
from gateway.recall.ranking import AskedWords, Ranked, fuse_ranks, rank_by_words, rank_with_signals

STAMP = "2026-01-01T12:00:00.000Z"


def said(seq: int, text: str, author: str = "ann", reply_to: int | None = None, room: str = "general") -> Message:
    return Message(seq, f"c-{seq}", room, author, ("@all",), MessageKind.CHAT, text, STAMP, reply_to=reply_to)


def asked(question: str) -> AskedWords:
    words = AskedWords.of(question)
    return replace(words, weights=(1.0,) * len(words.words))


def order(question: str, *messages: Message) -> list[int]:
    return [one.message.seq for one in rank_with_signals(asked(question), messages)]


def test_more_words_of_the_question_are_better() -> None:
    assert order(
        "Which port does the exporter use?", said(1, "the port is closed"), said(100, "exporter on port 9")
    ) == [
        100,
        1,
    ]


def test_the_answer_comes_before_what_it_answers_though_it_shares_no_word() -> None:
    found = order(
        "memory limit of staging", said(1, "What is the memory limit of staging?"), said(2, "4 GB", reply_to=1)
    )
    assert found == [2, 1]


def test_what_is_said_next_may_be_the_answer() -> None:
    found = order("why did the backup fail", said(1, "the backup failed"), said(2, "disk full"), said(90, "lunch"))
    assert found == [1, 2]


def test_who_said_it_counts_as_said() -> None:
    one, other = said(1, "the cache is fine", "bob"), said(100, "the cache is fine by me", "eve")
    assert order("what does bob think of the cache", one, other)[0] == 1


def test_of_two_that_say_the_same_words_the_newest_leads() -> None:
    old, new = said(1, "web runs 4 workers"), said(60, "we raised it, web now runs 8 workers since this morning")
    assert order("how many workers does web run", old, new) == [60, 1]


def test_who_only_asks_the_same_again_is_no_answer_unless_somebody_answered() -> None:
    question = "Who owns the billing service?"
    again = said(1, "@claude who owns the billing service?")
    assert order(question, again, said(90, "the billing service is slow")) == [90]
    assert order(question, again, said(2, "Ines does", reply_to=1)) == [2, 1]


def test_nothing_that_shares_a_word_gives_nothing() -> None:
    assert order("frequency of rotation", said(1, "lunch"), said(2, "dinner")) == []
    assert rank_by_words(asked("frequency"), []) == rank_with_signals(asked("frequency"), []) == []


def test_two_orders_are_fused_by_rank() -> None:
    one, two, three = (Ranked(said(seq, "x"), 1.0) for seq in (1, 2, 3))
    assert [each.message.seq for each in fuse_ranks([one, two], [two, three])] == [2, 1, 3]
    assert fuse_ranks([], []) == []
