"""Opens the page of the gateway to the local network, and closes it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.connection_requests import CloseLanPage, OpenLanPage
from gateway.protocol.results import LanPage

if TYPE_CHECKING:
    from gateway.client import Client

NOWHERE = ("192.0.2.1", 9)  # an address for documentation, which leads out of this machine


def own_network_address() -> str:
    """The address of this machine in the network through which it reaches others. No packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(NOWHERE)
        except OSError:
            raise BadRequest("This machine is in no network. Name its address: --lan 192.168.1.5.") from None
        return str(probe.getsockname()[0])


async def open_lan_page(client: Client, address: str) -> LanPage:
    return await client.request(OpenLanPage(address=address), LanPage)


async def close_lan_page(client: Client) -> LanPage:
    return await client.request(CloseLanPage(), LanPage)
