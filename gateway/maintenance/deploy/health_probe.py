"""Asks the gateway of the state folder whether it is well, for the health checks of containers: ends with 0 if it is.

A new process each few seconds, so only the standard library. It asks over the gateway's own socket, with the operator's
token, as every program of ours does: nobody gets an answer about the gateway's health without a token.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

TIMEOUT_S = 4.0


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def main() -> int:
    try:
        status, text = ask_health(os.environ)
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        sys.stderr.write(f"The gateway does not answer: {type(error).__name__}: {error}\n")
        return 1
    sys.stderr.write(f"{text}\n")
    return 0 if status == http.client.OK else 1


def ask_health(env: Mapping[str, str]) -> tuple[int, str]:
    """The status and the body of the gateway's answer."""
    state = Path(env["GROUPCHAT_STATE"])
    running = json.loads((state / "gateway.json").read_text())
    token = (state / "tokens" / "people" / running["operator"]).read_text().strip()
    connection = SocketConnection(running["socket"])
    try:
        connection.request("GET", "/health", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
