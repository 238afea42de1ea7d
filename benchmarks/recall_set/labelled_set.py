"""Builds the rooms of the labelled set, the same on every run: excerpts of plays and novels, and a software team."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
ANSWERS, HELPS = 2, 1
PEOPLE = ("ines", "jonas", "kemal", "lena", "mira", "noel", "olga", "piet")
BOT = "watchbot"
TEAM_ROOMS = ("payments", "platform", "search", "mobile")
TIMES_OF_EACH_FACT = 4  # with other names and figures
CHATTER_BETWEEN = 7  # lines between two facts, on average
CHATTER_IN_A_FACT = 2  # lines between two lines of a fact, on average
SEEDS = {"tuning": 11, "held_out": 23}
NAMES = {
    "tuning": ("am be ca do fi gu ha".split(), "lon rax tis mer vok del".split()),  # noqa: SIM905
    "held_out": ("qui so ter ul vi wa zo".split(), "bix nar pel gost run dam".split()),  # noqa: SIM905
}


class Part(StrEnum):
    """Whether questions were looked at while the ranking was written, or only measured."""

    TUNING = "tuning"
    HELD_OUT = "held_out"


@dataclass(frozen=True)
class Said:
    """A message of the set. Its number is its place in the list of all messages, counted from 1."""

    number: int
    room: str
    author: str
    text: str
    reply_to: int | None = None


@dataclass(frozen=True)
class Question:
    """`grades`: how well each message answers it (2 answers it, 1 helps); all others do not."""

    part: Part
    kind: str
    text: str
    grades: dict[int, int]


@dataclass
class LabelledSet:
    messages: list[Said] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def say(self, room: str, author: str, text: str, reply_to: int | None = None) -> int:
        self.messages.append(Said(len(self.messages) + 1, room, author, text, reply_to))
        return len(self.messages)

    def of(self, part: Part) -> list[Question]:
        return [one for one in self.questions if one.part is part]


def build_labelled_set() -> LabelledSet:
    """Both parts lie in one log, so that the messages of each are in the way of the other's questions."""
    made = LabelledSet()
    facts = tomllib.loads((FOLDER / "facts.toml").read_text())
    for part in Part:
        team = _Team(made, part, facts["chatter"]["said"])
        team.add_facts([one for one in facts["fact"] if one["part"] == part])
    for room in tomllib.loads((FOLDER / "dialogues.toml").read_text())["room"]:
        _add_dialogue(made, room)
    return made


def _add_dialogue(made: LabelledSet, room: dict[str, Any]) -> None:
    numbers: dict[int, int] = {}
    for line, author, text, *answered in room["lines"]:
        numbers[line] = made.say(room["name"], author, text, numbers[answered[0]] if answered else None)
    for one in room["questions"]:
        grades = dict.fromkeys((numbers[line] for line in one.get("partly", ())), HELPS)
        grades |= dict.fromkeys((numbers[line] for line in one["answers"]), ANSWERS)
        made.questions.append(Question(Part(room["part"]), "dialogue", one["ask"], grades))


class _Team:
    """A software team of one part: facts in an order by chance, with chatter between them."""

    def __init__(self, made: LabelledSet, part: Part, chatter: list[str]) -> None:
        self._made, self._part, self._chatter = made, part, chatter
        self._chance = random.Random(SEEDS[part])
        self._names = _names(part)

    def add_facts(self, facts: list[dict[str, Any]]) -> None:
        many = [fact for fact in facts for _ in range(TIMES_OF_EACH_FACT)]
        self._chance.shuffle(many)
        for fact in many:
            self._add_fact(fact)

    def _add_fact(self, fact: dict[str, Any]) -> None:
        room = f"{self._chance.choice(TEAM_ROOMS)}-{self._part.replace('_', '-')}"
        people, filled, asked = self._draw_new(fact["ask"])
        numbers: list[int] = []
        grades: dict[int, int] = {}
        for who, text, grade, *answered in fact["said"]:
            reply_to = numbers[answered[0]] if answered else None
            for attempt in range(fact["times"] if who == "bot" else 1):
                said = text.format_map(filled | {"i": str(attempt + 1)})
                numbers.append(self._made.say(room, people.get(who, BOT), said, reply_to))
            if grade:
                grades[numbers[-1]] = grade
            self._add_chatter(room, filled, CHATTER_IN_A_FACT)
        self._add_chatter(room, self._values(), CHATTER_BETWEEN)
        self._made.questions.append(Question(self._part, fact["kind"], asked, grades))

    def _draw_new(self, ask: str) -> tuple[dict[str, str], dict[str, str], str]:
        """People and values with which this question has not been asked yet."""
        known = {one.text for one in self._made.questions}
        while True:
            people = dict(zip("abc", self._chance.sample(PEOPLE, 3), strict=True))
            filled = self._values() | people
            if (asked := ask.format_map(filled)) not in known:
                return people, filled, asked

    def _add_chatter(self, room: str, filled: dict[str, str], about: int) -> None:
        for _ in range(self._chance.randint(0, 2 * about)):
            text = self._chance.choice(self._chatter).format_map(filled)
            self._made.say(room, self._chance.choice(PEOPLE), text)

    def _values(self) -> dict[str, str]:
        few = self._chance.randint(11, 48)
        names = {slot: next(self._names) for slot in ("service", "host", "tool")}
        return names | {"n": str(few), "m": str(few + self._chance.randint(2, 40))}


def _names(part: Part) -> Iterator[str]:
    """Invented names. There are few, so that each belongs to several facts."""
    begins, ends = NAMES[part]
    every = [begin + end for begin in begins for end in ends]
    chance = random.Random(SEEDS[part] + 1)
    while True:
        chance.shuffle(every)
        yield from every
