"""Decisions as text: the answers that stand in messages, how one is asked for, how its end is told. Pure.

Understood at the beginning of a line, outside code fences: `VOTE: B`, `VOTE: B because ...`, `VOTE d-812: B`,
`[LGTM]` and `[CONTINUE]` with a reason behind them. The last such line of a message about a decision counts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.decisions.vote_count import Count, RuleKind, counted, rule_of, weight_of
from gateway.protocol import decision_nouns
from gateway.protocol.decision_nouns import AnswerKind, Decision, DecisionState, Given
from gateway.protocol.text import printable_text
from gateway.protocol.text.code_fences import outside_code
from gateway.protocol.text.printable_text import lines_of
from gateway.protocol.types import Option

S = DecisionState

YES, NO = "yes", "no"
YES_OR_NO = (Option(YES, "Yes"), Option(NO, "No"))
MEANS_YES = ("yes", "lgtm", "accept", "approve", "agree")
MEANS_NO = ("no", "continue", "reject", "disagree")
SHOWN = 300

_VOTE = re.compile(r"(?:\*\*)?VOTE(?:[ \t]+([\w.-]+))?(?:\*\*)?[ \t]*:(?:\*\*)?[ \t]*(\S.*)")
_TAG = re.compile(r"(?:\*\*)?\[(LGTM|CONTINUE)\](?:\*\*)?[ \t]*(.*)")
_BECAUSE = re.compile(r"(?:[,;:.–—-]\s{0,4})?(?:because\b[:,]?|since\b|[–—]|-(?=\s)|:|\()", re.IGNORECASE)
MOST_CUTS = 50  # places in an answer where its reason may begin


@dataclass(frozen=True)
class Spoken:
    """What stands in a message: for which decision, if it says so, and the words of the answer."""

    words: str
    decision: str = ""
    tag: bool = False


def spoken(text: str) -> Iterator[Spoken]:
    for line in outside_code(text.split("\n")):
        if match := _VOTE.match(line):
            yield Spoken(match[2].strip(), match[1] or "")
        elif match := _TAG.match(line):
            yield Spoken(f"{match[1].lower()} {match[2]}".strip(), tag=True)


def understood(decision: Decision, said: Spoken) -> tuple[str, str] | None:
    """The choice and the reason, if it is an answer to this decision."""
    if said.tag:
        tag, _, rest = said.words.partition(" ")
        choice = option_of(choices_of(decision), tag)
        return None if choice is None else (choice, rest.strip(" ,;:.–—-"))
    whole, options = said.words.rstrip("* "), choices_of(decision)
    if not options:
        return whole, ""
    for word, rest in ((whole.rstrip("."), ""), *_cut(whole)):
        if (choice := option_of(options, word)) is not None:
            return choice, rest
    return None


def _cut(words: str) -> Iterator[tuple[str, str]]:
    """The choice may have several words: it ends where a reason begins, or after the first word."""
    for match in itertools.islice(_BECAUSE.finditer(words), MOST_CUTS):
        yield words[: match.start()], words[match.end() :].strip().removesuffix(")")
    first, _, rest = words.partition(" ")
    yield first.strip("*.,;:()"), rest.strip()


def choices_of(decision: Decision) -> tuple[Option, ...]:
    """What can be answered in words: of a plain proposal, yes or no."""
    plain = not decision.options and rule_of(decision.rule).kind is RuleKind.RECIPIENT
    return YES_OR_NO if plain else decision.options


def option_of(options: Sequence[Option], word: str) -> str | None:
    """The key of the option that somebody means: by its key, its words, or by a word for yes or no."""
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


def short(text: str, most: int = SHOWN) -> str:
    """One line of what somebody wrote, so that nothing in it passes for a line of ours."""
    return printable_text.short(text, most)


def option_words(decision: Decision, key: str) -> str:
    return short(decision_nouns.option_words(decision, key))


# asking


def asking(decision: Decision) -> str:
    """The message that asks for it."""
    lines = [decision.question]
    said_below = decision.options == YES_OR_NO or all(one.key == one.text for one in decision.options)
    lines += [] if said_below else [f"{one.key}) {one.text}" for one in decision.options]
    lines.append(f"[{_how(decision)}]")
    return "\n".join(lines)


def _how(decision: Decision) -> str:
    who = "the people here" if decision.people else ", ".join(decision.voters)
    until = f" until {decision.expires[:19]}Z" if decision.expires else ""
    what = f"{decision.id}: {rule_words(decision)} {who}{until}"
    if not choices_of(decision):
        return f"{what}; `/vote {decision.id} ...` answers it"
    keys = "|".join(one.key for one in choices_of(decision))
    return f"{what}; a line `VOTE {decision.id}: {keys} because ...` answers it"


def rule_words(decision: Decision) -> str:
    rule = rule_of(decision.rule)
    match rule.kind:
        case RuleKind.RECIPIENT:
            return "to be accepted or rejected by"
        case RuleKind.FIRST:
            return "the first answer of"
        case RuleKind.QUORUM:
            return f"at least {rule.part}/{rule.whole} of"
        case RuleKind.UNANIMOUS:
            return "all of"
    return "the majority of"


# telling


def result_of(decision: Decision) -> str:
    """How it ended, in one sentence."""
    count = counted(decision)
    match decision.state:
        case S.DECIDED:
            return f"Decided: {option_words(decision, decision.outcome)} {_by(decision, count)}".strip() + "."
        case S.UNDECIDED | S.EXPIRED:
            return f"{'Not decided' if decision.state is S.UNDECIDED else 'Time is over'}: {_why_not(decision, count)}."
        case S.CANCELLED:
            return f"Cancelled by {decision.by}."
    last = decision.answers[-1]
    chosen = f" {option_words(decision, decision.outcome)}" if decision.outcome not in ("", YES, NO) else ""
    return f"{str(decision.state).capitalize()} by {last.by}:{chosen}".rstrip(":") + "."


def _by(decision: Decision, count: Count) -> str:
    if rule_of(decision.rule).kind is RuleKind.FIRST:
        (name,) = list(count.votes)[:1]
        return f"by {name}"
    weight = dict(count.weights)[decision.outcome]
    return f"by {weight} of {count.whole} ({decision.rule})" + _left_out(count)


def _left_out(count: Count) -> str:
    return f"; {', '.join(count.missing)} did not vote" if count.missing else ""


def _why_not(decision: Decision, count: Count) -> str:
    if not count.weights:
        return "nobody answered"
    stands = ", ".join(f"{option_words(decision, key)} {weight}" for key, weight in count.weights)
    tied = len(count.weights) > 1 and count.weights[0][1] == count.weights[1][1]
    what = "it is a tie" if tied and rule_of(decision.rule).kind is RuleKind.MAJORITY else f"no {decision.rule}"
    return f"{what} ({stands} of {count.whole})" + _left_out(count)


def told(decision: Decision) -> str:
    """The result as it is said in the room: how it ended, and who said what."""
    lines = [f"{decision.result} {decision.id}: {short(decision.question)}"]
    return "\n".join([*lines, *(f"- {_answer(decision, one)}" for one in _last(decision))])


def _last(decision: Decision) -> list[Given]:
    count = counted(decision)
    later = [one for one in decision.answers if one.kind in (AnswerKind.COMPLETE, AnswerKind.DISPUTE)]
    return [*count.votes.values(), *later]


def _answer(decision: Decision, one: Given) -> str:
    if not decision.options and len(short(one.choice)) < len(one.choice.strip()):
        return "\n  | ".join([f"{one.by}:", *lines_of(one.choice.strip())])
    what = option_words(decision, one.choice) if one.choice else str(one.kind)
    weight = weight_of(decision, one.by)
    weighs = f" (weighs {weight})" if weight != 1 else ""
    return f"{one.by}{weighs}: {short(what)}" + (f", because {short(one.reason)}" if one.reason else "")
