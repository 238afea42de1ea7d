"""Decides which web pages may use the gateway through a browser. Pure.

A browser sends in `Origin` where a page came from, and in `Host` what it was told to reach. An attacker can make a name
that they own resolve to this machine (DNS rebinding), so a name in `Host` must be one of ours. An address cannot be
rebound: where the gateway listens on all addresses, any address in `Host` is accepted, since a gateway behind NAT does
not know its public address. The page itself must be ours: from a name or an address of this machine, and from the port
that it asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from gateway.client.discovery.local_defaults import LOOPBACK_NAMES

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
    """The host and port of a page's origin or of the Host header."""

    host: str
    port: int


def normalize_host(name: str) -> str:
    """A name or an address in canonical form."""
    found = address_of(name)
    return name.lower() if found is None else str(found)


def address_of(name: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def requested_host(host: str, *, secure: bool) -> HostPort | None:
    """The host and port in the Host header; None if it is not valid."""
    return _parse_authority(host, PORTS["https" if secure else "http"])


def page_origin(origin: str) -> HostPort | None:
    """The host and port in the Origin header; None unless it holds scheme, host and port only, as browsers write it."""
    scheme, found, authority = origin.partition("://")
    return _parse_authority(authority, PORTS[scheme.lower()]) if found and scheme.lower() in PORTS else None


def _parse_authority(authority: str, usual: int) -> HostPort | None:
    match = _AUTHORITY.fullmatch(authority)
    if match is None or int(match["port"] or 0) > 65535:
        return None
    return HostPort(normalize_host(match["host"]), int(match["port"]) if match["port"] else usual)


def is_own_page(page: HostPort | None, asked: HostPort, hosts: AllowedHosts, here: str) -> bool:
    """Whether `page` is one of ours and may send this request. `here` is the local address that
    received the request."""
    if page is None:
        return False
    if page.host in hosts.allowed:
        return True
    return page.port == asked.port and (page.host in hosts.names or page.host == normalize_host(here))
