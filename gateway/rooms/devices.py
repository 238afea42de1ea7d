"""The rules of devices: who may pair one, with which rights, and how it proves itself. Pure."""

from __future__ import annotations

import msgspec

from gateway.access.device_credentials import NOT_PAIRED_TEXT, Challenged, DeviceKey, Replacement
from gateway.access.pairing_codes import WRONG_CODE_TEXT, OpenCode, PairingGrant
from gateway.access.permissions import Actor, Permission
from gateway.access.signatures import BrowserKey
from gateway.access.tokens import TokenRecord, has_own_token, is_valid
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.protocol.browser_frames import PairDevice
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, Unauthorized
from gateway.protocol.requests.member_requests import BeginPairing
from gateway.protocol.results import DevicePaired
from gateway.protocol.types.core_types import DeviceScope, Scope
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.rooms.member_tokens import token_event
from gateway.rooms.members import leave_without_token

MAX_DEVICES_PER_MEMBER = 50
UNNAMED = "browser"
SCOPES_OF: dict[DeviceScope, tuple[Scope, ...]] = {
    DeviceScope.READER: (),
    DeviceScope.MEMBER: (),
    DeviceScope.APPROVER: (Scope.APPROVER,),
}


def check_pairing(state: GatewayState, actor: Actor, request: BeginPairing) -> PairingGrant:
    """What a code for this request would grant: never more than the asking token has."""
    actor.require_write("it cannot pair a device")
    actor.require_own_token("pair another device")
    actor.require(Permission.PAIR)
    record = state.tokens.get(actor.token)
    if record is None:
        raise Forbidden("Only a member's own token can pair a device.")
    if not set(SCOPES_OF[request.scope]) <= actor.scopes:
        raise Forbidden(
            f"{actor.name} may not answer questions of agents, so neither may a device of {actor.name}. Leave out "
            f"the scope {request.scope}."
        )
    return PairingGrant(actor.name, record.id, request.scope, request.name.strip(), record.expires)


def pair_device(
    state: GatewayState, code: OpenCode, request: PairDevice, origin: str, rule_context: RuleContext
) -> RuleOutcome:
    """Make a browser a device of the member that asked for the code. The device that it was before ends in the same
    commit: it has given up that key, so nobody may find it in the list and take it for one in use."""
    grant = code.grant
    if not is_valid(state.tokens.get(grant.token), rule_context.now) or grant.member not in state.members:
        raise Unauthorized(WRONG_CODE_TEXT)
    before = replaced_device(state, request, origin, rule_context.now)
    others = [one for one in devices_of(state, grant.member, rule_context.now) if one != before]
    if len(others) >= MAX_DEVICES_PER_MEMBER:
        raise Conflict(
            f"{grant.member} has {MAX_DEVICES_PER_MEMBER} devices, which is the maximum. Revoke one; "
            "`groupchat token list` shows them."
        )
    key = DeviceKey(grant.name or request.name.strip() or UNNAMED, request.public_key, grant.scope)
    record = TokenRecord(
        code.device,
        grant.member,
        "",
        rule_context.stamp,
        SCOPES_OF[grant.scope],
        grant.expires,
        read_only=grant.scope is DeviceScope.READER,
        device=key,
    )
    fact = token_event(state, grant.member, grant.member, rule_context, (StateChange("token", record.id, record),))
    ended = () if before is None else _end_events(state, before, record, rule_context)
    return RuleOutcome(DevicePaired(record.id, grant.member, grant.scope, key.name, state.id), (fact, *ended))


def replaced_device(state: GatewayState, request: PairDevice, origin: str, now: float) -> TokenRecord | None:
    """The device that ends with this pairing: the one whose key has signed that. One that has ended already needs no
    proof."""
    wish = request.replaces
    record = None if wish is None else state.tokens.get(wish.device)
    if wish is None or record is None or record.device is None or not is_valid(record, now):
        return None
    text = Replacement(state.id, record.id, origin, request.public_key).text_to_sign()
    if not BrowserKey.of(record.device.public_key).signed(text, wish.signature):
        raise BadRequest("This browser does not hold the key of the device that it wants to replace.")
    return record


def _end_events(
    state: GatewayState, before: TokenRecord, after: TokenRecord, rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    """The end of the device before, which may have been another member's, and its last token."""
    name, ended = before.member, msgspec.structs.replace(before, revoked=True)
    fact = token_event(state, name, name, rule_context, (StateChange("token", ended.id, ended),))
    left = {**state.tokens, ended.id: ended, after.id: after}
    last = not has_own_token(left, name, rule_context.now)
    return (fact, *(leave_without_token(state, name, name, rule_context) if last else ()))


def devices_of(state: GatewayState, member: str, now: float) -> list[TokenRecord]:
    """The devices of a member that are valid now."""
    return [one for one in state.tokens.values() if one.member == member and one.device and is_valid(one, now)]


def identify_device(state: GatewayState, device: str, signature: str, challenged: Challenged, now: float) -> Actor:
    """The actor a device stands for, if it has signed this challenge. All refusals have the same text."""
    record = state.tokens.get(device)
    found = None if record is None else state.members.get(record.member)
    if record is None or record.device is None or found is None or not is_valid(record, now):
        raise Unauthorized(NOT_PAIRED_TEXT)
    if not BrowserKey.of(record.device.public_key).signed(challenged.text_to_sign(device), signature):
        raise Unauthorized(NOT_PAIRED_TEXT)
    return Actor(
        record.member,
        found.member.kind,
        frozenset(record.scopes),
        token=record.id,
        read_only=record.read_only,
        device=True,
    )


def pairing_expiry(code: OpenCode) -> str:
    return iso_from_seconds(code.until)
