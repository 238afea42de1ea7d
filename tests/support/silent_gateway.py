"""A state folder of a fake gateway that accepts connections and does not answer, or answers only hello."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, unix_serve

from gateway.client.discovery.endpoint import OPERATOR_TOKENS_FOLDER
from gateway.client.discovery.local_socket import GATEWAY_SOCKET, listen_at_path
from gateway.client.discovery.running_gateway import GATEWAY_FILE, LOCK_FILE, RunningGateway
from gateway.files.private_files import write_private
from gateway.protocol import codec
from gateway.protocol.events import Welcome
from gateway.protocol.results import Answer
from gateway.protocol.types.core_types import Member, MemberKind

URL = "http://127.0.0.1:9"
OPERATOR = "alice"


@contextmanager
def folder_of_a_gateway(state: Path) -> Iterator[Path]:
    """The path for its socket. The lock is held as by a running gateway."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = state / GATEWAY_SOCKET
    running = RunningGateway(URL, os.getpid(), OPERATOR, socket=str(place))
    write_private(state / GATEWAY_FILE, msgspec.json.encode(running).decode())
    write_private(state / OPERATOR_TOKENS_FOLDER / OPERATOR, "gc_token_for_tests")
    write_private(state / LOCK_FILE, "")
    with (state / LOCK_FILE).open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield place


@contextmanager
def taking_connections(state: Path) -> Iterator[None]:
    """The system accepts connections; nobody reads."""
    with folder_of_a_gateway(state) as place, contextlib.closing(listen_at_path(place)) as listener:
        listener.listen(256)
        yield


@contextmanager
def answering_hello_alone(state: Path) -> Iterator[None]:
    with folder_of_a_gateway(state) as place, contextlib.closing(listen_at_path(place)) as listener:
        listener.listen(256)
        with unix_serve(_hello_alone, sock=listener) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join(10)


def _hello_alone(socket: ServerConnection) -> None:
    welcome = Welcome(1, Member(OPERATOR, MemberKind.HUMAN), (), (), 0)
    with contextlib.suppress(ConnectionClosed):
        socket.recv()
        socket.send(codec.encode(Answer(0, codec.encode_raw(welcome))), text=True)
        for _ in socket:
            pass
