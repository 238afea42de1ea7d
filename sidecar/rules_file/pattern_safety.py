"""Finds regular expressions whose time may grow exponentially with the text. Pure.

What is repeated must tell by its next character how it goes on: a repetition inside it must not begin like what may
follow it, and its alternatives must not begin alike. Otherwise a text can be divided in exponentially many ways. A
possessive repetition (`*+`, `++`) or an atomic group `(?>...)` is never tried in another way, so both are allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from re import _parser  # the parser of `re` itself, so that both read a text alike
from typing import Any

MANY = 10  # so many repetitions are enough to be slow
MAX_IN_A_ROW = 12  # each long repetition multiplies the time by the length of the text
SAMPLE = frozenset(map(chr, (*range(0x20, 0x7F), 0x09, 0x0A, 0xE9, 0x2500, 0x276F, 0x4E00)))

NESTED = "it repeats something of variable length that may be divided in many ways, such as (a+)+"
ALIKE = "it repeats alternatives that may begin alike, such as (a|ab)*"
ADVICE = "make the inner repetition possessive (a++), or let it begin unlike what follows it"

_IGNORES_CASE = re.compile(r"\(\?[a-zA-Z]{0,6}i")
_REPEATS = (_parser.MAX_REPEAT, _parser.MIN_REPEAT)
_CATEGORIES = {
    _parser.CATEGORY_DIGIT: re.compile(r"\d"),
    _parser.CATEGORY_NOT_DIGIT: re.compile(r"\D"),
    _parser.CATEGORY_SPACE: re.compile(r"\s"),
    _parser.CATEGORY_NOT_SPACE: re.compile(r"\S"),
    _parser.CATEGORY_WORD: re.compile(r"\w"),
    _parser.CATEGORY_NOT_WORD: re.compile(r"\W"),
}


def time_risk(pattern: str) -> str:
    """Why the expression may take forever, and what to do; empty if it may not. Raises `re.error`."""
    tree = _parser.parse(pattern, re.MULTILINE)
    sample = SAMPLE | frozenset(_characters_named_in(tree))
    folds = _IGNORES_CASE.search(pattern) is not None
    if found := next(_RiskSearch(sample, folds=folds).risks(tree, None), ""):
        return f"{found}; {ADVICE}"
    if (count := _longest_chain(tree)) > MAX_IN_A_ROW:
        return f"it has {count} long repetitions in a row; at most {MAX_IN_A_ROW} are allowed"
    return ""


@dataclass(frozen=True)
class Beginning:
    """The characters of the sample with which something may begin, and whether it may be empty."""

    characters: frozenset[str] = frozenset()
    empty: bool = True

    def before(self, following: Beginning) -> Beginning:
        return Beginning(self.characters | following.characters, following.empty) if self.empty else self

    def either(self, other: Beginning) -> Beginning:
        return Beginning(self.characters | other.characters, self.empty or other.empty)


class _RiskSearch:
    """`sample` are the characters that the expression is tried with: all that it names, and some of each class.
    `folds`: upper and lower case are the same to it."""

    def __init__(self, sample: frozenset[str], *, folds: bool) -> None:
        self._sample, self._folds = sample, folds

    def risks(self, nodes: Any, following: Beginning | None) -> Iterator[str]:
        """`following` is how what comes after the nodes may begin, where they are repeated; None where they are not."""
        items = list(nodes)
        for at, (op, value) in enumerate(items):
            after = None if following is None else self._beginning(items[at + 1 :]).before(following)
            if op in _REPEATS:
                yield from self._risks_of_repeat(value, after)
            elif op is _parser.POSSESSIVE_REPEAT:
                yield from self.risks(value[2], None)
            elif op is _parser.ATOMIC_GROUP:
                yield from self.risks(value, None)
            else:
                if op is _parser.BRANCH and after is not None and self._begin_alike(value[1], after):
                    yield ALIKE
                for inner in _children(op, value):
                    yield from self.risks(inner, after)

    def _risks_of_repeat(self, value: Any, after: Beginning | None) -> Iterator[str]:
        least, most, body = value
        own = self._beginning(body)
        if after is not None and least != most and own.characters & after.characters:
            yield NESTED
        inside = own.before(after or Beginning()) if most >= MANY or after is not None else None
        yield from self.risks(body, inside)

    def _begin_alike(self, branches: Sequence[Any], after: Beginning) -> bool:
        seen: set[str] = set()
        for one in (self._beginning(branch).before(after) for branch in branches):
            if one.characters & seen:
                return True
            seen |= one.characters
        return False

    def _beginning(self, nodes: Any) -> Beginning:
        found = Beginning()
        for op, value in nodes:
            if not found.empty:
                break
            found = found.before(self._beginning_of(op, value))
        return found

    def _beginning_of(self, op: Any, value: Any) -> Beginning:
        if op is _parser.AT or op in (_parser.ASSERT, _parser.ASSERT_NOT):
            return Beginning()
        if op in (*_REPEATS, _parser.POSSESSIVE_REPEAT):
            inner = self._beginning(value[2])
            return Beginning(inner.characters, inner.empty or value[0] == 0)
        if op is _parser.SUBPATTERN:
            return self._beginning(value[3])
        if op is _parser.ATOMIC_GROUP:
            return self._beginning(value)
        if op is _parser.BRANCH:
            first, *others = map(self._beginning, value[1])
            for one in others:
                first = first.either(one)
            return first
        characters = self._characters_of(op, value)
        return Beginning(self._sample) if characters is None else Beginning(characters, empty=False)

    def _characters_of(self, op: Any, value: Any) -> frozenset[str] | None:
        """None if it is not known."""
        if op is _parser.LITERAL:
            return frozenset({chr(value).lower(), chr(value).upper()})
        if op is _parser.NOT_LITERAL:
            return self._sample - {chr(value)}
        if op is _parser.ANY:
            return self._sample - {"\n"}
        if op is not _parser.IN:
            return None
        negated = value[0][0] is _parser.NEGATE
        found = {one for one in self._sample if any(self._is_in(one, item) for item in value[negated:])}
        named = {chr(item[1]) for item in value if item[0] is _parser.LITERAL}
        return frozenset(self._sample - found) if negated else frozenset(found | named)

    def _is_in(self, character: str, item: Any) -> bool:
        cases = {character, character.lower(), character.upper()} if self._folds else {character}
        return any(len(one) == 1 and _is_in(one, item) for one in cases)


def _is_in(character: str, item: Any) -> bool:
    op, value = item
    if op is _parser.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    if op is _parser.CATEGORY:
        return _CATEGORIES[value].match(character) is not None
    return bool(op is _parser.LITERAL and value == ord(character))


def _characters_named_in(nodes: Any) -> Iterator[str]:
    for op, value in nodes:
        if op in (_parser.LITERAL, _parser.NOT_LITERAL):
            yield chr(value)
        elif op is _parser.RANGE:
            yield from map(chr, value)
        elif op is _parser.IN:
            yield from _characters_named_in(value)
        elif op in (*_REPEATS, _parser.POSSESSIVE_REPEAT):
            yield from _characters_named_in(value[2])
        elif op is _parser.ATOMIC_GROUP:
            yield from _characters_named_in(value)
        else:
            for inner in _children(op, value):
                yield from _characters_named_in(inner)


def _children(op: Any, value: Any) -> Sequence[Any]:
    if op is _parser.SUBPATTERN:
        return (value[3],)
    if op is _parser.BRANCH:
        return tuple(value[1])
    if op in (_parser.ASSERT, _parser.ASSERT_NOT):
        return (value[1],)
    if op is _parser.GROUPREF_EXISTS:
        return tuple(one for one in value[1:] if one)
    return ()


def _longest_chain(nodes: Any) -> int:
    """Long repetitions that follow each other on one way through the expression."""
    count = 0
    for op, value in nodes:
        if op in _REPEATS:
            count += (value[1] >= MANY) + _longest_chain(value[2])
        elif op is _parser.BRANCH:
            count += max(map(_longest_chain, value[1]))
        else:
            count += sum(map(_longest_chain, _children(op, value)))
    return count
