"""The parts of the Skynet listener that its WebSocket and its REST interface share."""

from __future__ import annotations

import time

from aiohttp import web

from gateway.access.permissions import Actor
from gateway.access.rate_limit import TokenBuckets
from gateway.dialects.anonymous_access import caller_of
from gateway.dialects.guest_admission import GuestAdmission
from gateway.dialects.skynet.connected_agents import AgentRegistry
from gateway.dialects.skynet.name_mapping import SKYNET
from gateway.dialects.skynet.settings import SkynetSettings
from gateway.dialects.skynet.wire.extra_fields import fields_for_readers
from gateway.dialects.skynet.wire.frames import Payload, WireMessage
from gateway.protocol import codec
from gateway.protocol.errors import TooLarge, Unauthorized
from gateway.protocol.types.core_types import MAX_CONTENT_BYTES
from gateway.runtime.hub import Hub


class SkynetState:
    def __init__(self, hub: Hub, settings: SkynetSettings) -> None:
        self.hub = hub
        self.settings = settings
        self.agents = AgentRegistry(hub, settings.heartbeat_s)
        self.admission = GuestAdmission(hub, SKYNET)
        self._sends = TokenBuckets(settings.rate)

    async def caller_of(self, request: web.Request, *, reads: bool = False) -> Actor | None:
        """The member that the token belongs to; None without a token, where that is allowed."""
        caller = await caller_of(request, reads=reads)
        if caller is None and self.settings.token_required:
            raise Unauthorized(
                "This gateway accepts Skynet clients only with a token: `Authorization: Bearer TOKEN`, "
                "`X-Auth-Token: TOKEN`, `?token=TOKEN`, or `/t/TOKEN` before the path."
            )
        return caller

    def check_send(self, name: str, message: WireMessage) -> None:
        """The limits of the configuration file, beside those that every member has."""
        limit = self.settings.max_message_bytes
        if limit < MAX_CONTENT_BYTES and (size := payload_size(message.payload)) > limit:
            raise TooLarge(f"The message has {size} bytes; the maximum is {limit}.")
        self._sends.take(name, time.monotonic())


def payload_size(payload: Payload) -> int:
    """The size of what the sender says: a text in UTF-8, structured content and its own fields as JSON."""
    content, own = payload.content, (fields_for_readers(payload.context), fields_for_readers(payload.meta))
    text = content.encode() if isinstance(content, str) else codec.encode(content)
    return len(text) + sum(len(codec.encode(one)) for one in own if one)


SERVICE: web.AppKey[SkynetState] = web.AppKey("skynet", SkynetState)
