"""Decisions as text: parses votes in messages, and writes questions and results. Pure.

A vote stands at the beginning of a line, outside code fences: `VOTE: B`, `VOTE: B because ...`, `VOTE d-812: B`,
`[LGTM]` and `[CONTINUE]` with a reason after it. The last such line of a message about a decision counts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.decisions.vote_count import VoteCount, VotingRuleKind, count_votes, parse_rule, weight_of
from gateway.protocol import decision_nouns
from gateway.protocol.decision_nouns import AnswerKind, Decision, DecisionState, Given
from gateway.protocol.text import printable_text
from gateway.protocol.text.code_fences import outside_code
from gateway.protocol.text.printable_text import printable_lines
from gateway.protocol.types import Option

S = DecisionState

YES, NO = "yes", "no"
YES_OR_NO = (Option(YES, "Yes"), Option(NO, "No"))
MEANS_YES = ("yes", "lgtm", "accept", "approve", "agree")
MEANS_NO = ("no", "continue", "reject", "disagree")
MAX_SHOWN_CHARS = 300

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


def shorten_to_line(text: str, most: int = MAX_SHOWN_CHARS) -> str:
    """A member's text on one line, so that no part of it looks like a line of the gateway."""
    return printable_text.shorten_line(text, most)


def option_text(decision: Decision, key: str) -> str:
    return shorten_to_line(decision_nouns.option_words(decision, key))


# question


def question_text(decision: Decision) -> str:
    """The text of the message that asks for a decision."""
    lines = [decision.question]
    said_below = decision.options == YES_OR_NO or all(one.key == one.text for one in decision.options)
    lines += [] if said_below else [f"{one.key}) {one.text}" for one in decision.options]
    lines.append(f"[{_how_to_answer(decision)}]")
    return "\n".join(lines)


def _how_to_answer(decision: Decision) -> str:
    who = "the people here" if decision.people else ", ".join(decision.voters)
    until = f" until {decision.expires[:19]}Z" if decision.expires else ""
    what = f"{decision.id}: {rule_text(decision)} {who}{until}"
    if not options_to_choose(decision):
        return f"{what}; `/vote {decision.id} ...` answers it"
    keys = "|".join(one.key for one in options_to_choose(decision))
    return f"{what}; a line `VOTE {decision.id}: {keys} because ...` answers it"


def rule_text(decision: Decision) -> str:
    rule = parse_rule(decision.rule)
    match rule.kind:
        case VotingRuleKind.RECIPIENT:
            return "to be accepted or rejected by"
        case VotingRuleKind.FIRST:
            return "the first answer of"
        case VotingRuleKind.QUORUM:
            return f"at least {rule.part}/{rule.whole} of"
        case VotingRuleKind.UNANIMOUS:
            return "all of"
    return "the majority of"


# result


def result_sentence(decision: Decision) -> str:
    """The result in one sentence."""
    count = count_votes(decision)
    match decision.state:
        case S.DECIDED:
            return (
                f"Decided: {option_text(decision, decision.outcome)} {_decided_by_text(decision, count)}".strip() + "."
            )
        case S.UNDECIDED | S.EXPIRED:
            how = "Not decided" if decision.state is S.UNDECIDED else "Time is over"
            return f"{how}: {_undecided_reason(decision, count)}."
        case S.CANCELLED:
            return f"Cancelled by {decision.by}."
    last = decision.answers[-1]
    chosen = f" {option_text(decision, decision.outcome)}" if decision.outcome not in ("", YES, NO) else ""
    return f"{str(decision.state).capitalize()} by {last.by}:{chosen}".rstrip(":") + "."


def _decided_by_text(decision: Decision, count: VoteCount) -> str:
    if parse_rule(decision.rule).kind is VotingRuleKind.FIRST:
        (name,) = list(count.votes)[:1]
        return f"by {name}"
    weight = dict(count.weights)[decision.outcome]
    return f"by {weight} of {count.whole} ({decision.rule})" + _missing_votes_text(count)


def _missing_votes_text(count: VoteCount) -> str:
    return f"; {', '.join(count.missing)} did not vote" if count.missing else ""


def _undecided_reason(decision: Decision, count: VoteCount) -> str:
    if not count.weights:
        return "nobody answered"
    stands = ", ".join(f"{option_text(decision, key)} {weight}" for key, weight in count.weights)
    tied = len(count.weights) > 1 and count.weights[0][1] == count.weights[1][1]
    what = (
        "it is a tie" if tied and parse_rule(decision.rule).kind is VotingRuleKind.MAJORITY else f"no {decision.rule}"
    )
    return f"{what} ({stands} of {count.whole})" + _missing_votes_text(count)


def result_announcement(decision: Decision) -> str:
    """The result as announced in the room: the outcome, and each member's answer."""
    lines = [f"{decision.result} {decision.id}: {shorten_to_line(decision.question)}"]
    return "\n".join([*lines, *(f"- {_answer_line(decision, one)}" for one in _last_answers(decision))])


def _last_answers(decision: Decision) -> list[Given]:
    count = count_votes(decision)
    later = [one for one in decision.answers if one.kind in (AnswerKind.COMPLETE, AnswerKind.DISPUTE)]
    return [*count.votes.values(), *later]


def _answer_line(decision: Decision, one: Given) -> str:
    if not decision.options and len(shorten_to_line(one.choice)) < len(one.choice.strip()):
        return "\n  | ".join([f"{one.by}:", *printable_lines(one.choice.strip())])
    what = option_text(decision, one.choice) if one.choice else str(one.kind)
    weight = weight_of(decision, one.by)
    weighs = f" (weighs {weight})" if weight != 1 else ""
    return f"{one.by}{weighs}: {shorten_to_line(what)}" + (
        f", because {shorten_to_line(one.reason)}" if one.reason else ""
    )
