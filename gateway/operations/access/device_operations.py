"""Requests about devices: a code for a browser, and what it is exchanged for."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.access.signatures import BrowserKey
from gateway.protocol.browser_frames import PairDevice
from gateway.protocol.requests.member_requests import BeginPairing
from gateway.protocol.results import PairingBegun, Result
from gateway.protocol.text.text_validation import check_request
from gateway.rooms import devices
from gateway.runtime import departed_member_deliveries
from gateway.runtime.hub import Hub


async def answer_begin_pairing(hub: Hub, actor: Actor, request: BeginPairing) -> PairingBegun:
    grant = devices.check_pairing(hub.state, actor, request)
    code, made = hub.pairings.begin(grant, hub.entropy(), hub.now)
    return PairingBegun(code, made.device, grant.scope, devices.pairing_expiry(made))


async def pair_browser(hub: Hub, request: PairDevice, origin: str) -> Result:
    """Exchange a code for a device. A request that is not valid in itself does not use up the code. A wrong code is
    refused before anything else of the request is looked at."""
    if hub.forwarder is not None:
        paired: Result = await hub.forwarder.pair(request, origin)
        return paired
    code = hub.pairings.find(request.code, hub.now)
    check_request(request)
    BrowserKey.of(request.public_key)
    before = devices.replaced_device(hub.state, request, origin, hub.now)
    hub.pairings.use_up(request.code)
    paired = await hub.carry_out(devices.pair_device(hub.state, code, request, origin, hub.rule_context()))
    if before is not None and before.member in departed_member_deliveries.departed_names(hub.state, hub.now):
        await departed_member_deliveries.end_deliveries_of(
            hub, before.member, f"{before.member} has no valid token any more"
        )
    return paired
