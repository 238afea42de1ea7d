"""What an agent's sidecar tells the members of a sealed room besides messages: its open question, and what it is at.
And the signed answer of a member to such a question. Pure, but for nonces."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta
from nacl.bindings import sodium_pad, sodium_unpad
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from nacl.utils import random

from gateway.encryption.member_keys.key_records import KeyRecord, KeyVersion, SignedData
from gateway.encryption.member_keys.private_keys import MemberKeys
from gateway.encryption.member_keys.purpose_signatures import SIGNATURE_BYTES, Purpose, is_signed_for, sign_for
from gateway.encryption.member_keys.wrapped_keys import MESSAGE_KEY_LABEL, WrappedKey, unwrap_key, wrap_key
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.encryption.room_keys.room_key import RoomKey
from gateway.encryption.sealed_messages.letters import DIGEST_BYTES, Digest, Id, Name, RoomKeyVersion
from gateway.encryption.sealed_messages.sealing import MAX_BOX_BYTES, PADDING_BYTES
from gateway.protocol.types.core_types import MAX_ADDRESSES

STATE_FORMAT = 1
NONCE_BYTES = 16
_MAX_ANSWER_CHARS = 16


class StateTopic(StrEnum):
    QUESTION = "question"
    WORK = "work"


class AgentState(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`subject` is the digest of the question, or empty; `text` is JSON; `made_ns` is when it was sealed, so that an
    old one is not taken for a new one. It is signed for a purpose of its own, so it can never be shown as a message."""

    format: int
    house: Id
    agent: Name
    agent_key: KeyVersion
    room: Name
    room_key: RoomKeyVersion
    topic: StateTopic
    subject: Id
    text: str
    made_ns: int = 0


class SealedState(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`wrapped` holds the key, for each reader, where it is not that of a room."""

    format: int
    agent_key: KeyVersion
    box: Annotated[bytes, Meta(max_length=MAX_BOX_BYTES)]
    wrapped: Annotated[dict[Name, WrappedKey], Meta(max_length=MAX_ADDRESSES + 1)] = {}


class SignedAnswer(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A member's answer to the question with this digest, and to no other one. `words` is the hash of what the model is
    told with it; an answer with the same `nonce` counts once. `was_opened`: the member has read this question out of
    its box. Without it a gateway could show the digest of one question beside the text of another."""

    format: int
    house: Id
    member: Name
    member_key: KeyVersion
    agent: Name
    digest: Id
    answer: Annotated[str, Meta(max_length=_MAX_ANSWER_CHARS)]
    words: Digest
    nonce: Annotated[bytes, Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)] = bytes(NONCE_BYTES)
    was_opened: bool = False


def words_digest(words: str) -> bytes:
    return hashlib.blake2b(words.encode(), digest_size=DIGEST_BYTES).digest()


def seal_state(state: AgentState, keys: MemberKeys, room_key: RoomKey) -> SealedState:
    """For all who have this key of the room."""
    return SealedState(STATE_FORMAT, keys.record.version, _seal_box(state, keys, room_key.secret))


def seal_state_for(state: AgentState, keys: MemberKeys, readers: Mapping[str, KeyRecord]) -> SealedState:
    """For the readers alone, and for the agent itself."""
    secret = random(SecretBox.KEY_SIZE)
    known = {**readers, keys.record.name: keys.record}
    wrapped = {name: wrap_key(secret, MESSAGE_KEY_LABEL, keys, record) for name, record in known.items()}
    return SealedState(STATE_FORMAT, keys.record.version, _seal_box(state, keys, secret), wrapped)


def unwrap_state_key(sealed: SealedState, own: MemberKeys | None, agent: KeyRecord) -> bytes | None:
    """The key of a state that is sealed to readers; None if it is not sealed to these keys."""
    wrapped = sealed.wrapped.get(own.record.name) if own else None
    if own is None or wrapped is None or wrapped.version != own.record.version:
        return None
    return unwrap_key(wrapped, MESSAGE_KEY_LABEL, own, agent)


def _seal_box(state: AgentState, keys: MemberKeys, secret: bytes) -> bytes:
    data = msgspec.msgpack.encode(state)
    padded = sodium_pad(sign_for(Purpose.AGENT_STATE, data, keys.signing) + data, PADDING_BYTES)
    return bytes(SecretBox(secret).encrypt(padded))


def open_state(sealed: SealedState, expected: AgentState, agent: KeyRecord, secret: bytes) -> AgentState:
    """The state, if this agent sealed it here, for this topic and subject; `expected` is what is known without it."""
    wrong = SealingRefused(SealingFault.DAMAGED, f"What {expected.agent} says here was changed on its way.")
    try:
        content = sodium_unpad(SecretBox(secret).decrypt(sealed.box), PADDING_BYTES)
    except (CryptoError, ValueError):
        raise wrong from None
    signature, data = content[:SIGNATURE_BYTES], content[SIGNATURE_BYTES:]
    if not is_signed_for(Purpose.AGENT_STATE, data, signature, agent.signing):
        raise SealingRefused(SealingFault.SIGNATURE, f"{expected.agent} did not say this. Somebody else did.")
    try:
        state = msgspec.msgpack.decode(data, type=AgentState)
    except (msgspec.MsgspecError, ValueError):
        raise wrong from None
    if msgspec.structs.replace(state, text="", made_ns=0) != expected:
        raise SealingRefused(SealingFault.OTHER_ROOM, f"{expected.agent} said this elsewhere, or of something else.")
    return state


def sign_answer(answer: SignedAnswer, keys: MemberKeys) -> SignedData:
    data = msgspec.msgpack.encode(answer)
    return SignedData(data, sign_for(Purpose.APPROVAL, data, keys.signing))


def check_signed_answer(signed: SignedData, expected: SignedAnswer, member: KeyRecord) -> bytes:
    """Refuse an answer that this member has not given to this question; its nonce, which must not come again. The case
    of letters does not matter."""
    if not is_signed_for(Purpose.APPROVAL, signed.data, signed.signature, member.signing):
        raise SealingRefused(SealingFault.SIGNATURE, f"{expected.member} did not sign this answer.")
    try:
        given = msgspec.msgpack.decode(signed.data, type=SignedAnswer)
    except (msgspec.MsgspecError, ValueError):
        raise SealingRefused(SealingFault.DAMAGED, f"The answer of {expected.member} was changed.") from None
    if expected.was_opened and not given.was_opened:
        raise SealingRefused(
            SealingFault.OTHER_TEXT, f"{expected.member} answered a question that was not read out of its box."
        )
    if msgspec.structs.replace(given, answer=given.answer.casefold(), nonce=expected.nonce) != expected:
        raise SealingRefused(
            SealingFault.OTHER_TEXT, f"{expected.member} gave another answer, or answered another question."
        )
    return given.nonce
