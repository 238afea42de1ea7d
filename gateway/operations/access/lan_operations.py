"""Requests to open the page to the local network, and to close it again. Only administrators may, and no browser."""

from __future__ import annotations

from gateway.access.permissions import Actor, Permission
from gateway.protocol.errors import Conflict
from gateway.protocol.requests.connection_requests import CloseLanPage, OpenLanPage
from gateway.protocol.results import LanPage
from gateway.runtime.hub import Hub


async def answer_open_lan_page(hub: Hub, actor: Actor, request: OpenLanPage) -> LanPage:
    _check_may_open(actor)
    return await hub.lan.open(request.address)


async def answer_close_lan_page(hub: Hub, actor: Actor, request: CloseLanPage) -> LanPage:
    _check_may_open(actor)
    if (closed := await hub.lan.close()) is None:
        raise Conflict("The page is not open to any network.")
    return closed


def _check_may_open(actor: Actor) -> None:
    actor.require_own_token("open the page to a network")
    actor.require(Permission.ADMINISTER)
