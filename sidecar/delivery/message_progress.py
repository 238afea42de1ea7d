"""Keeps the state of each message, reports it to the room and the journal, and applies the proofs of hooks and
transcripts. `replies` posts the answers: `sidecar/delivery/reply_posting.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from gateway.encryption.member_client.checked_messages import CheckedMessage, MessageCheck
from gateway.protocol.events import Message
from gateway.protocol.types.core_types import SYSTEM_NAME, MessageKind, Rung
from gateway.protocol.types.delivery_reasons import HoldReason
from sidecar.agents import Adapter
from sidecar.conditions.condition_watch import NOTHING_BLOCKS, DeliveryBlock
from sidecar.connection.room_reporter import RoomReporter
from sidecar.delivery.attachment_files import AttachmentFiles
from sidecar.delivery.reply_posting import KnownRooms, ReplyPoster
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.messages.duplicate_guard import MessageProgress, refusal_of_repeat
from sidecar.messages.envelope import numbers_in
from sidecar.messages.inbox import FINAL_RUNGS, UNSENT_RUNGS, InboxEntry, Interruption, MessageQueue
from sidecar.messages.plain_program_output import (
    HistoryCommand,
    ModeStatusCommand,
    PlainTurns,
    SayCommand,
    output_commands_in,
    strip_commands,
)
from sidecar.messages.replies import mode_status_reply
from sidecar.messages.sealed_turns import SealedTurn, never_sealed
from sidecar.prompt_typing.prompt_scheduler import AgentPrompts
from sidecar.prompt_typing.proof_rules import DeliveryStep, is_worked_on, steps_from_fact
from sidecar.rules_file.envelope_template import DEFAULT_ENVELOPE
from sidecar.run_files.delivery_journal import DeliveryJournal

_PROGRESS_BY_RUNG = {
    Rung.ACCEPTED: MessageProgress.ACCEPTED,
    Rung.SEEN: MessageProgress.CONSUMED,
    Rung.ANSWERED: MessageProgress.CONSUMED,
}
SAME_KEY_WITHIN_S = 1.0
log = structlog.get_logger("sidecar.delivery.message_progress")


class ProofReports(Protocol):
    """What the agent reports of its turns: `sidecar.evidence_sources.turn_reports`."""

    def missing_proof(self, since: float) -> str:
        """Why nothing proves a message that was submitted then; "": nobody can tell."""


class _NoReports:
    def missing_proof(self, since: float) -> str:
        return ""


NO_REPORTS = _NoReports()


def is_no_name(_: str) -> bool:
    return False


@dataclass(frozen=True)
class DeliveryConfig:
    """`attached` stores attachments that are too long to be typed. `interrupts`: an urgent message first ends the
    running turn. `plain` listens to a program that does not report its turns. `is_name`: whether a word names a member
    and no file of the project. `block` tells of limits of the vendor, `reports` why nothing proves a message.
    `sealed_turn` follows whether the agent works on sealed messages."""

    name: str
    agent: Adapter
    rooms: KnownRooms
    on_change: Callable[[], None]
    attached: AttachmentFiles
    interrupts: bool = False
    plain: PlainTurns | None = None
    envelope: str = DEFAULT_ENVELOPE
    is_name: Callable[[str], bool] = is_no_name
    block: DeliveryBlock = NOTHING_BLOCKS
    reports: ProofReports = NO_REPORTS
    sealed_turn: SealedTurn = field(default_factory=SealedTurn)
    is_sealed_room: Callable[[str], bool] = never_sealed


class DeliveryProgress:
    def __init__(
        self,
        me: DeliveryConfig,
        inbox: MessageQueue,
        outbox: RoomReporter,
        journal: DeliveryJournal,
        now: Callable[[], float],
    ) -> None:
        self._me, self._outbox, self._journal, self._now = me, outbox, journal, now
        self.inbox = inbox
        share = "replies" if me.agent.proves else "none"
        self.replies = ReplyPoster(me.name, me.rooms, outbox, share, me.sealed_turn)
        self.prompts = AgentPrompts()
        self._cut_at = float("-inf")
        self.taken = asyncio.Event()

    # Steps

    def record_rung(self, entry: InboxEntry, rung: Rung, reason: str = "") -> InboxEntry:
        entry = entry.at(rung, reason, self._now())
        self.inbox.put(entry)
        if entry.number > 0:
            self._outbox.step(entry.number, rung, reason)
        self.prompts.reach(entry.number, rung)
        if rung in _PROGRESS_BY_RUNG:
            self.remember((entry.number,), _PROGRESS_BY_RUNG[rung])
        if rung is not Rung.HELD:
            self._me.sealed_turn.note_in_hand([one.message for one in self.inbox.in_hand()])
        self._me.on_change()
        log.info("step", number=entry.number, rung=str(rung), reason=str(reason))
        return entry

    def reported(self, number: int, rung: Rung) -> None:
        """The room has recorded this state of the message."""
        if rung in FINAL_RUNGS:
            self.remember((number,), MessageProgress.OVER)

    def contested(self, number: int) -> None:
        """The room knows that this message is further than we know."""
        self.drop(number)

    def hold(self, entry: InboxEntry, held: HoldReason) -> None:
        reason = self._me.block.hold_text(held)
        if entry.rung is not Rung.HELD or entry.reason != reason:
            self.record_rung(entry, Rung.HELD, reason)

    def remember(self, numbers: Collection[int], done: MessageProgress) -> bool:
        """Write to the journal. If this returns False, the action must not be done."""
        try:
            self._journal.mark(numbers, done)
        except OSError as error:
            log.error("the journal cannot be written", error=str(error))
            return False
        return True

    def untold(self, numbers: Collection[int]) -> bool:
        """Whether the room may not know yet that these messages are being typed. It could then still hand them to the
        agent's tools."""
        return any(self._outbox.untold(number) for number in numbers)

    def drop(self, number: int) -> None:
        """The message was cancelled, has expired, or was taken by the agent itself. Drop it, unless Enter was pressed
        for it."""
        entry = self.inbox.get(number)
        if entry and entry.rung in UNSENT_RUNGS:
            self.inbox.put(entry.at(Rung.CANCELLED, "", self._now()))
            self._me.on_change()

    def expire(self) -> None:
        """Report expired messages. The gateway does this itself, unless it is away."""
        for entry in self.inbox.expired(self._now()):
            self.record_rung(entry, Rung.EXPIRED, f"not delivered within {entry.message.ttl:g} s")

    def mark_unproven(self, number: int) -> None:
        """No proof can ever come for this message, so it is over."""
        self.inbox.remove(number)
        self.prompts.end(number)
        self.remember((number,), MessageProgress.OVER)

    def mark_over(self, number: int, rung: Rung, reason: str) -> None:
        """An earlier run brought the message this far. Only a person may order it again."""
        self.inbox.known.add(number)
        self._outbox.step(number, rung, reason)

    def mark_answered_before(self, number: int, messages: Sequence[Message], answer: str) -> None:
        """An earlier run got the answer, but ended before it could post it."""
        found = [DeliveryStep(InboxEntry(one), Rung.ANSWERED, "transcript", answer) for one in messages]
        audience = next((one.entry.audience for one in found if one.entry.number == number), None)
        self.replies.post_answers(found, only=audience)
        self.mark_over(number, Rung.ANSWERED, "transcript of an earlier run")

    def move(self, store: str, run: str = "", began: int = 0) -> bool:
        """In another store nobody waits for the messages that the agent has in hand, so they are forgotten."""
        moved = self._journal.adopt_store(store, run, began)
        if moved:
            self.inbox.forget()
            self.prompts.forget_numbers()
            self._outbox.forget_numbers()
            self._me.on_change()
        return moved

    # What hooks and transcripts report

    def check_prompt(self, fact: TurnFact) -> str:
        """The submit hook asks whether this prompt may go to the model. Returns the reason if not."""
        numbers = frozenset(numbers_in(fact.text))
        reason = refusal_of_repeat(numbers, frozenset(self.prompts.hook_due), self._journal.was_consumed)
        self.prompts.hook_due -= numbers
        if reason:
            log.warning("refused a prompt", numbers=sorted(numbers), reason=reason)
            self.prompts.may_return(fact.text, self._now())
            for number in numbers & self.inbox.entries.keys():
                self.record_rung(self.inbox.entries[number], Rung.ACCEPTED, reason)
        return reason

    def fact(self, fact: TurnFact) -> None:
        if fact.source is EvidenceSource.TRANSCRIPT and fact.kind is TurnFactKind.PROMPT:
            self._record(fact)
        found = steps_from_fact(list(self.inbox.entries.values()), fact, self._now() - self._cut_at)
        if fact.kind is TurnFactKind.FAILED and self._me.block.keeps_turns():
            return self._keep_with_agent(found)
        self.replies.post_answers([one for one in found if one.rung is Rung.ANSWERED])
        self.replies.post_unasked_answer(fact, asked=bool(found))
        for one in found:
            self._apply_step(one, fact)
        return None

    def _keep_with_agent(self, refused: Sequence[DeliveryStep]) -> None:
        """The agent has these messages in its conversation, and answers them in another turn."""
        for step in refused:
            entry = self.inbox.get(step.entry.number) or step.entry
            since = self._now() if entry.limited is None else entry.limited
            self.inbox.put(replace(entry, limited=since, turn=""))
            log.info("kept until the usage limit ends", number=entry.number)

    def note_interruption(self, how: str) -> None:
        """A key that ends a turn went to the agent while it worked. `how` tells who pressed it, and is reported for the
        messages of that turn."""
        now = self._now()
        self._cut_at = now
        for entry in self.inbox.in_hand():
            if is_worked_on(entry) and (entry.cut is None or now - entry.cut.at > SAME_KEY_WITHIN_S):
                self.inbox.put(replace(entry, cut=Interruption(now, how)))

    def refused_question(self, by: str) -> None:
        """Somebody denied a question of the agent. Some agents then end their turn, which is not a failure of the
        agent."""
        self._cut_at = now = self._now()
        for entry in self.inbox.in_hand():
            if is_worked_on(entry):
                self.inbox.put(replace(entry, cut=Interruption(now, refused_by=by)))

    def _record(self, fact: TurnFact) -> None:
        """A transcript is read late. Entries before our prompt belong to an earlier turn."""
        for number in numbers_in(fact.text):
            if entry := self.inbox.get(number):
                self.inbox.put(replace(entry, recorded=True))

    def _apply_step(self, rise: DeliveryStep, fact: TurnFact) -> None:
        entry = self.inbox.get(rise.entry.number)
        if entry is None:
            return
        if fact.kind is TurnFactKind.MODEL and rise.text:
            entry = replace(entry, words=rise.text)
        if rise.rung is Rung.ACCEPTED:
            self.taken.set()
            entry = replace(entry, turn=fact.turn, accepted=self._now())
        if rise.rung is entry.rung:
            self.inbox.put(entry)
        else:
            self.record_rung(entry, rise.rung, rise.reason)

    def plain_turn(self, entries: Sequence[InboxEntry], text: str) -> list[HistoryCommand | ModeStatusCommand]:
        """Handle the output of a plain program after a message: run the commands in it and post the rest as the answer.
        Returns what the program asks of the room. An interrupted message gets no answer."""
        for entry in entries:
            if entry.cut:
                self.record_rung(entry, Rung.FAILED, entry.cut.reason)
        entries = [entry for entry in entries if not entry.cut]
        if not entries:
            return []
        heard = "\n".join(one.message.content for one in entries)
        found, last = output_commands_in(text, heard), entries[-1]
        self.replies.post_lines([one for one in found if isinstance(one, SayCommand)], last)
        answer = strip_commands(text)
        if answer.strip() and last.number > 0:
            self.replies.post_answers([DeliveryStep(one, Rung.ANSWERED, "", answer) for one in entries])
        for entry in entries:
            self.record_rung(entry, Rung.ANSWERED, "output")
        return [one for one in found if not isinstance(one, SayCommand)]

    async def fetch_room_answer(self, asked: HistoryCommand | ModeStatusCommand, room: str, number: int) -> Message:
        """The answer to `@query.log` or `@mode.status`, as a message that only this sidecar knows."""
        if isinstance(asked, ModeStatusCommand):
            text = f"[CSP: {mode_status_reply(await self._outbox.floor(room))}]"
        else:
            found = await self._outbox.history(asked.count, room)
            text = f"[CSP: last {len(found)} messages]\n" + "\n".join(
                f"#{one.seq} {one.from_}: {one.content}" for one in found
            )
        return self._local_message(number, room, text)

    def _local_message(self, number: int, room: str, text: str) -> Message:
        """What a program learns of a sealed room is as sealed as its messages."""
        check = MessageCheck(was_sealed=self._me.is_sealed_room(room))
        to = (self._me.name,)
        return CheckedMessage(
            number, "", room, SYSTEM_NAME, (), MessageKind.SYSTEM, text, "", recipients=to, check=check
        )
