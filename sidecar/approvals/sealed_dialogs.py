"""What the room is told of a dialog that an agent shows while it works on sealed messages, and which answers count.

The gateway gets keys of options, a box, and a digest that tells nothing of the text: an HMAC with a key of this run. It
is another one for each dialog, so a signed answer to one dialog fits no other one with the same text. An answer counts
only if somebody who can read the question has signed it for exactly this dialog: the gateway cannot approve by itself.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

import structlog
from msgspec import structs

from gateway.encryption.refusals import SealingRefused
from gateway.protocol.events import Control
from gateway.protocol.requests.approval_requests import OpenAsk
from sidecar.connection.sealing import NO_SEALING, Sealing
from sidecar.messages.sealed_turns import SealedPlace, SealedTurn

MAX_KEPT_DIALOGS = 100
WITHHELD_QUESTION_TEXT = (
    "It asks something about a sealed message, which only its own machine can show: answer in its terminal."
)
NOT_ANSWERED_TEXT = "nothing was pressed: {why}"
WITHHELD_ANSWER_TEXT = "this question is answered in its terminal alone"
WORDS_REFUSED_TEXT = "words would pass through the gateway in plain text. Deny it without words"
log = structlog.get_logger("sidecar.approvals.sealed_dialogs")


@dataclass(frozen=True)
class _SealedDialog:
    """`inner` is the digest of the text, `outer` what the room knows. `is_withheld`: its text could not be sealed."""

    place: SealedPlace
    inner: str = ""
    outer: str = ""
    is_withheld: bool = False


class SealedDialogs:
    def __init__(self, sealing: Sealing = NO_SEALING, sealed_turn: SealedTurn | None = None) -> None:
        self._sealing, self._sealed_turn = sealing, sealed_turn or SealedTurn()
        self._key = secrets.token_bytes(32)
        self._dialogs: dict[int, _SealedDialog] = {}

    def note_announced(self, dialog: int) -> None:
        """The dialog is to be announced. What was sealed once is never told in plain text afterwards."""
        place = self._sealed_turn.place
        if place is not None and dialog not in self._dialogs:
            self._dialogs[dialog] = _SealedDialog(place)
            for oldest in list(self._dialogs)[:-MAX_KEPT_DIALOGS]:
                del self._dialogs[oldest]

    async def sealed(self, dialog: int, ask: OpenAsk) -> OpenAsk:
        """The ask as it may leave this machine."""
        known = self._dialogs.get(dialog)
        if known is None:
            return ask
        outer = hmac.digest(self._key, f"{dialog} {ask.digest}".encode(), "sha256").hex()
        found = structs.replace(ask, digest=outer, words=False)
        try:
            found, is_withheld = await self._sealing.seal_ask(found, known.place), False
        except SealingRefused as error:
            log.warning("a question is not shown to the room", why=error.message)
            found, is_withheld = withheld_ask(found), True
        self._dialogs[dialog] = _SealedDialog(known.place, ask.digest, outer, is_withheld)
        return found

    def inner_digest(self, digest: str) -> str:
        """The digest by which this sidecar knows the dialog that the room knows by this one."""
        return next((one.inner for one in self._dialogs.values() if one.outer == digest), digest)

    async def why_no_answer(self, dialog: int, order: Control) -> str:
        """Why this answer to the dialog is not carried out; empty if it may be."""
        known = self._dialogs.get(dialog)
        if known is None:
            return ""
        if known.is_withheld:
            return NOT_ANSWERED_TEXT.format(why=WITHHELD_ANSWER_TEXT)
        if order.ask is not None and order.ask.said:
            return NOT_ANSWERED_TEXT.format(why=WORDS_REFUSED_TEXT)
        try:
            await self._sealing.check_answer(order, known.outer, known.place)
        except SealingRefused as error:
            return NOT_ANSWERED_TEXT.format(why=error.message)
        return ""


def withheld_ask(ask: OpenAsk) -> OpenAsk:
    """That there is a dialog, and nothing of it. Nobody can answer it from the room."""
    return OpenAsk(digest=ask.digest, question=WITHHELD_QUESTION_TEXT, reason=ask.reason, readable=False)
