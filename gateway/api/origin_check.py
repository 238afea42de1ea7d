"""Which pages may use the gateway through a browser. Pure.

A browser says by `Origin` where a page came from, and by `Host` what it was told to reach. A name can be led to this
machine by whoever owns it (a rebound name), so a name must be one of ours. An address cannot: in `Host` any will do
where all addresses are listened on, since a gateway behind a translated address does not know its own. But a page must
be really ours: from a name or an address that is this machine's, and from the port that it asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from gateway.client.discovery.local_addresses import LOOPBACK_NAMES

PORTS = {"http": 80, "https": 443}
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[\w.-]{1,255})(?::(?P<port>[0-9]{1,5}))?", re.ASCII)


@dataclass(frozen=True)
class AllowedHosts:
    """The names this gateway answers to; `allowed` are those that its operator added."""

    names: frozenset[str]
    addresses: bool = False
    allowed: frozenset[str] = frozenset()

    @staticmethod
    def of(bound: str, allowed: Iterable[str], machine: str) -> AllowedHosts:
        chosen = frozenset(normalize_host(name) for name in allowed)
        names = {*LOOPBACK_NAMES, *chosen}
        if bound in LOOPBACK_NAMES:
            return AllowedHosts(frozenset(names), allowed=chosen)
        return AllowedHosts(frozenset({*names, normalize_host(bound), machine.lower()}), addresses=True, allowed=chosen)

    def __contains__(self, name: str) -> bool:
        return name in self.names or (self.addresses and address_of(name) is not None)


@dataclass(frozen=True)
class HostPort:
    """Where a page came from, or what was asked for."""

    host: str
    port: int


def normalize_host(name: str) -> str:
    """A name or an address in its one usual form."""
    found = address_of(name)
    return name.lower() if found is None else str(found)


def address_of(name: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def requested_host(host: str, *, secure: bool) -> HostPort | None:
    """What the Host header names; None where it names nothing."""
    return _parse_authority(host, PORTS["https" if secure else "http"])


def page_origin(origin: str) -> HostPort | None:
    """What the Origin header names: scheme, host and port and nothing else, as browsers write it."""
    scheme, found, authority = origin.partition("://")
    return _parse_authority(authority, PORTS[scheme.lower()]) if found and scheme.lower() in PORTS else None


def _parse_authority(authority: str, usual: int) -> HostPort | None:
    match = _AUTHORITY.fullmatch(authority)
    if match is None or int(match["port"] or 0) > 65535:
        return None
    return HostPort(normalize_host(match["host"]), int(match["port"]) if match["port"] else usual)


def is_own_page(page: HostPort | None, asked: HostPort, hosts: AllowedHosts, here: str) -> bool:
    """Whether a page from there may ask this. `here` is the address of ours at which the request came in."""
    if page is None:
        return False
    if page.host in hosts.allowed:
        return True
    return page.port == asked.port and (page.host in hosts.names or page.host == normalize_host(here))
