"""Parses votes in messages. Pure.

A vote stands at the beginning of a line, outside code fences: `VOTE: B`, `VOTE: B because ...`, `VOTE d-812: B`,
`[LGTM]` and `[CONTINUE]` with a reason after it. The last such line of a message about a decision counts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.decisions.vote_count import VotingRuleKind, parse_rule
from gateway.protocol.text.code_fences import outside_code
from gateway.protocol.types.core_types import Option
from gateway.protocol.types.decision_types import Decision

YES, NO = "yes", "no"
YES_OR_NO = (Option(YES, "Yes"), Option(NO, "No"))
MEANS_YES = ("yes", "lgtm", "accept", "approve", "agree")
MEANS_NO = ("no", "continue", "reject", "disagree")

_VOTE = re.compile(r"(?:\*\*)?VOTE(?:[ \t]+([\w.-]+))?(?:\*\*)?[ \t]*:(?:\*\*)?[ \t]*(\S.*)")
_TAG = re.compile(r"(?:\*\*)?\[(LGTM|CONTINUE)\](?:\*\*)?[ \t]*(.*)")
_BECAUSE = re.compile(r"(?:[,;:.–—-]\s{0,4})?(?:because\b[:,]?|since\b|[–—]|-(?=\s)|:|\()", re.IGNORECASE)
MAX_REASON_STARTS = 50  # positions in an answer where its reason may begin


@dataclass(frozen=True)
class SpokenVote:
    """A vote in a message: its decision, if named, and the words of the answer."""

    words: str
    decision: str = ""
    tag: bool = False


def find_votes(text: str) -> Iterator[SpokenVote]:
    for line in outside_code(text.split("\n")):
        if match := _VOTE.match(line):
            yield SpokenVote(match[2].strip(), match[1] or "")
        elif match := _TAG.match(line):
            yield SpokenVote(f"{match[1].lower()} {match[2]}".strip(), tag=True)


def parse_vote(decision: Decision, said: SpokenVote) -> tuple[str, str] | None:
    """The choice and the reason, if the words are a valid answer to this decision."""
    if said.tag:
        tag, _, rest = said.words.partition(" ")
        choice = option_meant(options_to_choose(decision), tag)
        return None if choice is None else (choice, rest.strip(" ,;:.–—-"))
    whole, options = said.words.rstrip("* "), options_to_choose(decision)
    if not options:
        return whole, ""
    for word, rest in ((whole.rstrip("."), ""), *_split_choice_and_reason(whole)):
        if (choice := option_meant(options, word)) is not None:
            return choice, rest
    return None


def _split_choice_and_reason(words: str) -> Iterator[tuple[str, str]]:
    """The possible splits: a choice of several words ends where a reason begins, or after the first word."""
    for match in itertools.islice(_BECAUSE.finditer(words), MAX_REASON_STARTS):
        yield words[: match.start()], words[match.end() :].strip().removesuffix(")")
    first, _, rest = words.partition(" ")
    yield first.strip("*.,;:()"), rest.strip()


def options_to_choose(decision: Decision) -> tuple[Option, ...]:
    """The options of a decision; for a plain proposal yes and no."""
    plain = not decision.options and parse_rule(decision.rule).kind is VotingRuleKind.RECIPIENT
    return YES_OR_NO if plain else decision.options


def option_meant(options: Sequence[Option], word: str) -> str | None:
    """The key of the option that a word names: by its key, its text, or a word for yes or no."""
    wanted = word.strip().strip("\"'`").casefold()
    if not wanted:
        return None
    for option in options:
        if wanted in (option.key.casefold(), option.text.casefold()):
            return option.key
    for alike in (MEANS_YES, MEANS_NO):
        if wanted in alike:
            return next((one.key for one in options if one.key.casefold() in alike), None)
    return None


# question


# result
