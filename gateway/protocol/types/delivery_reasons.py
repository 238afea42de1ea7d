"""The reasons of delivery steps that code depends on, as values; on the wire they are texts.

Only this module turns such a text into a value. All other reasons are for people: no code depends on their words.
"""

from __future__ import annotations

from enum import Enum, StrEnum

from gateway.protocol.types.core_types import REFUSED_BY_PREFIX, SETTLED_BY_ANSWER, TAKEN_BY_ITSELF, Rung

_INTERRUPTED = "interrupted "
_REPLACED = "replaced by #"
_LIMITED_UNTIL = "limited until "
BEFORE_ANSWER = "before an answer"  # how a turn was interrupted, if it is unknown by whom


class HoldReason(StrEnum):
    """Why a message waits. The value is the text that the room sees."""

    BUSY = "busy"
    ASKING = "asking"
    UNKNOWN = "unknown"
    DRAFT = "draft"
    PAUSED = "paused"
    STARTING = "starting"
    LIMITED = "limited"  # on the wire `limited until 17:42`, where the end is known
    LOGIN = "login needed"
    TURN = "turn"
    OFFLINE = "offline"
    INTERRUPTING = "busy: interrupted for this message"
    SHELL = "unknown: another program reads the terminal"
    STALLED = "unknown: it was typed, and the agent shows nothing"
    FILES = "unknown: what came with it is too long to be typed, and cannot be written for the agent to read"
    JOURNAL = "unknown: its journal cannot be written, so nothing is typed that could be typed twice"
    TAKEN_BACK = "draft: a message of this prompt was taken back while it was typed"
    PERSON_TYPES = "a person was typing"
    PERSON_STOPS = "a person pressed Escape or Ctrl-C"
    NOT_TAKEN = "the terminal takes nothing more"
    SETTLING = "settling"
    UNTOLD = "the room is being told"
    NO_DRAFT = "no draft is kept"


_HOLD_BY_TEXT = {one.value: one for one in HoldReason}


class EndCause(Enum):
    """INTERRUPTED: a key ended the turn. REFUSED: a person's No to a question of the agent's did. BY_ITSELF: the member
    took the message, no sidecar typed it. BY_ANSWER: its reply came before any report. QUEUED_AGAIN: by a retry,
    or because a person lets agents go on."""

    INTERRUPTED = "interrupted"
    REFUSED = "refused"
    BY_ITSELF = "by itself"
    BY_ANSWER = "by answer"
    QUEUED_AGAIN = "queued again"
    OTHER = "other"


def cause_of(rung: Rung, reason: str) -> EndCause:
    match rung:
        case Rung.FAILED if reason.startswith(_INTERRUPTED):
            return EndCause.INTERRUPTED
        case Rung.FAILED if reason.startswith(REFUSED_BY_PREFIX):
            return EndCause.REFUSED
        case Rung.ACCEPTED if reason == TAKEN_BY_ITSELF:
            return EndCause.BY_ITSELF
        case Rung.ANSWERED if reason == SETTLED_BY_ANSWER:
            return EndCause.BY_ANSWER
        case Rung.QUEUED if reason:  # the first `queued` has no reason
            return EndCause.QUEUED_AGAIN
    return EndCause.OTHER


def hold_reason_of(reason: str) -> HoldReason | None:
    """None for a reason of an older or newer sidecar."""
    return HoldReason.LIMITED if reason.startswith(_LIMITED_UNTIL) else _HOLD_BY_TEXT.get(reason)


def interrupted_reason(how: str) -> str:
    """`how`: by whom or where, as in "by alice"."""
    return f"{_INTERRUPTED}{how}"


def refused_reason(name: str) -> str:
    return f"{REFUSED_BY_PREFIX}{name}"


def replaced_reason(number: int) -> str:
    """The reason of `cancelled` for a message in whose place its sender sent another one."""
    return f"{_REPLACED}{number}"
