"""The terminal of the tests shows all that a program has written by the time that it has ended."""

from __future__ import annotations

import asyncio
import sys

from tests.fakes.terminal import terminal


async def test_the_last_words_of_a_program_are_on_the_screen_when_it_has_ended() -> None:
    async with terminal((sys.executable, "-c", "input(); print('last words')"), {}) as pane:
        asyncio.get_running_loop().remove_reader(pane.process.fd)  # as if this process were late
        pane.write("\r")
        assert await pane.ends() == 0
        assert "last words" in pane.screen
