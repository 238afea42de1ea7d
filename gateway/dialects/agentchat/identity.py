"""Whom a client of AgentChat is taken for: by its token, by a key it shows or proves, or for nobody in particular.

Showing a key proves nothing, and 0.3 knows no more. Whoever can answers the challenge that comes with the welcome, or
with a refusal. A proven key displaces one that was only shown; one that was only shown displaces nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.access.permissions import Actor
from gateway.access.signatures import Key
from gateway.dialects.agentchat import frames as words
from gateway.dialects.agentchat import names
from gateway.dialects.agentchat.channels import Channels
from gateway.model.records import MemberRecord
from gateway.model.state import House
from gateway.protocol.errors import BadRequest, GroupChatError


@dataclass(frozen=True)
class Identity:
    """`guest` is the member it is, or will be once it does something; a member with a token is none."""

    id: str
    name: str
    key: Key | None = None
    proven: bool = False
    guest: MemberRecord | None = None

    def as_proven(self) -> Identity:
        assert self.guest is not None
        return replace(self, proven=True, guest=names.as_proven(self.guest))


def claimed(house: House, channels: Channels, caller: Actor | None, frame: words.Identify, fresh: str) -> Identity:
    """Who it says it is. `fresh` is an id that nobody has, for those who bring neither key nor token."""
    names.check_name(frame.name)
    key = Key.of(frame.pubkey) if frame.pubkey is not None else None
    if caller is not None:
        return Identity(names.id_of(house, caller.name), caller.name, key)
    if key is None:
        guest = names.guest(frame.name, fresh)
        return Identity(fresh, guest.member.name, None, False, guest)
    known = channels.guest_with_key(key.pem) or names.guest_with_key(house, key.pem)
    known = known or names.newcomer(house, frame.name, key.pem, channels.is_taken)
    return Identity(names.id_in(known.member.name), known.member.name, key, False, known)


def obstacle(channels: Channels, who: Identity) -> GroupChatError | None:
    """Why it cannot be taken for this one, as far as it has shown."""
    holder = channels.with_id(who.id)
    if holder is not None and (holder.proven or not who.proven):
        return BadRequest("Agent with this identity already connected")
    if who.guest is not None and who.guest.proven and not who.proven:
        return words.SignatureRequired("This key has been proven before, and is believed only with a proof since then.")
    return None


def need_proof(who: Identity, challenge: str, signature: str) -> None:
    assert who.key is not None
    if not who.key.signed(words.proof_text(f"@{who.id}", challenge), signature):
        raise BadRequest("This signature does not prove the key.")
