"""Ports of loopback that the system gives to nobody else.

Between the choice of a port and the start of its server, and while a server is down that comes back at the same port,
the system may give it to any other program. So a socket holds it, which never listens: whoever asks there is refused,
and servers are let in beside it, because they reuse addresses.
"""

from __future__ import annotations

import atexit
import contextlib
import socket
import sys

MAX_HELD = 64
_HELD: dict[int, socket.socket] = {}


def free_port() -> int:
    """One at which nobody listens."""
    return _hold(0)


def hold_port(port: int) -> None:
    """That of a server that has ended, and may come back."""
    if port not in _HELD:
        with contextlib.suppress(OSError):  # somebody was quicker
            _hold(port)


def _hold(port: int) -> int:
    holder = socket.socket()
    try:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        port = int(holder.getsockname()[1])
    except OSError:
        holder.close()
        raise
    if sys.platform != "linux":  # there the holder would keep servers out
        holder.close()
        return port
    _HELD[port] = holder
    if len(_HELD) > MAX_HELD:
        _HELD.pop(next(iter(_HELD))).close()
    return port


@atexit.register
def _release_all() -> None:
    while _HELD:
        _HELD.popitem()[1].close()
