"""Names a file by a key: the same for each agent of this machine that writes it, and nothing can be read from it.

The same path on two machines is not the same file, so the machine is part of it.
"""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

KEY_CHARS = 32
_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


def machine_id(places: tuple[Path, ...] = _MACHINE_IDS) -> str:
    """The id of this installation; where there is none, the name of the host."""
    for place in places:
        try:
            if found := place.read_text(encoding="ascii").strip():
                return found
        except (OSError, ValueError):
            continue
    return socket.gethostname()


def file_key(machine: str, path: str) -> str:
    """`path` has no links in it."""
    return hashlib.sha256(f"{machine}\0{path}".encode(errors="surrogateescape")).hexdigest()[:KEY_CHARS]
