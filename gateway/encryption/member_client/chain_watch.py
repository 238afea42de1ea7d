"""Compares each opened message with its place in its writer's chain, and remembers the place."""

from __future__ import annotations

from gateway.encryption.key_storage.member_memory import ChainName, MemberMemory
from gateway.encryption.member_client.checked_messages import MessageProof
from gateway.encryption.member_client.message_opening import Opened, refused_message, with_notes
from gateway.encryption.sealed_messages.letter_facts import conversation_of, reaches_all_the_same
from gateway.encryption.sealed_messages.letters import Letter
from gateway.encryption.sealed_messages.message_chains import (
    ChainFinding,
    ChainLink,
    ChainStep,
    chain_finding_text,
    find_place,
)

_IN_ORDER = ChainStep(ChainFinding.IN_ORDER)


class ChainWatch:
    def __init__(self, memory: MemberMemory) -> None:
        self._memory = memory

    def step(self, opened: Opened) -> ChainStep:
        """Where the message stands; what is not wrong is remembered there."""
        found = _link_of(opened)
        if found is None:
            return _IN_ORDER
        chain, link = found
        known = self._memory.neighbors(chain, link.counter)
        step = find_place(link, known)
        if step.finding is ChainFinding.GAP and not reaches_all_the_same(chain.conversation):
            step = _IN_ORDER
        if not step.finding.is_wrong and known.same is None:
            self._memory.note_place(chain, link)
        if step.finding is ChainFinding.BEGINS and not self._memory.knows_earlier_stream(chain, link.seq):
            return _IN_ORDER  # the very first message of somebody is no news
        return step

    @staticmethod
    def shown(opened: Opened, step: ChainStep) -> Opened:
        """The message with what its place tells."""
        if step.finding.is_wrong:
            text = chain_finding_text(step, opened.message.from_)
            return Opened(refused_message(opened.message, MessageProof.WRONG, text))
        is_far = step.finding is ChainFinding.JOINED and step.missing > 0  # more than this machine reads again
        if is_far or step.finding in (ChainFinding.GAP, ChainFinding.BEGINS):
            text = chain_finding_text(step, opened.message.from_)
            return Opened(with_notes(opened.message, (text,)), opened.letter)
        return opened


def _link_of(opened: Opened) -> tuple[ChainName, ChainLink] | None:
    if opened.letter is None:
        return None
    letter = opened.letter.letter
    return chain_of(letter), ChainLink.of(letter, opened.letter.digest, opened.message.seq)


def chain_of(letter: Letter) -> ChainName:
    return ChainName(letter.sender, letter.stream, conversation_of(letter.room, letter.sender, letter.recipients))
