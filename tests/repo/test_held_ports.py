"""A port that the tests hold is given to no other program, and to the server that it is held for."""

from __future__ import annotations

import socket
import sys

import pytest

from tests.support.held_ports import free_port, hold_port


def test_a_held_port_refuses_and_lets_its_server_in_again_and_again() -> None:
    place = ("127.0.0.1", free_port())
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(place)
        with socket.create_server(place), socket.create_connection(place):
            pass
        hold_port(place[1])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the holder would keep servers out")
def test_nobody_else_gets_a_held_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for held in (free_port(), port):
        hold_port(held)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", held))
