"""Posts the agent's answers to the room as replies: decides which answer is posted, to whom, and only once.

The way of a final answer: `sidecar/agents/VENDOR.py` reads it from the hook that ends the turn,
`sidecar/runtime/turn_listener.py` passes it on, this module makes it the replies of the turn's messages
(`sidecar/prompt_typing/proof_rules.py: steps_from_fact` finds them), and `sidecar/connection/room_reporter.py` sends
them until the room has them. The texts are built in `sidecar/messages/replies.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Protocol

from gateway.protocol.events import Message
from sidecar.connection.room_reporter import RoomReporter
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from sidecar.messages.envelope import numbers_in
from sidecar.messages.inbox import InboxEntry, ReplyAudience, audience_of_answer
from sidecar.messages.plain_program_output import SayCommand
from sidecar.messages.replies import (
    WITHHELD_FOR_DIRECT_TEXT,
    WITHHELD_FOR_ROOM_TEXT,
    WITHHELD_FROM_ALL_TEXT,
    Reply,
    expects_no_answer,
    replies_from_answer,
    reply_without_request,
    withheld_reply,
)
from sidecar.messages.sealed_turns import SealedTurn, is_sealed
from sidecar.prompt_typing.proof_rules import DeliveryStep


class KnownRooms(Protocol):
    """What the sidecar knows of the rooms: `sidecar.runtime.room_members.RoomMembers`."""

    def names_in(self, room: str) -> Collection[str]:
        """Whom a line of an answer can address there."""

    def is_open(self, room: str) -> bool:
        """Whether everyone may read it."""


class ReplyPoster:
    """Posts the final answers of an agent in the room. `share` is what the room set with `/share`: post `all` answers,
    only `replies`, or `none`. `default_share` holds where the room set nothing."""

    def __init__(
        self, me: str, rooms: KnownRooms, reporter: RoomReporter, default_share: str, sealed_turn: SealedTurn
    ) -> None:
        self._me, self._rooms, self._reporter, self._sealed_turn = me, rooms, reporter, sealed_turn
        self.share = self.default_share = default_share
        self._last_words, self._is_asked, self._unreported_tokens = "", False, 0

    def count_tokens(self, tokens: int) -> None:
        """The next reply reports them."""
        self._unreported_tokens += tokens

    def post_answers(self, answered: Sequence[DeliveryStep], only: ReplyAudience | None = None) -> None:
        """Post one reply per audience for all its messages of this turn. The whole answer goes to one audience only,
        because it may contain what the others should not read: they learn only that there was an answer. `only`: post
        the reply of this audience alone. What was said in a turn with a sealed message is sealed, whoever gets it."""
        if self.share == "none":
            return
        sealed = any(is_sealed(one.entry.message) for one in answered)
        hearer = audience_of_answer([one.entry for one in answered], self._rooms.is_open)
        for audience in [only] if only else dict.fromkeys(one.entry.audience for one in answered):
            mine = [one for one in answered if one.entry.audience == audience]
            messages = sorted((one.entry.message for one in mine), key=lambda one: one.seq)
            if audience == hearer:
                self._post_answer(messages, mine[-1].text, sealed=sealed)
            else:
                self._post_withheld(messages, hearer)

    def _post_withheld(self, messages: Sequence[Message], hearer: ReplyAudience | None) -> None:
        text = WITHHELD_FOR_DIRECT_TEXT if hearer and hearer.sender else WITHHELD_FOR_ROOM_TEXT
        text = text if hearer else WITHHELD_FROM_ALL_TEXT
        if not expects_no_answer(messages[-1]):
            self._reporter.post_reply(withheld_reply(self._me, messages, text))

    def _post_answer(self, messages: Sequence[Message], answer: str, *, sealed: bool) -> None:
        for reply in replies_from_answer(self._me, messages, answer, self._rooms.names_in(messages[-1].room)):
            self._reporter.post_reply(replace(reply, tokens=self._unreported_tokens, sealed=sealed))
            self._unreported_tokens = 0

    def post_unasked_answer(self, fact: TurnFact, *, asked: bool) -> None:
        """With `/share all`, answers of turns that no message caused are posted, too. Both a hook and the transcript
        report the end of a turn, so an answer that was already posted, or that belongs to a message, is not posted
        again."""
        if fact.kind is TurnFactKind.PROMPT:
            self._last_words, self._is_asked = "", bool(numbers_in(fact.text))
        elif fact.kind is TurnFactKind.MODEL:
            self._last_words = fact.text or self._last_words
        else:
            text, is_ours = fact.text or self._last_words, self._is_asked or asked
            self._last_words = ""
            if fact.kind in (TurnFactKind.ANSWER, TurnFactKind.ENDED) and not is_ours and self.share == "all":
                self._post_unasked(text, fact.turn)

    def _post_unasked(self, text: str, turn: str) -> None:
        """It would go to everyone, so it is not posted while the agent may speak of what was sealed."""
        if self._sealed_turn.place is None and (reply := reply_without_request(self._me, text, turn)) is not None:
            self._reporter.post_reply(reply)

    def post_lines(self, lines: Sequence[SayCommand], last: InboxEntry) -> None:
        """Post what a plain program says with commands in its output; `last` is the message that it answers."""
        for at, one in enumerate(lines):
            to = (f"@{one.to}",) if one.to else ()
            key = f"said-{self._me}-{last.number}-{at}"
            sealed = is_sealed(last.message)
            answered = max(last.number, 0) or None
            self._reporter.post_reply(Reply(one.text, to, last.message.room, answered, key, sealed=sealed))
