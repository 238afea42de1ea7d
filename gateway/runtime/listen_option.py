"""The addresses where a gateway listens for clients of other systems: `agentchat=127.0.0.1:9999`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.client.discovery.local_defaults import LOOPBACK_NAMES
from gateway.protocol.errors import BadRequest

THIS_MACHINE = "127.0.0.1"
DIALECTS = ("agentchat", "ai-connect", "mcp", "skynet")
SCHEMES = {"mcp": "http"}  # all other dialects use a WebSocket


@dataclass(frozen=True)
class Listen:
    """One dialect at one address."""

    dialect: str
    host: str
    port: int

    @property
    def local(self) -> bool:
        return self.host in LOOPBACK_NAMES

    def url(self, port: int, secure: bool) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{SCHEMES.get(self.dialect, 'ws')}{'s' if secure else ''}://{host}:{port}"


def listen_at(text: str) -> Listen:
    """`DIALECT=HOST:PORT`, or `DIALECT=PORT` on this machine alone."""
    dialect, _, place = text.strip().partition("=")
    if dialect not in DIALECTS:
        near = difflib.get_close_matches(dialect, DIALECTS, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]}?" if near else f" There is: {', '.join(DIALECTS)}."
        raise BadRequest(f"{dialect[:40]!r} is not a dialect.{hint}", nearest=near)
    host, colon, port = place.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port[:6]) > 65535 or (colon and not host):
        raise BadRequest(f"{text[:80]!r} is not a valid listen option. Use {dialect}=HOST:PORT or {dialect}=PORT.")
    return Listen(dialect, host.removeprefix("[").removesuffix("]").lower() if colon else THIS_MACHINE, int(port))


def once_each(listen: Iterable[Listen]) -> None:
    """A dialect has one address, so that all its clients meet."""
    seen: set[str] = set()
    for one in listen:
        if one.dialect in seen:
            raise BadRequest(f"--listen {one.dialect} is given twice. Give it once.")
        seen.add(one.dialect)
