"""The socket between a process and its supervisor."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from gateway.process_basics.supervisor_socket import SupervisorSocket, inherited_socket


@pytest.mark.parametrize("place", ["", "7", "seven:{parent}", "-1:{parent}", "{fd}:{own}", "{fd}:", "{fd}:{parent}x"])
def test_a_socket_of_somebody_else_is_not_taken(place: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert inherited_socket(place.format(fd=ours.fileno(), own=os.getpid(), parent=os.getppid())) is None


def test_the_socket_of_our_own_parent_is_taken_and_not_passed_on() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        os.set_inheritable(ours.fileno(), True)
        taken = inherited_socket(f"{ours.detach()}:{os.getppid()}")
        assert taken is not None
        with taken:
            assert not taken.get_inheritable()
            SupervisorSocket(taken).tell("ended 0")
            assert theirs.recv(100) == b"ended 0\n"


async def test_a_supervisor_that_is_gone_is_seen_once_and_told_nothing() -> None:
    ours, theirs = socket.socketpair()
    gone = asyncio.Event()
    with ours:
        link = SupervisorSocket(ours)
        with link.watch_supervisor(gone.set):
            theirs.close()
            async with asyncio.timeout(60):
                await gone.wait()
        link.tell("ended 0")


async def test_without_a_supervisor_nobody_is_told_anything() -> None:
    link, gone = SupervisorSocket(), asyncio.Event()
    link.tell("ended 0")
    with link.watch_supervisor(gone.set):
        await asyncio.sleep(0)
    assert not gone.is_set()
