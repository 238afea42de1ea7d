"""Which address may be opened to a local network: one of a private network, which ends at its router. Pure."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from gateway.protocol.errors import BadRequest

PRIVATE_NETWORKS = tuple(
    ip_network(one)
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "127.0.0.0/8")
)


def check_private_address(text: str) -> str:
    """The address in its canonical form. A name, a public address and all addresses together are refused."""
    try:
        found = ip_address(text.strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        raise BadRequest(f"{text[:100]!r} is no address. Name one of this machine, such as 192.168.1.5.") from None
    address = (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
    if not any(address in network for network in PRIVATE_NETWORKS):
        raise BadRequest(
            f"{address} is no address of a private network, so it is not opened: others than your own network could "
            "reach it. docs/guides/phone.md says how to reach the gateway from elsewhere."
        )
    return str(address)
