"""The default port of a gateway, and the names of this machine. Pure."""

from __future__ import annotations

DEFAULT_PORT = 8765
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
