"""What a sidecar reports to its supervisor before it ends, and how its next run continues the agent's conversation.

Only this module turns the text on the link into a value. It uses the standard library alone, as the supervisor does.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class ExitKind(Enum):
    """ENDED: the agent ended by itself or was asked to. DIED: it crashed. REFUSED: the screen shows why it cannot
    start. AFRESH: it did not resume its earlier conversation. ORDERED: somebody ordered a restart. UNREADABLE: the
    sidecar said something else."""

    ENDED = "ended"
    DIED = "died"
    REFUSED = "refused"
    AFRESH = "afresh"
    ORDERED = "ordered"
    UNREADABLE = ""


class ConversationChoice(Enum):
    """The agent's conversation in the next run. NONE: nothing is said about it."""

    NONE = ""
    RESUME = "resume"
    AFRESH = "afresh"


WITH_STATUS = (ExitKind.ENDED, ExitKind.DIED)


class ExitReport(NamedTuple):
    """`status` is the agent's exit status, if it ran."""

    kind: ExitKind
    status: int = 0

    @property
    def is_of_agent(self) -> bool:
        """Whether it says how the agent ended."""
        return self.kind in WITH_STATUS

    def line(self) -> str:
        return f"{self.kind.value} {self.status}" if self.is_of_agent else self.kind.value


def parse_exit_report(text: str) -> ExitReport | None:
    """None if the sidecar said nothing, because it was killed or failed."""
    if not text:
        return None
    word, _, number = text.partition(" ")
    kind = next((one for one in ExitKind if one.value == word), ExitKind.UNREADABLE)
    if kind in WITH_STATUS:
        return ExitReport(kind, int(number)) if number.isdecimal() else ExitReport(ExitKind.UNREADABLE)
    return ExitReport(kind)


def parse_conversation_choice(text: str) -> ConversationChoice:
    return next((one for one in ConversationChoice if one.value == text), ConversationChoice.NONE)
