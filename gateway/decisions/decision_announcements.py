"""Writes what members read of a decision: the question, its rule, and the result with each answer. Pure."""

from __future__ import annotations

from gateway.decisions.vote_count import VoteCount, VotingRuleKind, count_votes, parse_rule, weight_of
from gateway.decisions.votes_in_messages import NO, YES, YES_OR_NO, options_to_choose
from gateway.protocol.text import printable_text
from gateway.protocol.text.printable_text import printable_lines
from gateway.protocol.types import decision_types
from gateway.protocol.types.decision_types import AnswerKind, Decision, DecisionState, Given

S = DecisionState
MAX_SHOWN_CHARS = 300


def shorten_to_line(text: str, most: int = MAX_SHOWN_CHARS) -> str:
    """A member's text on one line, so that no part of it looks like a line of the gateway."""
    return printable_text.shorten_line(text, most)


def option_text(decision: Decision, key: str) -> str:
    return shorten_to_line(decision_types.option_words(decision, key))


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
        return f"{what}; answer with `/vote {decision.id} ...`"
    keys = "|".join(one.key for one in options_to_choose(decision))
    return f"{what}; answer with a line `VOTE {decision.id}: {keys} because ...`"


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
