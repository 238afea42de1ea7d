"""What the agent's model received and answered, by the record of the model server (for the demo agent, by its
transcript). All verdicts rest on it."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol

from benchmarks.delivery_cast import QUICK, Manner, Player
from benchmarks.delivery_texts import UNICODE, WORDS
from tests.fakes.models.aider_chat import in_words
from tests.fakes.models.model import Model, Seen
from tests.fakes.models.script import Kind, Reply

ENVELOPE = re.compile(r"^[ \t]*\[[^\[\]\n]{1,200} -> [^\[\]\n]{1,200} #(\d{1,18})\]", re.MULTILINE)
_WRAPPED = re.compile(r"<pasted_content[^>\n]*>\n?|\n?</pasted_content[^>\n]*>")
EPOCH = time.time() - time.monotonic()


@dataclass(frozen=True)
class Heard:
    """A message as it came to the model: `text` with its envelope; `at` in wall time."""

    number: int
    text: str
    at: float


@dataclass
class Told:
    """One final answer to these numbers: `ended` when its last byte was written, in wall time."""

    numbers: tuple[int, ...]
    text: str
    ended: float | None = None
    cut: bool = False


@dataclass
class Truth:
    heard: list[Heard] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)
    aborted: list[float] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    requests: int = 0

    def of(self, number: int) -> list[Heard]:
        return [one for one in self.heard if one.number == number]

    def answers_to(self, number: int) -> list[Told]:
        return [one for one in self.told if number in one.numbers and one.ended is not None and not one.cut]


def parts_of(prompt: str) -> Iterator[tuple[int, str]]:
    """Each message in a prompt with its number, unchanged, but without a vendor's wrapper around a long paste."""
    text = _WRAPPED.sub("", prompt)
    starts = [(match.start(), int(match[1])) for match in ENVELOPE.finditer(text)]
    ends = [*(start for start, _ in starts[1:]), len(text)]
    for (start, number), end in zip(starts, ends, strict=False):
        yield number, text[start:end].strip()


class Oracle(Protocol):
    truth: Truth

    def expect(self, content: str, manner: Manner) -> None: ...

    def look(self) -> Truth: ...


class ModelOracle:
    """Chooses a model's answers and records all requests. `seed` makes the answers different and repeatable."""

    def __init__(self, player: Player, command: str, seed: int) -> None:
        self.truth = Truth()
        self._player, self._command = player, command
        self._chance = Random(seed)
        self._manners: dict[str, Manner] = {}
        self._before: Counter[int] = Counter()
        self._open: tuple[int, ...] = ()
        self._tries: Counter[str] = Counter()
        self._pending: list[tuple[Seen, Told | None]] = []
        self.model: Model

    def expect(self, content: str, manner: Manner) -> None:
        """Found by its unique word, because the number is not known before it is sent."""
        if word := _word(content):
            self._manners[word] = manner

    def look(self) -> Truth:
        """What has ended since."""
        rest = []
        for seen, told in self._pending:
            if seen.cut:
                self.truth.aborted.append(seen.at + EPOCH)
                if told:
                    told.cut = True
            elif seen.finished_at is None:
                rest.append((seen, told))
            elif told:
                told.ended = seen.finished_at + EPOCH
        self._pending = rest
        return self.truth

    def choose(self, seen: Seen) -> Reply:
        self.truth.requests += 1
        self._note(seen)
        last = seen.asked.texts[-1] if seen.asked.texts else ""
        if seen.asked.kind is Kind.CONTINUATION:
            return self._answer(seen, Manner())
        numbers = tuple(number for number, _ in parts_of(last))
        self._open = numbers
        manner = self._manner(last)
        tries, self._tries[last] = self._tries[last], self._tries[last] + 1
        if manner.hopeless or tries < len(manner.failures):
            self._pending.append((seen, None))
            return Reply(status=manner.hopeless or manner.failures[tries], silence=manner.silence)
        if manner.tool:
            return self._call(seen, manner)
        return self._answer(seen, manner)

    def _call(self, seen: Seen, manner: Manner) -> Reply:
        """Where the turn ends with the tool, its call is the answer."""
        reply = Reply("Let me see.", tool=self._player.tool(self._command_for(manner)))
        told = None
        if self._player.cli and not self._player.cli.continues:
            told = Told(self._open, in_words(reply).text.strip())
            self.truth.told.append(told)
        self._pending.append((seen, told))
        return reply

    def _command_for(self, manner: Manner) -> str:
        return f"{self._command}; sleep {manner.tool_seconds:g}" if manner.tool_seconds else self._command

    def _manner(self, text: str) -> Manner:
        found = [self._manners[word] for word in _words(text) if word in self._manners]
        return max(found, key=lambda one: (one.hopeless, one.tool, one.failures, one.seconds), default=QUICK)

    def _answer(self, seen: Seen, manner: Manner) -> Reply:
        told = Told(self._open, self._words())
        self.truth.told.append(told)
        self._pending.append((seen, told))
        return Reply(told.text, seconds=manner.seconds, silence=manner.silence)

    def _words(self) -> str:
        """A unique answer of several chunks and lines, not only ASCII, that names the numbers it answers."""
        numbers = " ".join(f"#{number}" for number in self._open) or "nothing"
        some = self._chance.choices([*WORDS, *UNICODE], k=self._chance.randint(4, 25))
        lines = [
            " ".join(some),
            f"- for {numbers}: `code {self._chance.getrandbits(32):08x}`",
            "```\n\tindented\n```",
            "Done.",
        ]
        return "\n".join(lines[: self._chance.randint(2, 4)])

    def _note(self, seen: Seen) -> None:
        """A number is new if the latest part holds one more of it than the request before. A repeated request, or a
        shortened or restored history, holds nothing new."""
        now = Counter(number for text in seen.asked.spoken for number, _ in parts_of(text))
        recent = seen.asked.texts or seen.asked.spoken[-1:]
        fresh: Counter[int] = Counter()
        for text in recent:
            parts = list(parts_of(text))
            for number, part in parts:
                fresh[number] += 1
                if now[number] - self._before[number] >= fresh[number]:
                    self.truth.heard.append(Heard(number, part, seen.at + EPOCH))
            if seen.asked.texts and not parts and not seen.retry:
                self.truth.by_hand.append(text)
        self._before = now


def _words(text: str) -> list[str]:
    return re.findall(r"\bw[0-9a-f]{10}\b", text)


def _word(text: str) -> str | None:
    found = _words(text)
    return found[0] if found else None


class DemoOracle:
    """The demo agent's transcripts, one for each conversation; they outlive it."""

    def __init__(self, folder: Path) -> None:
        self.truth = Truth()
        self._folder = folder
        self._read: Counter[Path] = Counter()
        self._open: tuple[int, ...] = ()

    def expect(self, content: str, manner: Manner) -> None:
        """Its instruction is in the message."""

    def look(self) -> Truth:
        for path in self._folder.glob("demo-*.jsonl"):
            whole = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
            for line in whole[self._read[path] :]:
                self._entry(json.loads(line))
            self._read[path] = len(whole)
        return self.truth

    def _entry(self, entry: Mapping[str, object]) -> None:
        text, at = str(entry.get("text") or ""), float(str(entry["at"]))
        match entry["type"]:
            case "user":
                parts = list(parts_of(text))
                self._open = tuple(number for number, _ in parts)
                self.truth.requests += 1
                self.truth.heard += [Heard(number, part, at) for number, part in parts]
                self.truth.by_hand += [] if parts else [text]
            case "assistant":
                self.truth.told.append(Told(self._open, text, at))
            case "interrupted":
                self.truth.aborted.append(at)
            case "command":
                self.truth.commands.append(text)
