"""Ranks messages by how well they answer a question. Pure.

The score of a message is that of its words (BM25), raised by what words do not tell: who said it, what it answers or
what answers it, and how new it is. An answer often shares no word with the question that it answers, so it inherits
from it. A list that an embedding model has ordered is fused in by reciprocal rank.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.protocol.events import Message
from gateway.recall.question_words import plain_words, question_words, word_forms
from gateway.recall.repeated_texts import have_same_words, words_without_figures

TERM_SATURATION, LENGTH_WEIGHT = 1.2, 0.35  # k1 and b of BM25
MAX_RANKED_CHARS = 20_000  # of a longer message the beginning is ranked
RECENCY_WEIGHT = 0.1
PARENT_WEIGHT = 0.5  # what an answer inherits from what it answers
ASKED_WEIGHT = 1.0  # from a question, it inherits more
ANSWER_WEIGHT = 0.15  # what a message gets from its best answer
NEAR_WEIGHT, NEAR_ASKED_WEIGHT = 0.25, 0.35  # the same, if it does not say that it answers
MAX_NEIGHBOURS, MAX_NEIGHBOUR_DISTANCE = 4, 40  # so many messages of the room, and numbers of the log, later
MIN_NEWEST_WORDS = 2
QUESTION_FACTOR = 0.7  # a question answers nothing by itself
SYSTEM_FACTOR = 0.6
SYSTEM_NAME = "system"
MEANING_WEIGHT = 0.5  # of the order by meaning, beside that by words and signals
RANK_OFFSET = 5  # of reciprocal rank fusion: the smaller, the more the first places count
MIN_SCORE = 0.05  # of the best: what is below has nothing to do with the question


@dataclass(frozen=True)
class AskedWords:
    """The words of a question, with the weight of each: the rarer, the heavier."""

    question: str
    words: tuple[str, ...]
    weights: tuple[float, ...] = ()

    @staticmethod
    def of(question: str) -> AskedWords:
        return AskedWords(question, tuple(question_words(question)))

    @property
    def forms(self) -> tuple[tuple[str, ...], ...]:
        return tuple(word_forms(one) for one in self.words)


@dataclass(frozen=True)
class Ranked:
    """A message and its score: 1 for the best, less for others. `beside`: it was said soon after that message, which
    fits better."""

    message: Message
    score: float
    beside: int | None = None


@dataclass(frozen=True)
class WordMatch:
    """What of the question a message says: its score by BM25, and which words."""

    score: float
    words: frozenset[int] = frozenset()


def match_words(asked: AskedWords, messages: Sequence[Message]) -> dict[int, WordMatch]:
    """BM25 over these messages. Who said a message counts as a word of it."""
    place = {form: number for number, forms in enumerate(asked.forms) for form in forms}
    lengths: dict[int, int] = {}
    counts: dict[int, dict[int, int]] = {}
    for one in messages:
        words = plain_words(one.content[:MAX_RANKED_CHARS])
        lengths[one.seq] = len(words)
        found = counts.setdefault(one.seq, {})
        for word in (*words, *plain_words(one.from_)):
            if (number := place.get(word)) is not None:
                found[number] = found.get(number, 0) + 1
    mean = sum(lengths.values()) / max(len(lengths), 1) or 1.0
    return {seq: WordMatch(_bm25(asked, found, lengths[seq] / mean), frozenset(found)) for seq, found in counts.items()}


def _bm25(asked: AskedWords, counts: Mapping[int, int], relative_length: float) -> float:
    norm = TERM_SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * relative_length)
    return sum(
        asked.weights[number] * count * (TERM_SATURATION + 1) / (count + norm) for number, count in counts.items()
    )


def rank_by_words(asked: AskedWords, messages: Sequence[Message]) -> list[Ranked]:
    """By their words alone."""
    scores = {seq: one.score for seq, one in match_words(asked, messages).items()}
    return _in_order({one.seq: one for one in messages}, scores, {})


def rank_with_signals(asked: AskedWords, messages: Sequence[Message]) -> list[Ranked]:
    """By their words and by all signals. A message that only asks the same again is left out, unless it was answered:
    then it leads to the answer."""
    known = {one.seq: one for one in sorted(messages, key=lambda one: one.seq)}
    matches = match_words(asked, messages)
    base = _normalised({seq: one.score for seq, one in matches.items()})
    scores = {seq: _own_score(known[seq], score) for seq, score in base.items()}
    scores = _with_newest(known, matches, scores)
    beside = _neighbours(known, scores)
    scores = _with_threads(known, scores, beside)
    for place, seq in enumerate(known):
        scores[seq] *= 1 + RECENCY_WEIGHT * (place + 1) / len(known)
    answered = {one.reply_to for one in messages}
    for repeat in _repeats_of_question(asked.question, messages):
        scores[repeat] = scores[repeat] if repeat in answered else 0.0
    return _in_order(known, scores, beside)


def _own_score(message: Message, score: float) -> float:
    if message.from_ == SYSTEM_NAME:
        score *= SYSTEM_FACTOR
    return score * QUESTION_FACTOR if _is_question(message) else score


def _with_newest(
    known: Mapping[int, Message], matches: Mapping[int, WordMatch], scores: Mapping[int, float]
) -> dict[int, float]:
    """Of the messages of a room that say the same words of the question, the newest is as good as the best: what was
    true earlier may have changed."""
    groups: dict[tuple[str, frozenset[int]], list[int]] = {}
    for seq, message in known.items():
        if len(matches[seq].words) >= MIN_NEWEST_WORDS:
            groups.setdefault((message.room, matches[seq].words), []).append(seq)
    raised = dict(scores)
    for numbers in groups.values():
        raised[numbers[-1]] = max(scores[one] for one in numbers)
    return raised


def _neighbours(known: Mapping[int, Message], scores: Mapping[int, float]) -> dict[int, int]:
    """For what was said soon after a message that fits better and has no answer: that message. It may be the
    answer."""
    recent: dict[str, list[int]] = {}
    beside: dict[int, int] = {}
    answered = {message.reply_to for message in known.values()}
    for seq, message in known.items():
        before = recent.setdefault(message.room, [])
        near = [one for one in before if seq - one <= MAX_NEIGHBOUR_DISTANCE and one not in answered]
        best = max(near, key=scores.__getitem__, default=None)
        if best is not None and message.reply_to is None and scores[seq] < scores[best]:
            beside[seq] = best
        recent[message.room] = [*before[1 - MAX_NEIGHBOURS :], seq]
    return beside


def _is_question(message: Message) -> bool:
    return message.content.rstrip().endswith("?")


def _with_threads(
    known: Mapping[int, Message], scores: Mapping[int, float], beside: Mapping[int, int]
) -> dict[int, float]:
    raised = dict(scores)
    for seq, message in known.items():
        above = message.reply_to if message.reply_to in known else None
        if above is not None:
            raised[seq] += (ASKED_WEIGHT if _is_question(known[above]) else PARENT_WEIGHT) * scores[above]
            raised[above] = max(raised[above], scores[above] + ANSWER_WEIGHT * scores[seq])
        elif seq in beside:
            before = beside[seq]
            raised[seq] += (NEAR_ASKED_WEIGHT if _is_question(known[before]) else NEAR_WEIGHT) * scores[before]
    return raised


def _repeats_of_question(question: str, messages: Sequence[Message]) -> list[int]:
    words = words_without_figures(question)
    return [one.seq for one in messages if have_same_words(words, words_without_figures(one.content))]


def _normalised(scores: Mapping[int, float]) -> dict[int, float]:
    best = max(scores.values(), default=0.0)
    return {seq: score / best if best > 0 else 0.0 for seq, score in scores.items()}


def _in_order(known: Mapping[int, Message], scores: Mapping[int, float], beside: Mapping[int, int]) -> list[Ranked]:
    """Of equal scores, the newest first."""
    ranked = [
        Ranked(known[seq], score, beside.get(seq)) for seq, score in _normalised(scores).items() if score >= MIN_SCORE
    ]
    return sorted(ranked, key=lambda one: (-one.score, -one.message.seq))


def rank_with_meaning(asked: AskedWords, messages: Sequence[Message], near: Sequence[int]) -> list[Ranked]:
    """By words and signals, fused with the order in which an embedding model put the messages."""
    ranked = rank_with_signals(asked, messages)
    known = {one.seq: one for one in messages}
    by_meaning = [Ranked(known[seq], 1.0) for seq in near if seq in known]
    return fuse_ranks(ranked, by_meaning, MEANING_WEIGHT) if by_meaning else ranked


def fuse_ranks(first: Sequence[Ranked], second: Sequence[Ranked], weight: float = 1.0) -> list[Ranked]:
    """Reciprocal rank fusion of two orders; `weight` is that of the second."""
    scores: dict[int, float] = {}
    known: dict[int, Ranked] = {}
    for order, share in ((first, 1.0), (second, weight)):
        for place, one in enumerate(order, start=1):
            known.setdefault(one.message.seq, one)
            scores[one.message.seq] = scores.get(one.message.seq, 0.0) + share / (RANK_OFFSET + place)
    best = max(scores.values(), default=1.0)
    fused = [Ranked(known[seq].message, score / best, known[seq].beside) for seq, score in scores.items()]
    return sorted(fused, key=lambda one: (-one.score, -one.message.seq))
