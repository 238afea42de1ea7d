"""Decides which connections stay open before they authenticate. Pure: time is an argument.

A new connection belongs to nobody. It becomes a member's with its first valid token, or a guest's where a listener
admits guests. When too many connections have not authenticated, the oldest is closed, not the newest: a client with a
token sends it at once, so many idle connections keep nobody out.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

RESERVED_DESCRIPTORS = 64  # descriptors for the store, the log, listeners and pipes
MAX_UNPROVEN = 1024
MAX_GUEST_CONNECTIONS = 512
MIN_CONNECTIONS = 8
MIN_LOOP_TURNS = 16  # loop turns that each stranger gets at least, however many others arrive


@dataclass(frozen=True)
class ConnectionLimits:
    """How many connections of each kind there may be at a time."""

    strangers: int = MAX_UNPROVEN
    strangers_of_one_peer: int = MAX_UNPROVEN // 4
    guests: int = MAX_GUEST_CONNECTIONS
    members: int = 8 * MAX_UNPROVEN
    of_one_member: int = 4 * MAX_UNPROVEN

    @staticmethod
    def of(descriptors: int) -> ConnectionLimits:
        """Limits for this many descriptors: a quarter for strangers and a quarter for guests, who may use two per
        connection (MCP calls are forwarded to another process); the rest is for members."""
        free = max(MIN_CONNECTIONS * 8, descriptors - RESERVED_DESCRIPTORS)
        strangers, guests = min(MAX_UNPROVEN, free // 4), min(MAX_GUEST_CONNECTIONS, free // 8)
        members = free - strangers - 2 * guests
        return ConnectionLimits(
            strangers, max(MIN_CONNECTIONS, strangers // 4), guests, members, max(MIN_CONNECTIONS, members // 2)
        )

    @property
    def at_once(self) -> int:
        """How many connections are accepted in one loop turn."""
        return max(1, self.strangers // MIN_LOOP_TURNS)


@dataclass(frozen=True)
class UnprovenConnection:
    peer: str
    until: float


class AdmissionControl:
    """Connections by their descriptors. Each method returns those that must be closed."""

    def __init__(self, bounds: ConnectionLimits) -> None:
        self.bounds = bounds
        self.strangers: dict[int, UnprovenConnection] = {}  # oldest first, like the other tables
        self.guests: dict[int, None] = {}
        self._refused: dict[int, None] = {}
        self._of_peer: dict[str, dict[int, None]] = defaultdict(dict)
        self._of_member: dict[str, dict[int, None]] = defaultdict(dict)
        self._member: dict[int, str] = {}

    @property
    def members(self) -> int:
        return len(self._member)

    def add_connection(self, number: int, stranger: UnprovenConnection) -> list[int]:
        of_peer = self._of_peer.get(stranger.peer, {})
        dropped: list[int] = []
        if stranger.peer and len(of_peer) >= self.bounds.strangers_of_one_peer:
            dropped.append(self._forget_connection(next(iter(of_peer))))
        if len(self.strangers) >= self.bounds.strangers:
            dropped.append(self._forget_connection(next(iter(self._refused or self.strangers))))
        self.strangers[number] = stranger
        self._of_peer[stranger.peer][number] = None
        return dropped

    def mark_proven(self, number: int, member: str) -> list[int]:
        """Mark the connection as a member's. If there are too many, the member with the most connections loses one."""
        if self._member.get(number) == member or not self._is_tracked(number):
            return []
        self.remove_connection(number)
        self._member[number] = member
        self._of_member[member][number] = None
        if len(self._of_member[member]) > self.bounds.of_one_member:
            return [self._forget_connection(next(iter(self._of_member[member])))]
        if len(self._member) > self.bounds.members:
            most = max(self._of_member.values(), key=len)
            return [self._forget_connection(next(iter(most)) if len(most) > 1 else number)]
        return []

    def mark_guest(self, number: int) -> list[int]:
        """Mark the connection as a guest's: a listener admits it without a token."""
        if number not in self.strangers:
            return []
        self.remove_connection(number)
        self.guests[number] = None
        return [self._forget_connection(next(iter(self.guests)))] if len(self.guests) > self.bounds.guests else []

    def mark_refused(self, number: int) -> None:
        """Mark the connection as refused: it is the first to be closed."""
        if number in self.strangers:
            self._refused[number] = None

    def remove_connection(self, number: int) -> None:
        self._refused.pop(number, None)
        if (stranger := self.strangers.pop(number, None)) is not None:
            _remove_from_group(self._of_peer, stranger.peer, number)
        if (member := self._member.pop(number, None)) is not None:
            _remove_from_group(self._of_member, member, number)
        self.guests.pop(number, None)

    def overdue(self, now: float) -> list[int]:
        return [
            self._forget_connection(one) for one, stranger in tuple(self.strangers.items()) if stranger.until <= now
        ]

    def all_unproven(self) -> list[int]:
        """No descriptors are left: close all connections that are not members'."""
        return [self._forget_connection(one) for one in tuple(self.strangers)]

    def _is_tracked(self, number: int) -> bool:
        return number in self.strangers or number in self.guests or number in self._member

    def _forget_connection(self, number: int) -> int:
        self.remove_connection(number)
        return number


def _remove_from_group(groups: dict[str, dict[int, None]], name: str, number: int) -> None:
    groups[name].pop(number, None)
    if not groups[name]:
        del groups[name]


def peer_of(address: object) -> str:
    """What counts as one peer: an address or, for IPv6, the network of one household. All connections of this machine
    share one peer with no limit of its own, since the address does not tell which of them are members'."""
    host = address[0] if isinstance(address, tuple) and address else ""
    try:
        found = ip_address(str(host).partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    if found.is_loopback:
        return ""
    return str(found) if found.version == 4 else str(IPv6Address(int(found) >> 64 << 64))
