"""The states of a dialog that the room is told of, with all transitions in one table. Pure.

A dialog begins here once it has been on the screen long enough to be announced. The same question asked again later is
another dialog.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from sidecar.approvals.questions.dialog_parser import Question


class DialogState(Enum):
    """What has become of an announced dialog.

    ANNOUNCING: the room is being told, and has given it no number yet. REJECTED: the gateway refused it, so nobody in
    the room can answer it. OPEN: the room knows it, and no answer is being given. ANSWERING: an answer was taken, but
    nothing was given to the agent yet. GIVEN: the key was pressed, or the hook got its decision, and the dialog may
    still be on the screen. ENDED: it is over, and the room is to be told how. OVER: nothing more happens to it.
    """

    ANNOUNCING = "announcing"
    REJECTED = "rejected"
    OPEN = "open"
    ANSWERING = "answering"
    GIVEN = "given"
    ENDED = "ended"
    OVER = "over"


class DialogEvent(Enum):
    """NUMBER: the room knows it, under this number. REJECT: the gateway refused to show it. TAKE: an answer from the
    room is taken. GIVE: the answer goes to the agent, by a key or by its hook. RELEASE: the answer cannot be given, so
    another one may come. END: it left the screen, or an answer found another one there. CLOSE: the room was told of
    its end, or never knew it."""

    NUMBER = "number"
    REJECT = "reject"
    TAKE = "take"
    GIVE = "give"
    RELEASE = "release"
    END = "end"
    CLOSE = "close"


NEXT: Mapping[DialogState, Mapping[DialogEvent, DialogState]] = {
    # An answer that comes before the number waits for it: it may be meant for an earlier dialog that looks the same.
    DialogState.ANNOUNCING: {
        DialogEvent.NUMBER: DialogState.OPEN,
        DialogEvent.REJECT: DialogState.REJECTED,
        DialogEvent.END: DialogState.ENDED,
    },
    # It is announced again when more of it can be read, and after each reconnection.
    DialogState.REJECTED: {DialogEvent.NUMBER: DialogState.OPEN, DialogEvent.END: DialogState.ENDED},
    DialogState.OPEN: {DialogEvent.TAKE: DialogState.ANSWERING, DialogEvent.END: DialogState.ENDED},
    DialogState.ANSWERING: {
        DialogEvent.GIVE: DialogState.GIVEN,
        DialogEvent.RELEASE: DialogState.OPEN,
        DialogEvent.END: DialogState.ENDED,
    },
    # The agent may have ignored the key, so another answer can follow.
    DialogState.GIVEN: {
        DialogEvent.TAKE: DialogState.ANSWERING,
        DialogEvent.RELEASE: DialogState.OPEN,
        DialogEvent.END: DialogState.ENDED,
    },
    DialogState.ENDED: {DialogEvent.CLOSE: DialogState.OVER},
    DialogState.OVER: {},
}
ANSWERED_STATES = (DialogState.ANSWERING, DialogState.GIVEN)


@dataclass(frozen=True)
class AnswerOrder:
    """An answer from the room. `number` and `digest` name the dialog it is for."""

    number: int
    digest: str
    answer: str
    by: str
    words: str = ""


@dataclass(frozen=True)
class RelayedDialog:
    """`count`: which dialog of this sidecar it is. `question`: as the room was told last; `columns`: the width of the
    terminal then. `number`: the room's number for it. `order`: the last answer taken. `given_at`, `how`: when and how
    it was given to the agent. `redrawn`: that answer has waited once for the agent to draw the dialog anew."""

    count: int
    question: Question
    columns: int = 0
    state: DialogState = DialogState.ANNOUNCING
    number: int | None = None
    order: AnswerOrder | None = None
    redrawn: bool = False
    given_at: float = 0.0
    how: str = ""

    def after(self, event: DialogEvent) -> RelayedDialog:
        """The dialog after this event. An event that the table does not name for this state changes no state."""
        return replace(self, state=NEXT[self.state].get(event, self.state))

    @property
    def is_being_answered(self) -> bool:
        return self.state in ANSWERED_STATES
