"""What goes into the rules of `approval_rules` and what comes out of them, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from gateway.protocol.types.core_types import AskState
from sidecar.approvals.dialog_states import AnswerOrder
from sidecar.approvals.questions.dialog_parser import Question


@dataclass(frozen=True)
class AnnounceDialog:
    """Tell the room that this dialog waits. `reason`: why it is told again."""

    dialog: int
    question: Question
    reason: str = ""


@dataclass(frozen=True)
class WithdrawDialog:
    """Tell the room that this dialog is over."""

    dialog: int
    state: AskState
    reason: str = ""


@dataclass(frozen=True)
class WithdrawForgotten:
    """Tell the room that an ask of an earlier run is over. `number` is the room's."""

    number: int


@dataclass(frozen=True)
class AwaitDialog:
    """Wait a moment until the screen shows the dialog with this answer again: its agent may be drawing it anew."""

    order: AnswerOrder


@dataclass(frozen=True)
class DecideHook:
    """Give the answer to the hook that waits for it."""

    order: AnswerOrder
    allow: bool


@dataclass(frozen=True)
class PressKey:
    """`once`: the same key is not pressed again, whatever the screen shows afterwards."""

    order: AnswerOrder
    key: bytes
    once: bool = False


ReportEffect = AnnounceDialog | WithdrawDialog | WithdrawForgotten
AnswerEffect = AwaitDialog | DecideHook | PressKey
ApprovalEffect = ReportEffect | AnswerEffect


class PressResult(StrEnum):
    """The result of a press, of a hook's decision, or of a wait for the dialog. STANDS: the screen shows it. CHANGED:
    the screen does not show it with this answer. GONE: it is over. PERSON: a person types at the terminal."""

    GONE = "gone"
    STANDS = "stands"
    CHANGED = "changed"
    PERSON = "person"


class OrderVerdict(Enum):
    """WAIT: the room is still being told of the dialog, so nobody knows whether the order is for it. TAKE: it is for
    the dialog that is announced. DROP: it is for another one."""

    WAIT = "wait"
    TAKE = "take"
    DROP = "drop"


@dataclass(frozen=True)
class DialogSighting:
    """What one look shows: the question, how long ago a person pressed a key, and how wide the terminal is."""

    question: Question | None
    since_key: float = float("inf")
    columns: int = 0

    def shows(self, digest: str) -> bool:
        return self.question is not None and self.question.digest == digest
