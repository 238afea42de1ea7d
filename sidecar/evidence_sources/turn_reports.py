"""What an agent's hooks and transcript have told so far, and what is missing where nothing proves a message.

Another release may call its hooks otherwise, or keep its transcripts in another folder."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sidecar.agents import Adapter
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.evidence_sources.transcript import TranscriptTail

MAX_REMEMBERED_HOOKS = 32
MAX_NAMED_HOOKS = 3
MAX_NAME_CHARS = 40
_NO_PART_OF_A_NAME = re.compile(r"[^A-Za-z0-9_.:-]+")
NEVER = float("-inf")


@dataclass(frozen=True)
class _HeardHook:
    name: str
    at: float


class TurnReports:
    """`tail` is the transcript as far as it is known."""

    def __init__(self, agent: Adapter, tail: TranscriptTail, now: Callable[[], float]) -> None:
        self._agent, self._tail, self._now = agent, tail, now
        self._hooks: deque[_HeardHook] = deque(maxlen=MAX_REMEMBERED_HOOKS)
        self._hook_count = 0
        self._prompt_told_at = self._written_at = NEVER

    def note_hook(self, signal: str) -> None:
        """`signal`: the hook as evidence, which begins with its name."""
        name = _NO_PART_OF_A_NAME.sub("", signal.partition(" ")[0])[:MAX_NAME_CHARS]
        self._hooks.append(_HeardHook(name or "without a name", self._now()))
        self._hook_count += 1

    def note_fact(self, fact: TurnFact) -> None:
        if fact.source is EvidenceSource.TRANSCRIPT:
            self._written_at = self._now()
        elif fact.kind is TurnFactKind.PROMPT and fact.text:
            self._prompt_told_at = self._now()

    def missing_proof(self, since: float) -> str:
        """Why nothing proves a message that was submitted then."""
        return "; ".join(filter(None, (self._missing_of_hooks(since), self._missing_of_transcript(since))))

    def _missing_of_hooks(self, since: float) -> str:
        if self._agent.hooks is None:
            return ""
        came = list(dict.fromkeys(one.name for one in self._hooks if one.at >= since))
        if not came:
            return "no hook of it has come" + (" since" if self._hooks else "")
        names = ", ".join(came[-MAX_NAMED_HOOKS:])
        return f"its hooks ({names}) tell of {'another' if self._prompt_told_at >= since else 'no'} prompt"

    def _missing_of_transcript(self, since: float) -> str:
        if self._agent.transcript is None:
            return ""
        if self._tail.path is None:
            return "no transcript of it was found"
        if not self._tail.is_found:
            return "its transcript is not where it was expected"
        return "its transcript shows " + ("other things" if self._written_at >= since else "nothing new that is known")

    def explain(self) -> dict[str, Any]:
        """As data: None for what this kind of agent does not have."""
        now, last = self._now(), self._hooks[-1] if self._hooks else None
        hooks = {
            "count": self._hook_count,
            "last": last.name if last else None,
            "age": round(now - last.at, 3) if last else None,
            "prompt_age": _age_s(now, self._prompt_told_at),
        }
        transcript = {
            "path": str(self._tail.path) if self._tail.path else None,
            "found": self._tail.is_found,
            "age": _age_s(now, self._written_at),
        }
        return {
            "hooks": hooks if self._agent.hooks else None,
            "transcript": transcript if self._agent.transcript else None,
        }


def _age_s(now: float, at: float) -> float | None:
    return round(now - at, 3) if at > NEVER else None
