"""What a sidecar tells the members of a sealed room besides messages, and how they answer: sealed questions, sealed
work, signed answers."""

from __future__ import annotations

import base64
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from nacl.utils import random

from gateway.encryption.key_storage.member_memory import MemberMemory
from gateway.encryption.member_client.member_machine import MemberMachine
from gateway.encryption.member_client.room_keyring import RoomKeyring
from gateway.encryption.member_keys.key_records import KeyRecord, SignedData
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.encryption.sealed_messages.agent_states import (
    NONCE_BYTES,
    STATE_FORMAT,
    AgentState,
    SealedState,
    SignedAnswer,
    StateTopic,
    check_signed_answer,
    open_state,
    seal_state,
    seal_state_for,
    sign_answer,
    unwrap_state_key,
    words_digest,
)
from gateway.encryption.sealed_messages.base64_values import text_of_value, value_from_text
from gateway.encryption.sealed_messages.signed_letter_text import KEY_WORD, letter_of_signed, named_key
from gateway.protocol.events import Control
from gateway.protocol.requests.approval_requests import AnswerAsk, OpenAsk
from gateway.protocol.types.agent_work import Work
from gateway.protocol.types.core_types import Ask, AskAbout, Option, SealedContent, Signed, bare_name

MAX_QUESTIONS = 1000  # that are remembered to notice one that is shown again
SEALED_QUESTION_TEXT = "(sealed: only the members of its room can read this question)"


class SealedQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What of a question is sealed."""

    question: str
    options: tuple[Option, ...] = ()
    tool: str = ""
    detail: str = ""
    about: AskAbout = AskAbout.TEXT
    left_out: int = 0


@dataclass(frozen=True)
class SealFor:
    """To whom a report is sealed: to the members of the room of this keyring, or to the readers alone."""

    keyring: RoomKeyring
    readers: Mapping[str, KeyRecord] = field(default_factory=dict)


class AgentReports:
    def __init__(self, machine: MemberMachine, memory: MemberMemory, house: str) -> None:
        self._machine, self._memory, self._house = machine, memory, house
        self._newest_work: dict[str, int] = {}
        self._questions: dict[tuple[str, int], int] = {}
        self._opened: dict[tuple[str, str], None] = {}  # agent and digest of questions that were read here

    # what a sidecar sends

    def seal_ask(self, ask: OpenAsk, seal: SealFor) -> OpenAsk:
        """The digest of the question stays outside: whoever opened the dialog must not make it of the text alone, which
        could be guessed."""
        inside = SealedQuestion(ask.question, ask.options, ask.tool, ask.detail, ask.about, ask.left_out)
        return msgspec.structs.replace(
            ask,
            question="",
            options=tuple(msgspec.structs.replace(one, text="") for one in ask.options),
            tool="",
            detail="",
            about=AskAbout.TEXT,
            left_out=0,
            sealed=self._seal(StateTopic.QUESTION, ask.digest, inside, seal),
        )

    def seal_work(self, work: Work, seal: SealFor) -> Work:
        """The counted tokens stay outside, as the costs of answers do."""
        inside = msgspec.structs.replace(work, sealed=None)
        outside = Work(turn_tokens=work.turn_tokens, day_tokens=work.day_tokens)
        return msgspec.structs.replace(outside, sealed=self._seal(StateTopic.WORK, "", inside, seal))

    def _seal(self, topic: StateTopic, subject: str, inside: msgspec.Struct, seal: SealFor) -> SealedContent:
        own, key = self._machine.newest, None if seal.readers else seal.keyring.current_key()
        me, room, version = own.record, seal.keyring.room, key.version if key else 0
        text = msgspec.json.encode(inside).decode()
        state = AgentState(
            STATE_FORMAT, self._house, me.name, me.version, room, version, topic, subject, text, time.time_ns()
        )
        sealed = seal_state(state, own, key) if key else seal_state_for(state, own, seal.readers)
        return SealedContent(version, text_of_value(sealed), room)

    def check_answer(self, order: Control, digest: str, room: str, readers: Collection[str]) -> None:
        """Refuse an answer that nobody of the readers has signed for this question."""
        signed = order.signed
        member, version = (named_key(signed) if signed else None) or ("", 0)
        record = self._machine.senders().get((member, version))
        if signed is None or record is None or member != order.from_ or member not in readers:
            raise SealingRefused(
                SealingFault.SIGNATURE,
                f"Nobody who can read this question in #{room} has signed this answer. It was not given to the agent.",
            )
        letter = letter_of_signed(signed, f"The answer of {member}")
        words = order.ask.said if order.ask else ""
        expected = SignedAnswer(
            STATE_FORMAT,
            self._house,
            member,
            version,
            self._machine.name,
            digest,
            order.text.casefold(),
            words_digest(words),
            was_opened=True,
        )
        nonce = check_signed_answer(SignedData(letter.letter, letter.signature), expected, record)
        if not self._memory.use_answer(nonce):
            raise SealingRefused(
                SealingFault.REPEATED,
                f"This answer of {member} was given to the agent before. It counts once, and was not given again.",
            )

    # what a person's client does

    def sign_answer(self, request: AnswerAsk) -> AnswerAsk:
        """An answer that names its question; without a digest, the gateway could show it as one to another question."""
        if request.digest is None or request.signed is not None:
            return request
        me = self._machine.newest.record
        answer = SignedAnswer(
            STATE_FORMAT,
            self._house,
            me.name,
            me.version,
            bare_name(request.member),
            request.digest,
            request.answer,
            words_digest(request.words),
            random(NONCE_BYTES),
            (bare_name(request.member), request.digest) in self._opened,
        )
        made = sign_answer(answer, self._machine.newest)
        key = f"{KEY_WORD} {me.name} {me.version}"
        return msgspec.structs.replace(request, signed=Signed(_coded(made.data), _coded(made.signature), key))

    def open_ask(self, ask: Ask, keyring: RoomKeyring) -> Ask:
        """The question as it was sealed; where it cannot be opened, a sentence that says so."""
        if ask.sealed is None:
            self._opened.pop((ask.member, ask.digest), None)  # what is shown in its place was not sealed
            return ask
        try:
            state = self._open(StateTopic.QUESTION, ask.digest, ask.member, ask.sealed, keyring)
            inside = msgspec.json.decode(state.text, type=SealedQuestion)
            self._note_question(ask, state)
        except (SealingRefused, msgspec.MsgspecError) as error:
            why = error.message if isinstance(error, SealingRefused) else "It cannot be read."
            return msgspec.structs.replace(ask, question=f"{SEALED_QUESTION_TEXT} {why}", readable=False)
        return msgspec.structs.replace(
            ask,
            question=inside.question,
            options=inside.options,
            tool=inside.tool,
            detail=inside.detail,
            about=inside.about,
            left_out=inside.left_out,
        )

    def open_work(self, member: str, sealed: SealedContent, keyring: RoomKeyring) -> Work | None:
        try:
            state = self._open(StateTopic.WORK, "", member, sealed, keyring)
            work = msgspec.json.decode(state.text, type=Work)
        except (SealingRefused, msgspec.MsgspecError):
            return None
        if state.made_ns < self._newest_work.get(member, 0):
            return None  # what the agent was at before
        self._newest_work[member] = state.made_ns
        return work

    def _note_question(self, ask: Ask, state: AgentState) -> None:
        """A question that was asked once is one question: under another number it is an old one that is shown again."""
        if self._questions.setdefault((ask.member, state.made_ns), ask.number) != ask.number:
            raise SealingRefused(SealingFault.REPEATED, f"{ask.member} asked this before. It is shown again.")
        self._opened[ask.member, ask.digest] = None
        _forget_oldest(self._questions)
        _forget_oldest(self._opened)

    def _open(
        self, topic: StateTopic, subject: str, member: str, content: SealedContent, keyring: RoomKeyring
    ) -> AgentState:
        sealed = value_from_text(content.data, SealedState, f"What {member} says here")
        agent = self._machine.senders().get((member, sealed.agent_key))
        if agent is None or (content.room_key and not keyring.holds(member)):
            raise SealingRefused(SealingFault.NO_SENDER_KEY, f"There is no trusted key of {member} to check it with.")
        secret = self._secret(sealed, content, agent, keyring)
        if secret is None:
            raise SealingRefused(SealingFault.NO_ROOM_KEY, "This machine has no key for it.")
        expected = AgentState(
            STATE_FORMAT, self._house, member, sealed.agent_key, content.room, content.room_key, topic, subject, ""
        )
        return open_state(sealed, expected, agent, secret)

    def _secret(
        self, sealed: SealedState, content: SealedContent, agent: KeyRecord, keyring: RoomKeyring
    ) -> bytes | None:
        if content.room_key:
            key = keyring.keys().get(content.room_key)
            return key.secret if key else None
        wrapped = sealed.wrapped.get(self._machine.name)
        return unwrap_state_key(sealed, self._machine.keys.get(wrapped.version) if wrapped else None, agent)


def _forget_oldest(questions: dict[Any, Any]) -> None:
    if len(questions) > MAX_QUESTIONS:
        questions.pop(next(iter(questions)))


def _coded(data: bytes) -> str:
    return base64.b64encode(data).decode()
