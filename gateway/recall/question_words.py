"""The words of a question, each with the forms in which it may stand in a message. Pure.

The search index knows no word stems, so a word is looked up in its English forms: `rotate` also as `rotates`, `rotated`
and `rotating`. Words of other languages are looked up as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

MAX_QUESTION_WORDS = 16
MIN_STEMMED_CHARS = 4
MIN_STEM_CHARS = 3
_WORD = re.compile(r"[^\W_]+")
_ENDINGS = ("", "e", "s", "es", "ed", "ing")
_VOWELS = "aeiouy"
# Words by which a question asks; they say nothing about what it is about.
ASKING_WORDS = frozenset(
    (
        *("a", "about", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did", "do"),
        *("does", "doing", "for", "from", "had", "has", "have", "having", "he", "her", "his", "how", "i", "if", "in"),
        *("into", "is", "it", "its", "let", "me", "my", "of", "on", "or", "our", "please", "s", "say", "says", "she"),
        *("should", "so", "some", "t", "tell", "that", "the", "their", "them", "then", "there", "these", "they"),
        *("this", "those", "to", "us", "was", "we", "were", "what", "when", "where", "which", "who", "whom", "whose"),
        *("why", "will", "with", "would", "you", "your"),
    )
)


def plain_words(text: str) -> list[str]:
    """The words as the search index knows them: in lower case, without accents."""
    folded = text.casefold()
    if not folded.isascii():
        parts = unicodedata.normalize("NFD", folded)
        folded = "".join(one for one in parts if not unicodedata.combining(one))
    return _WORD.findall(folded)


def question_words(question: str) -> list[str]:
    """The words that say what the question is about: without those that only ask, unless there are no others."""
    words = list(dict.fromkeys(plain_words(question)))
    telling = [one for one in words if one not in ASKING_WORDS]
    return (telling or words)[:MAX_QUESTION_WORDS]


def word_stem(word: str) -> str:
    """What the forms of an English word have in common; coarse, and the same for all of them."""
    if len(word) < MIN_STEMMED_CHARS or not (word.isascii() and word.isalpha()):
        return word
    stem = _without_ending(word)
    if stem != word and len(stem) > MIN_STEM_CHARS and stem[-1] == stem[-2] and stem[-1] not in "lsz":
        stem = stem[:-1]
    return stem[:-1] if stem.endswith("e") and len(stem) > MIN_STEM_CHARS else stem


def _without_ending(word: str) -> str:
    if word.endswith("ies") and len(word) > MIN_STEM_CHARS + 2:
        return f"{word[:-3]}y"
    for ending in ("ing", "ed", "es"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= MIN_STEM_CHARS and any(one in _VOWELS for one in stem):
            return stem
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def word_forms(word: str) -> tuple[str, ...]:
    """The forms of a word, itself first."""
    stem = word_stem(word)
    return tuple(dict.fromkeys((word, *(one for one in _possible_forms(stem) if word_stem(one) == stem))))


def _possible_forms(stem: str) -> Iterator[str]:
    yield from (stem + ending for ending in _ENDINGS)
    if stem.endswith("y"):
        yield f"{stem[:-1]}ies"
    if len(stem) >= MIN_STEM_CHARS and stem[-1] not in _VOWELS:
        yield from (f"{stem}{stem[-1]}{ending}" for ending in ("ed", "ing"))
