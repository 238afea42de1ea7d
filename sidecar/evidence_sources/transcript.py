"""Reads the agent's transcript of the conversation while it grows."""

from __future__ import annotations

import contextlib
import json
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from sidecar.agents import Adapter
from sidecar.agents.adapter.adapter import HookQuestion
from sidecar.evidence.turn_evidence import TokenCost, ToolUse, TurnFact

END_MARK_BYTES = 64
MAX_PAST_BYTES = 4 << 20
MAX_REMEMBERED_IDS = 20_000
MAX_KEPT_USES = 100


class TranscriptTail:
    """New facts of a JSONL file, or of one document that is written anew for each entry. The file may not exist yet,
    may end in the middle of a line, and may be deleted, replaced or rewritten while it is used: no fact is lost, and
    none is reported twice. If the file is so long that its first facts were forgotten, facts that a new file repeats
    are not reported. A folder is read as one file: its JSONL files in the order of their names, of which the agent
    begins a new one now and then."""

    def __init__(self, agent: Adapter, path: Path | None, *, most: int = MAX_REMEMBERED_IDS) -> None:
        self._format = agent.transcript
        self._entries = agent.transcript.entries if agent.transcript else None
        self._file: BinaryIO | None = None
        self._most, self._spent = most, 0
        self._costs: OrderedDict[str, int] = OrderedDict()
        self._uses: list[ToolUse] = []
        self._asked = agent.approvals.asked if agent.approvals and agent.hooks is None else None
        self._questions: list[HookQuestion] = []
        self._forget()
        self._begin(path)

    def _forget(self) -> None:
        self._told: OrderedDict[int, int] = OrderedDict()
        self._often: OrderedDict[int, int] = OrderedDict()
        self._forgot = False

    def _begin(self, path: Path | None) -> None:
        """Read from the start of this file. Facts that were reported before are not reported again."""
        self.path = path
        self._begin_file(None)
        self._stamp: tuple[int, ...] = ()
        self._again = dict(self._often)

    def _begin_file(self, segment: Path | None) -> None:
        """`segment`: the one of a folder's files."""
        self.close()
        self._segment, self._offset, self._mark, self._rest = segment, 0, b"", b""

    def follow(self, path: Path | None, *, fresh: bool = False) -> None:
        """Follow this file from now on. Its present content belongs to the past, unless the file is fresh."""
        if path == self.path:
            return
        self._forget()
        self._begin(path)
        if not fresh:
            self._skip_past()

    def _skip_past(self) -> None:
        if self._entries is None:
            self._skip_most_lines()
        self.new()
        self._spent = 0
        self._uses.clear()
        self._questions.clear()

    def _skip_most_lines(self) -> None:
        if self._open() and self._file and (size := os.fstat(self._file.fileno()).st_size) > MAX_PAST_BYTES:
            self._offset = self._file.seek(size - END_MARK_BYTES)
            self._read_more()

    def new(self) -> list[TurnFact]:
        if self._entries is not None:
            return self._facts_of_document(self._entries)
        facts = self._new_in_file()
        while later := self._later_segment():
            facts += self._new_in_file()  # what was written before the agent began the later one
            self._begin_file(later)
            facts += self._new_in_file()
        return facts

    def _new_in_file(self) -> list[TurnFact]:
        facts: list[TurnFact] = []
        replaced = self._is_replaced()
        if replaced:
            facts = self._facts(self._read_more())
        if replaced or self._is_rewritten():
            self._begin(self.path)
            if self._forgot:
                self._facts(self._read_more())
        return facts + self._facts(self._read_more())

    @property
    def is_found(self) -> bool:
        """Whether there was a file at the path."""
        return self._file is not None or bool(self._stamp)

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    # The file

    def _open(self) -> bool:
        with contextlib.suppress(OSError):
            if (path := self._segment or self.path) and not self._file:
                self._file = path.open("rb")
        return self._file is not None

    def _later_segment(self) -> Path | None:
        """The folder's file after the one that is read now, or its first one."""
        if self.path is None or not self.path.is_dir():
            return None
        read = self._segment.name if self._segment else ""
        return min((one for one in self.path.glob("*.jsonl") if one.name > read), default=None)

    def _read_more(self) -> bytes:
        if not self._open() or self._file is None:
            return b""
        with contextlib.suppress(OSError):
            self._file.seek(self._offset)
            data = self._file.read()
            self._offset += len(data)
            self._mark = (self._mark + data)[-END_MARK_BYTES:]
            return data
        return b""

    def _is_replaced(self) -> bool:
        """Another file is at this path now. A deleted file may still be written by a process that has it open."""
        if (path := self._segment or self.path) is None or self._file is None:
            return False
        try:
            return not os.path.samestat(path.stat(), os.fstat(self._file.fileno()))
        except OSError:
            return False

    def _is_rewritten(self) -> bool:
        if self._file is None:
            return False
        self._file.seek(self._offset - len(self._mark))
        return self._file.read(len(self._mark)) != self._mark

    # Its facts

    def _facts_of_document(self, entries: Callable[[bytes], Sequence[Mapping[str, object]]]) -> list[TurnFact]:
        """A document that cannot be read yet, because it is only half written, is read again at the next call."""
        if self.path is None:
            return []
        try:
            status = self.path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            found = () if stamp == self._stamp else entries(self.path.read_bytes())
        except (OSError, ValueError):
            return []
        self._stamp = stamp
        new = [one for one in found if self._is_new(hash(one["id"]), named=True)]
        return [fact for one in new for fact in self._facts_of_entry(one)]

    def _facts(self, data: bytes) -> list[TurnFact]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [fact for line in lines for fact in self._news(line)]

    def spent(self) -> int:
        """Tokens used since the last call."""
        spent, self._spent = self._spent, 0
        return spent

    def uses(self) -> list[ToolUse]:
        """The calls of tools since the last call."""
        uses, self._uses = self._uses, []
        return uses

    def questions(self) -> list[HookQuestion]:
        """What an agent without hooks may have asked since the last call."""
        questions, self._questions = self._questions, []
        return questions

    def _count(self, cost: TokenCost) -> None:
        """A call that is reported again is counted only once."""
        before = self._costs.pop(cost.call, 0)
        self._costs[cost.call] = max(before, cost.tokens)
        self._spent += self._costs[cost.call] - before
        if len(self._costs) > self._most:
            self._costs.popitem(last=False)

    def _news(self, line: bytes) -> Iterator[TurnFact]:
        entry = _parse_entry(line)
        for fact in self._facts_of_entry(entry):
            name = entry.get("uuid") or entry.get("id")
            if self._is_new(hash((name, fact)), named=bool(name)):
                yield fact

    def _facts_of_entry(self, entry: Mapping[str, object]) -> Iterator[TurnFact]:
        if self._format is None:
            return
        if cost := self._format.cost(entry):
            self._count(cost)
        if use := self._format.tool(entry):
            self._uses = [*self._uses[-MAX_KEPT_USES:], use]
        if self._asked and (question := self._asked(entry)):
            self._questions = [*self._questions[-MAX_KEPT_USES:], question]
        if fact := self._format.line(entry):
            yield fact

    def _is_new(self, key: int, *, named: bool) -> bool:
        """An entry with an id may be written more than once. One without is new, unless the file began again."""
        if named:
            return self._remember(self._told, key) == 1
        if self._again.get(key, 0) > 0:
            self._again[key] -= 1
            return False
        self._remember(self._often, key)
        return True

    def _remember(self, facts: OrderedDict[int, int], key: int) -> int:
        """How often this entry was seen."""
        facts[key] = facts.get(key, 0) + 1
        if len(facts) > self._most:
            facts.popitem(last=False)
            self._forgot = True
        return facts[key]


def session_in(agent: Adapter, path: Path | None) -> str:
    """The vendor's id of the conversation in a file, if the file contains it."""
    return agent.transcript.session(path) if agent.transcript and path else ""


def read_facts(agent: Adapter, path: Path) -> list[TurnFact]:
    with contextlib.closing(TranscriptTail(agent, path)) as tail:
        return tail.new()


def _parse_entry(line: bytes) -> dict[str, object]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
