"""Which headers of an HTTP request of the Model Context Protocol are forwarded to its server, and which of the response
go back. Only what the protocol needs is forwarded: no cookie, no token, no client address."""

from __future__ import annotations

from collections.abc import Mapping

WAIT_HEADER = "x-groupchat-patience"  # after how many seconds the client gives up on a tool
_FORWARDED_HEADERS = (
    WAIT_HEADER,
    *("content-type", "accept", "last-event-id"),
    *("mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name"),
)
_RETURNED_HEADERS = ("content-type", "mcp-session-id", "cache-control", "allow")


def forwarded_headers(given: Mapping[str, str]) -> dict[str, str]:
    return {name: given[name] for name in _FORWARDED_HEADERS if name in given}


def returned_headers(given: Mapping[str, str]) -> dict[str, str]:
    return {name: given[name] for name in _RETURNED_HEADERS if name in given}
