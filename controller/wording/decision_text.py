"""Decisions as text, for the chat and the shell. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from controller.chat_commands.mode_commands import split_names
from gateway.protocol.events import DecisionEvent, Message, SessionEvent
from gateway.protocol.text import printable_text
from gateway.protocol.text.printable_text import readable_content
from gateway.protocol.types.core_types import MemberKind, MessageKind, Option
from gateway.protocol.types.decision_types import AnswerKind, Decision, option_words

ANSWER_KINDS = {str(kind): kind for kind in AnswerKind if kind is not AnswerKind.VOTE}
ACCEPT_OR_REJECT = (Option("y", "Accept"), Option("n", "Reject"))
MAX_SHOWN_CHARS = 200
SELF_NAME = "me"


def split_kind_and_choice(word: str) -> tuple[AnswerKind, str]:
    """`accept`, `reject`, `complete` and `dispute` are actions; any other word is an option."""
    kind = ANSWER_KINDS.get(word.strip().lower(), AnswerKind.VOTE)
    return kind, word.strip() if kind is AnswerKind.VOTE else ""


def has_open_vote(decision: Decision, me: str, kind: MemberKind) -> bool:
    """Whether this member can vote and has not voted."""
    if not decision.pending or any(one.by == me for one in decision.answers):
        return False
    return me in decision.voters or (decision.people and kind is MemberKind.HUMAN)


@dataclass(frozen=True)
class DecisionCard:
    """An open decision that this person may answer. Its keys: 1, 2, 3, or an option's own single character."""

    decision: Decision
    mine: bool = True

    @property
    def number(self) -> int:
        return self.decision.number

    @property
    def member(self) -> str:
        return self.decision.by

    @property
    def timestamp(self) -> str:
        return self.decision.at

    @property
    def outcome(self) -> str:
        """The result, once the decision is closed."""
        return self.decision.result or "answered; the others' votes are missing"

    @property
    def open(self) -> bool:
        return self.mine and self.decision.pending

    @property
    def choices(self) -> tuple[Option, ...]:
        """The keys, and the option of each."""
        found = self.decision.options or (() if self.decision.rule != "recipient" else ACCEPT_OR_REJECT)
        if all(len(one.key) == 1 for one in found):
            return tuple(Option(one.key.lower(), one.text) for one in found)
        return tuple(Option(str(at), one.text) for at, one in enumerate(found, 1)) if len(found) < 10 else ()

    def answer_for(self, key: str) -> str | None:
        place = next((at for at, one in enumerate(self.choices) if one.key == key.lower()), None)
        if place is None:
            return None
        if not self.decision.options:
            return ("accept", "reject")[place]
        return self.decision.options[place].key


@dataclass(frozen=True)
class ParsedProposal:
    """A proposal as a person types it. One name: proposed to that member alone. Several: these vote."""

    names: tuple[str, ...]
    question: str
    options: tuple[str, ...]

    @property
    def to(self) -> str | None:
        return self.names[0] if len(self.names) == 1 else None

    @property
    def voters(self) -> tuple[str, ...]:
        return self.names if len(self.names) > 1 else ()


def parse_proposal(text: str, me: str) -> ParsedProposal:
    """`@ada @me question | option | option`."""
    names: dict[str, None] = {}
    rest = text.strip()
    while rest.startswith("@"):
        word, _, rest = rest.partition(" ")
        rest = rest.lstrip()
        names |= {(me if name == SELF_NAME else name): None for name in split_names(word.lower())}
    question, *options = (part.strip() for part in rest.split("|"))
    return ParsedProposal(tuple(names), question, tuple(options))


def tally_line(decision: Decision) -> str:
    """How an open vote stands; empty for a proposal to one."""
    if not decision.pending or decision.rule == "recipient":
        return ""
    votes = {one.by: one.choice for one in decision.answers if one.choice}
    counts: dict[str, int] = {}
    for by, choice in votes.items():
        counts[choice] = counts.get(choice, 0) + decision.weights.get(by, 1)
    leading = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    said = [f"{shorten_text_to_line(option_words(decision, choice), 40)} {count}" for choice, count in leading]
    missing = [name for name in decision.voters if name not in votes]
    voted = f"{len(votes)} of {len(decision.voters)} voted" if decision.voters else f"{len(votes)} voted"
    waits = [f"to vote: {', '.join(missing)}"] if missing else []
    return " · ".join([f"{voted}{': ' if said else ''}{', '.join(said)}", *waits])


_ANSWER_SYNTAX = re.compile(r"\n\[(d-\d+): (.*); answer with [^\n]*\]\s*$")


def text_for_people(message: Message) -> str:
    """The text of a message. Of a question that is put to a room, the syntax of the answer is for programs."""
    match = _ANSWER_SYNTAX.search(message.content) if message.kind is MessageKind.TASK else None
    return f"{message.content[: match.start()]}\n({match[1]}: {match[2]})" if match else readable_content(message)


def shorten_text_to_line(text: str, most: int = MAX_SHOWN_CHARS) -> str:
    return printable_text.shorten_line(text, most)


def event_line(event: DecisionEvent | SessionEvent) -> str:
    """The latest change in one line."""
    if isinstance(event, SessionEvent):
        goal = f": {shorten_text_to_line(event.session.goal)}" if event.session.goal else ""
        return f"session {event.session.name}: {event.action} by {event.by}{goal}"
    one, given = event.decision, event.answer
    if given is not None:
        what = shorten_text_to_line(option_words(one, given.choice) if given.choice else str(given.kind))
        return f"{given.by} answers {one.id}: {what}" + (
            f", because {shorten_text_to_line(given.reason)}" if given.reason else ""
        )
    state = "open" if one.pending else one.state
    return f"{one.id} of {one.by} is {state}: {one.result or shorten_text_to_line(one.question)}"


def decision_headline(decision: Decision) -> str:
    """`d-12 of alice, majority of ada and ben, pending`"""
    who = "the people" if decision.people else ", ".join(decision.voters)
    until = f" until {decision.expires[11:19]}Z" if decision.pending and decision.expires else ""
    return f"{decision.id} of {decision.by}: {decision.rule} of {who}, {decision.state}{until}"


def decision_lines(decision: Decision) -> list[str]:
    """The whole decision."""
    lines = [decision_headline(decision), f"  {shorten_text_to_line(decision.question)}"]
    lines += [f"  {one.key}) {shorten_text_to_line(one.text)}" for one in decision.options if one.key != one.text]
    plain = [one.key for one in decision.options if one.key == one.text]
    lines += [f"  options: {', '.join(plain)}"] if plain else []
    for one in decision.answers:
        what = shorten_text_to_line(option_words(decision, one.choice) if one.choice else str(one.kind))
        lines.append(f"  - {one.by}: {what}" + (f", because {shorten_text_to_line(one.reason)}" if one.reason else ""))
    missing = [name for name in decision.voters if all(one.by != name for one in decision.answers)]
    if decision.pending and missing:
        lines.append(f"  waits for {', '.join(missing)}")
    return [*lines, f"  {decision.result}"] if decision.result else lines
