"""Identifies a client of AgentChat: by its token, by a key that it shows or proves, or as an anonymous guest.

Showing a key proves nothing, and protocol 0.3 offers no more. A client that can, answers the challenge that comes with
the welcome or with a refusal. A proven key displaces one that was only shown; a key that was only shown displaces none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.access.permissions import Actor
from gateway.access.signatures import PublicKey
from gateway.dialects.agentchat import frames, name_mapping
from gateway.dialects.agentchat.channels import ChannelRegistry
from gateway.model.records.stored_records import MemberRecord
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, GroupChatError


@dataclass(frozen=True)
class ClaimedIdentity:
    """`guest` is the member that it is, or becomes with its first action; None for a member with a token."""

    id: str
    name: str
    key: PublicKey | None = None
    proven: bool = False
    guest: MemberRecord | None = None

    def as_proven(self) -> ClaimedIdentity:
        assert self.guest is not None
        return replace(self, proven=True, guest=name_mapping.mark_guest_proven(self.guest))


def claim_identity(
    state: GatewayState, channels: ChannelRegistry, caller: Actor | None, frame: frames.IdentifyRequest, fresh: str
) -> ClaimedIdentity:
    """The identity that it claims. `fresh` is an unused id, for a client with neither key nor token."""
    name_mapping.check_name(frame.name)
    key = PublicKey.of(frame.pubkey) if frame.pubkey is not None else None
    if caller is not None:
        return ClaimedIdentity(name_mapping.agentchat_id_of(state, caller.name), caller.name, key)
    if key is None:
        guest = name_mapping.guest_record(frame.name, fresh)
        return ClaimedIdentity(fresh, guest.member.name, None, False, guest)
    known = channels.guest_with_key(key.pem) or name_mapping.guest_with_key(state, key.pem)
    known = known or name_mapping.new_guest(state, frame.name, key.pem, channels.is_taken)
    return ClaimedIdentity(name_mapping.id_of_guest(known.member.name), known.member.name, key, False, known)


def identity_obstacle(channels: ChannelRegistry, who: ClaimedIdentity) -> GroupChatError | None:
    """Why the claim is refused so far; None if it is accepted."""
    holder = channels.with_id(who.id)
    if holder is not None and (holder.proven or not who.proven):
        return BadRequest("Agent with this identity already connected")
    if who.guest is not None and who.guest.proven and not who.proven:
        return frames.SignatureRequired(
            "This key was proven before, so it needs a proof each time. Answer the challenge."
        )
    return None


def check_proof(who: ClaimedIdentity, challenge: str, signature: str) -> None:
    assert who.key is not None
    if not who.key.signed(frames.text_to_prove(f"@{who.id}", challenge), signature):
        raise BadRequest("The signature does not match the key. Sign the challenge again.")
