"""People watch an agent's terminal: a real gateway, a real sidecar, and a program that paints in a real terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets

from gateway.client import Endpoint
from tests.fakes.retry import retry_until
from tests.gateway.api.test_websocket import Wire, wire_to
from tests.support import warm
from tests.support.gateways import GatewayProcess

pytestmark = pytest.mark.slow
COLUMNS, ROWS = 100, 30
FRAMES = 90
# Paints its rows sixty times a second when it gets a key, and notes all that it has written and the size it was given.
PAINTER = r"""
import os, sys, termios, time, tty
folder = sys.argv[1]
log = open(folder + "/written", "ab", buffering=0)
keys = open(folder + "/keys", "ab", buffering=0)
def write(text):
    data = text.encode()
    log.write(data)
    while data:
        data = data[os.write(1, data):]
def paint(title, number):
    size = os.get_terminal_size(0)
    row = "\x1b[{};1H\x1b[38;5;{}mrow {} of {} {}\x1b[0m\x1b[K"
    rows = [row.format(y + 2, (number + y) % 256, y, title, number) for y in range(20)]
    write(f"\x1b[1;1H\x1b[1m{title} {number}\x1b[0m in {size.columns}x{size.lines}\x1b[K" + "".join(rows))
tty.setraw(0)
paint("ready", 0)
while (key := os.read(0, 1)) != b"q":
    keys.write(key)
    if key == b" ":
        continue
    title = "storm " + key.decode()
    for number in range(int(sys.argv[2])):
        paint(title, number)
        time.sleep(1 / 60)
    paint("done " + key.decode(), 0)
"""


class Pane:
    """The person's side of the terminal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bytes = bytearray()
        self.master, self.slave = os.openpty()
        termios.tcsetwinsize(self.slave, (ROWS, COLUMNS))
        os.set_blocking(self.master, False)
        asyncio.get_running_loop().add_reader(self.master, self._read)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            self.bytes += os.read(self.master, 65536)

    def press(self, key: str) -> None:
        os.write(self.master, key.encode())

    @property
    def size(self) -> tuple[int, int]:
        return termios.tcgetwinsize(self.slave)

    @property
    def written(self) -> bytes:
        return (self.folder / "written").read_bytes()

    @property
    def keys(self) -> bytes:
        return (self.folder / "keys").read_bytes()

    async def shows_all(self) -> None:
        """Every byte of the program has come, and no other."""
        await retry_until(
            lambda: bytes(self.bytes) == self.written, describe=lambda: (len(self.bytes), len(self.written))
        )

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.master)
        os.close(self.master)
        os.close(self.slave)


@contextlib.contextmanager
def pane(folder: Path) -> Iterator[Pane]:
    folder.mkdir(exist_ok=True)
    (folder / "written").write_bytes(b"")
    opened = Pane(folder)
    try:
        yield opened
    finally:
        opened.close()


@contextlib.contextmanager
def sidecar(
    gateway: GatewayProcess, screen: Pane, painter: str = PAINTER, name: str = "painter"
) -> Iterator[warm.Fork]:
    """Its agent paints; it ends when the agent does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GROUPCHAT", "CSP", "TMUX"))}
    env = {**kept, "GROUPCHAT_STATE": str(gateway.state), "TERM": "xterm-256color"}
    program = (sys.executable, "-c", painter, str(screen.folder), str(FRAMES))
    words = ("join", name, "--project", str(screen.folder), "--", *program)
    with open(screen.folder / "sidecar.log", "ab") as log:
        running = warm.Fork(warm.SIDECAR, words, env, (screen.slave, screen.slave, log.fileno()))
    try:
        yield running
    finally:
        screen.press("q")
        running.wait(60)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path / "state").running() as running:
        yield running


class Watcher:
    """Applies pictures as a client does."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.rows: dict[int, str] = {}
        self.pictures: list[dict[str, Any]] = []
        self.states: list[str] = []

    def take(self, frame: dict[str, Any]) -> None:
        if frame.get("ev") == "terminal.state":
            self.states.append(frame["state"])
        if frame.get("ev") != "terminal":
            return
        self.pictures.append(frame)
        if frame.get("whole"):
            self.rows.clear()
        self.rows |= {row["y"]: "".join(run["text"] for run in row["runs"]) for row in frame.get("changed", ())}

    async def until(self, row: int, begin: str) -> None:
        while not self.rows.get(row, "").startswith(begin):
            self.take(await self.wire.next())

    async def state(self, wanted: str) -> None:
        while wanted not in self.states:
            self.take(await self.wire.next())

    async def begin(self, n: int) -> dict[str, Any]:
        await self.wire.say(op="terminal.watch", n=n, member="painter")
        while (frame := await self.wire.next()).get("re") != n:
            self.take(frame)
        return frame


@contextlib.asynccontextmanager
async def watcher(endpoint: Endpoint) -> AsyncIterator[Watcher]:
    async with wire_to(endpoint) as wire:
        yield Watcher(wire)


async def is_known(endpoint: Endpoint, name: str) -> None:
    async with wire_to(endpoint) as wire:
        for n in range(2, 2000):
            found = (await wire.ask(op="members", n=n))["ok"]["agents"]
            if any(one["name"] == name and one.get("presence") == "online" for one in found):
                return
            await asyncio.sleep(0.02)
    raise AssertionError(f"{name} never came")


async def storm(screen: Pane, key: str) -> None:
    screen.press(key)
    await retry_until(lambda: b"done " + key.encode() in screen.written, 60)


async def test_a_storm_of_repaints_is_seen_as_ten_pictures_a_second(gateway: GatewayProcess, tmp_path: Path) -> None:
    with pane(tmp_path / "pane") as screen, sidecar(gateway, screen):
        await is_known(gateway.operator, "painter")
        async with watcher(gateway.operator) as first, watcher(gateway.operator) as second:
            assert (await first.begin(2))["ok"]["state"] == "waiting"
            await first.until(0, "ready 0 in 100x30")
            begin = first.pictures[-1]
            assert (begin["columns"], begin["rows"]) == (COLUMNS, ROWS)
            assert begin["changed"][0]["runs"][0] == {"text": "ready 0", "bold": True}
            begun = asyncio.get_running_loop().time()
            before = len(first.pictures)
            screen.press("a")
            await first.until(0, "done a")
            seconds = asyncio.get_running_loop().time() - begun
            assert len(first.pictures) - before <= seconds / 0.1 + 2  # the first may have been on its way
            await first.until(20, "row 19 of done a 0")
            assert (await second.begin(2))["ok"]["state"] == "live"
            await second.until(20, "row 19 of done a 0")
            assert second.pictures[0]["whole"] is True
            assert second.rows == {y: text for y, text in first.rows.items() if text}
            await first.wire.ask(op="terminal.unwatch", n=3, member="painter")
            screen.press("b")
            await second.until(0, "done b")
            await first.wire.say(op="ping", n=4)
            assert not [frame for frame in await first.wire.until(re=4) if frame.get("ev") == "terminal"]


async def test_nothing_is_felt_in_the_terminal(gateway: GatewayProcess, tmp_path: Path) -> None:
    """The same bytes reach it while nobody watches, while two do, and afterwards."""
    with pane(tmp_path / "pane") as screen, sidecar(gateway, screen):
        await is_known(gateway.operator, "painter")
        await retry_until(lambda: b"ready" in screen.written, 60)
        await storm(screen, "a")
        await screen.shows_all()
        async with watcher(gateway.operator) as one, watcher(gateway.operator) as two:
            for person in (one, two):
                await person.begin(2)
                await person.until(0, "done a")
            await storm(screen, "b")
            await screen.shows_all()
            await one.until(0, "done b")
        await storm(screen, "c")
        await screen.shows_all()
        assert screen.size == (ROWS, COLUMNS)
        assert screen.written.count(b"in 100x30") == screen.written.count(b"row 0 of")


async def test_it_goes_on_after_a_new_sidecar_and_a_new_gateway(gateway: GatewayProcess, tmp_path: Path) -> None:
    with pane(tmp_path / "pane") as screen:
        async with contextlib.AsyncExitStack() as stack:
            one = await stack.enter_async_context(watcher(gateway.operator))
            with sidecar(gateway, screen):
                await is_known(gateway.operator, "painter")
                await one.begin(2)
                await one.until(0, "ready 0")
            await one.state("waiting")
            one.rows.clear()
            with sidecar(gateway, screen):
                await one.until(0, "ready 0")
                gateway.kill()
                with contextlib.suppress(websockets.ConnectionClosed):
                    await one.wire.until(ev="never")
                gateway.start()
                two = await stack.enter_async_context(watcher(gateway.operator))
                await two.begin(2)
                await two.until(0, "ready 0")
                screen.press("z")
                await two.until(0, "done z")
                await works_in(two, screen.folder)


async def works_in(one: Watcher, folder: Path) -> None:
    """The new gateway hears again where the agent works."""
    for n in range(10, 2000):
        why = (await one.wire.ask(op="why", n=n, member="painter"))["ok"]["agents"][0]
        if why["folder"] == str(folder):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(why)


async def test_a_key_from_afar_is_pressed_unless_a_person_types(gateway: GatewayProcess, tmp_path: Path) -> None:
    """Its Ctrl-A begins a storm of the painter; the person's key keeps the next one out, and its sender is told so."""
    with pane(tmp_path / "pane") as screen, sidecar(gateway, screen):
        await is_known(gateway.operator, "painter")
        async with watcher(gateway.operator) as one:
            await one.begin(2)
            await one.until(0, "ready 0")
            answer = await one.wire.ask(op="terminal.key", n=3, member="painter", key="^A")
            await one.until(0, "done")
            assert b"storm \x01" in screen.written
            (order,) = [frame for frame in await log_of(gateway, one) if frame.get("seq") == answer["ok"]["seq"]]
            assert (order["ev"], order["action"], order["text"], order["careful"]) == ("control", "keys", "^A", True)
            typing = asyncio.get_running_loop().create_task(keep_typing(screen), name="a person types")
            await retry_until(lambda: b" " in screen.keys)
            await one.wire.say(op="terminal.key", n=5, member="painter", key="^C")
            told = (await one.wire.until(ev="message"))[-1]
            typing.cancel()
            assert "given no keys: a person is typing in its terminal" in told["content"]
            assert b"\x03" not in screen.keys


async def keep_typing(screen: Pane) -> None:
    while True:
        screen.press(" ")
        await asyncio.sleep(0.05)


async def log_of(gateway: GatewayProcess, one: Watcher) -> list[dict[str, Any]]:
    return list((await one.wire.ask(op="events", n=4))["ok"]["events"])


async def test_a_revoked_token_sees_nothing_more(gateway: GatewayProcess, tmp_path: Path) -> None:
    with pane(tmp_path / "pane") as screen, sidecar(gateway, screen):
        await is_known(gateway.operator, "painter")
        async with wire_to(gateway.operator) as operator:
            made = await operator.ask(op="token.create", n=2, name="bob", kind="human", scopes=["approver"])
            async with watcher(Endpoint(gateway.url, made["ok"]["token"])) as bob:
                await bob.begin(2)
                await bob.until(0, "ready 0")
                await operator.ask(op="token.revoke", n=3, name="bob")
                with pytest.raises(websockets.ConnectionClosed):
                    await bob.wire.until(ev="never")
