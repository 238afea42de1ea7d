"""Makes passages of ranked messages: threads together, near-duplicates once, within a budget of tokens. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from gateway.protocol.events import Message
from gateway.protocol.results import Passage, PassageMessage
from gateway.protocol.text.printable_text import readable_content
from gateway.recall.question_words import plain_words, question_words
from gateway.recall.ranking import Ranked
from gateway.recall.repeated_texts import have_same_words, words_without_figures

BYTES_PER_TOKEN = 4  # of English text, about; other scripts have fewer, so the estimate is then too high
HEAD_TOKENS = 14  # number, author and time of a message
MIN_PASSAGE_TOKENS = 24  # with less room left, nothing is packed any more
MAX_MESSAGE_CHARS = 1200  # of a longer message, the part around the words of the question
MAX_CONSIDERED = 60  # the best messages, of which passages are made
MAX_THREAD_DEPTH = 50
MAX_LISTED_REPEATS = 20
MAX_SHOWN_ANSWERS = 4  # that were not found themselves
CUT_MARK = "…"


@dataclass
class _Thread:
    """The messages of one thread that were found, and the best score among them."""

    score: float
    members: dict[int, Ranked] = field(default_factory=dict)


@dataclass(frozen=True)
class Packed:
    """The passages that fit into the budget, best first, and how many did not fit."""

    passages: tuple[Passage, ...]
    tokens: int
    left_out: int


def estimate_tokens(text: str) -> int:
    """An estimate: each model counts in its own way."""
    return HEAD_TOKENS + -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def merge_repeats(ranked: Sequence[Ranked]) -> list[tuple[Ranked, tuple[int, ...]]]:
    """Of messages that say nearly the same, the newest, in the place of the best; with the numbers of the others.
    Figures are not compared, so that of `the limit is 4` and `the limit is 8` the newest counts. The same answer to two
    messages means two things."""
    groups: list[tuple[int | None, frozenset[str], list[Ranked]]] = []
    for one in ranked[:MAX_CONSIDERED]:
        words, above = words_without_figures(one.message.content), one.message.reply_to
        for other_above, other, members in groups:
            if above == other_above and have_same_words(words, other):
                members.append(one)
                break
        else:
            groups.append((above, words, [one]))
    return [_newest_of(members) for *_, members in groups]


def _newest_of(members: Sequence[Ranked]) -> tuple[Ranked, tuple[int, ...]]:
    newest = max(members, key=lambda one: one.message.seq)
    others = sorted((one.message.seq for one in members if one is not newest), reverse=True)
    placed = Ranked(newest.message, members[0].score, newest.beside)
    return placed, tuple(others[:MAX_LISTED_REPEATS])


def pack_passages(question: str, ranked: Sequence[Ranked], around: Mapping[int, Message], budget: int) -> Packed:
    """The best threads that fit. `around` are messages that a found one answers, or that answer one: they belong to a
    passage as well, but only what was found makes one."""
    merged = merge_repeats(ranked)
    repeats = {one.message.seq: numbers for one, numbers in merged}
    known = {**around, **{one.message.seq: one.message for one, _ in merged}}
    words = frozenset(question_words(question))
    passages: list[Passage] = []
    left, left_out = budget, 0
    for thread in _threads([one for one, _ in merged], known):
        passage = _fit_passage(_passage_of(thread, known, repeats, words), thread, left)
        if passage is None:
            left_out += 1
            continue
        passages.append(passage)
        left -= passage.tokens
    return Packed(tuple(passages), budget - left, left_out)


def _threads(found: Sequence[Ranked], known: Mapping[int, Message]) -> list[_Thread]:
    """In the order of their best messages."""
    threads: dict[int, _Thread] = {}
    besides = {one.message.seq: one.beside for one in found if one.beside is not None and one.beside in known}
    for one in found:
        thread = threads.setdefault(_root_of(one, known, besides), _Thread(one.score))
        thread.members[one.message.seq] = one
    return list(threads.values())


def _root_of(found: Ranked, known: Mapping[int, Message], beside: Mapping[int, int]) -> int:
    """Where the thread begins, as far as it is known; what was said beside a message belongs to its thread."""
    number = found.message.seq
    for _ in range(MAX_THREAD_DEPTH):
        above = known[number].reply_to
        above = above if above in known else beside.get(number)
        if above is None:
            break
        number = above
    return number


def _passage_of(
    thread: _Thread, known: Mapping[int, Message], repeats: Mapping[int, tuple[int, ...]], words: frozenset[str]
) -> Passage:
    """The found messages of the thread with what they answer and their answers, in the order in which they were
    said."""
    above = (one.message.reply_to for one in thread.members.values())
    numbers = {*thread.members, *(seq for seq in above if seq is not None and seq in known)}
    answers = [seq for seq, message in known.items() if message.reply_to in thread.members]
    numbers |= set(sorted(answers)[:MAX_SHOWN_ANSWERS])
    shown = tuple(
        _shown(known[seq], words, repeats.get(seq, ()), is_found=seq in thread.members) for seq in sorted(numbers)
    )
    return Passage(shown, round(thread.score, 3), sum(estimate_tokens(one.text) for one in shown))


def _shown(message: Message, words: frozenset[str], repeats: tuple[int, ...], *, is_found: bool) -> PassageMessage:
    said = readable_content(message)
    text = excerpt_of(said, words)
    return PassageMessage(
        message.seq,
        message.room,
        message.from_,
        message.timestamp,
        text,
        reply_to=message.reply_to,
        found=is_found,
        cut=len(text) < len(said),
        repeats=repeats,
    )


def excerpt_of(text: str, words: frozenset[str], most: int = MAX_MESSAGE_CHARS) -> str:
    """Of a long text, the part with the most of these words."""
    if len(text) <= most:
        return text
    step = most // 2
    begins = range(0, max(len(text) - step, 1), step)
    best = max(begins, key=lambda at: (len(words.intersection(plain_words(text[at : at + most]))), -at))
    end = best + most
    return f"{CUT_MARK if best else ''}{text[best:end].strip()}{CUT_MARK if end < len(text) else ''}"


def _fit_passage(passage: Passage, thread: _Thread, left: int) -> Passage | None:
    """The passage, or its best message alone, or the beginning of that; None if not even this fits."""
    if passage.tokens <= left:
        return passage
    best = max(thread.members.values(), key=lambda one: one.score).message.seq
    alone = next(one for one in passage.messages if one.seq == best)
    room = (left - HEAD_TOKENS) * BYTES_PER_TOKEN
    if left < MIN_PASSAGE_TOKENS:
        return None
    body = alone.text.encode("utf-8", "surrogatepass")
    if len(body) > room:
        text = body[: room - len(CUT_MARK.encode())].decode("utf-8", "ignore") + CUT_MARK
        alone = msgspec.structs.replace(alone, text=text, cut=True)
    return Passage((alone,), passage.score, estimate_tokens(alone.text))
