"""Whom a client of AgentChat is taken for: by its token, by a key it shows or proves, or for nobody in particular.

Showing a key proves nothing, and 0.3 knows no more. Whoever can answers the challenge that comes with the welcome, or
with a refusal. A proven key displaces one that was only shown; one that was only shown displaces nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.access.permissions import Actor
from gateway.access.signatures import PublicKey
from gateway.dialects.agentchat import frames, names
from gateway.dialects.agentchat.channels import ChannelRegistry
from gateway.model.records import MemberRecord
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, GroupChatError


@dataclass(frozen=True)
class ClaimedIdentity:
    """`guest` is the member it is, or will be once it does something; a member with a token is none."""

    id: str
    name: str
    key: PublicKey | None = None
    proven: bool = False
    guest: MemberRecord | None = None

    def as_proven(self) -> ClaimedIdentity:
        assert self.guest is not None
        return replace(self, proven=True, guest=names.mark_guest_proven(self.guest))


def claim_identity(
    state: GatewayState, channels: ChannelRegistry, caller: Actor | None, frame: frames.IdentifyRequest, fresh: str
) -> ClaimedIdentity:
    """Who it says it is. `fresh` is an id that nobody has, for those who bring neither key nor token."""
    names.check_name(frame.name)
    key = PublicKey.of(frame.pubkey) if frame.pubkey is not None else None
    if caller is not None:
        return ClaimedIdentity(names.agentchat_id_of(state, caller.name), caller.name, key)
    if key is None:
        guest = names.guest_record(frame.name, fresh)
        return ClaimedIdentity(fresh, guest.member.name, None, False, guest)
    known = channels.guest_with_key(key.pem) or names.guest_with_key(state, key.pem)
    known = known or names.new_guest(state, frame.name, key.pem, channels.is_taken)
    return ClaimedIdentity(names.id_of_guest(known.member.name), known.member.name, key, False, known)


def identity_obstacle(channels: ChannelRegistry, who: ClaimedIdentity) -> GroupChatError | None:
    """Why it cannot be taken for this one, as far as it has shown."""
    holder = channels.with_id(who.id)
    if holder is not None and (holder.proven or not who.proven):
        return BadRequest("Agent with this identity already connected")
    if who.guest is not None and who.guest.proven and not who.proven:
        return frames.SignatureRequired(
            "This key has been proven before, and is believed only with a proof since then."
        )
    return None


def check_proof(who: ClaimedIdentity, challenge: str, signature: str) -> None:
    assert who.key is not None
    if not who.key.signed(frames.text_to_prove(f"@{who.id}", challenge), signature):
        raise BadRequest("This signature does not prove the key.")
