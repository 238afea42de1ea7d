"""The reasons of a delivery's steps by which something is decided, as values; on the wire they are texts.

Here alone a text becomes a value. Every other reason is for people: nothing hangs on its words.
"""

from __future__ import annotations

from enum import Enum, StrEnum

from gateway.protocol.types import BY_ANSWER, BY_ITSELF, REFUSED_BY, Rung

_INTERRUPTED = "interrupted "
BEFORE_ANSWER = "before an answer"  # how a turn was interrupted, where nobody knows by whom


class Held(StrEnum):
    """Why a message waits. The value is what the room hears."""

    BUSY = "busy"
    ASKING = "asking"
    UNKNOWN = "unknown"
    DRAFT = "draft"
    PAUSED = "paused"
    STARTING = "starting"
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


_HELD = {one.value: one for one in Held}


class Cause(Enum):
    """INTERRUPTED: a key ended the turn. REFUSED: a person's No to a question of the agent's did. BY_ITSELF: the member
    took the message, no sidecar typed it. BY_ANSWER: its reply came before any report. QUEUED_AGAIN: by a retry,
    or because a person lets agents go on."""

    INTERRUPTED = "interrupted"
    REFUSED = "refused"
    BY_ITSELF = "by itself"
    BY_ANSWER = "by answer"
    QUEUED_AGAIN = "queued again"
    OTHER = "other"


def cause_of(rung: Rung, reason: str) -> Cause:
    match rung:
        case Rung.FAILED if reason.startswith(_INTERRUPTED):
            return Cause.INTERRUPTED
        case Rung.FAILED if reason.startswith(REFUSED_BY):
            return Cause.REFUSED
        case Rung.ACCEPTED if reason == BY_ITSELF:
            return Cause.BY_ITSELF
        case Rung.ANSWERED if reason == BY_ANSWER:
            return Cause.BY_ANSWER
        case Rung.QUEUED if reason:  # the first time has none
            return Cause.QUEUED_AGAIN
    return Cause.OTHER


def held_by(reason: str) -> Held | None:
    """None for a reason that an older or newer sidecar gave."""
    return _HELD.get(reason)


def interrupted(how: str) -> str:
    """`how`: by whom or where, as in "by alice"."""
    return f"{_INTERRUPTED}{how}"


def refused_by(name: str) -> str:
    return f"{REFUSED_BY}{name}"
