"""What is known of an agent and its turn: evidence with source and time, facts of a turn, tokens used. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EvidenceSource(StrEnum):
    TITLE = "title"
    VENDOR = "vendor"
    STATUS = "status"
    NOTICE = "notice"
    BELL = "bell"
    MODE = "mode"
    SCREEN = "screen"
    HOOK = "hook"
    TRANSCRIPT = "transcript"
    KEYS = "keys"
    SILENCE = "silence"
    PROCESS = "process"


@dataclass(frozen=True)
class Evidence:
    source: EvidenceSource
    value: str
    at: float


class TurnFactKind(StrEnum):
    """What a hook or a transcript line says about a turn. ENDED: the last text of the model is its answer. REFUSED: the
    vendor refused a request, and the agent repeats it by itself, so the turn goes on."""

    PROMPT = "prompt"
    MODEL = "model"
    ANSWER = "answer"
    ENDED = "ended"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True)
class TurnFact:
    """`text` is the prompt or the answer. `turn` identifies the turn, if the vendor reports it."""

    kind: TurnFactKind
    text: str = ""
    turn: str = ""
    source: EvidenceSource = EvidenceSource.HOOK


@dataclass(frozen=True)
class TokenCost:
    """The tokens that a model call has used so far, by the vendor's id of the call. It may be reported again."""

    call: str
    tokens: int


@dataclass(frozen=True)
class ToolUse:
    """A call of one of the agent's tools: as it begins, or, with `ended`, after it was carried out. `paths` are the
    files that it names, as the agent writes them, and `folder` is where it works, if it says so. `written`: these files
    are changed now."""

    tool: str
    paths: tuple[str, ...] = ()
    ended: bool = False
    written: bool = False
    folder: str = ""
