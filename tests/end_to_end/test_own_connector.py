"""The connector of one's own in the guide works as it stands there: found by its entry point, asked, and answering."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.client import Client
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.message_requests import Show
from gateway.protocol.results import MemberList, MessageDetail
from tests.fakes.retry import retry_until_awaited
from tests.support.gateways import TEAM_TOKEN, GatewayProcess

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "connectors.md"
PATIENCE_S = 60


FAULTY = """
class Faulty:
    def __init__(self, settings):
        pass

    async def answer(self, question):
        yield "half"
        raise ValueError("why it failed")
"""


def install(folder: Path) -> None:
    """As `pip install` would: the module, and what the installed package says of its entry points."""
    text = GUIDE.read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (project,) = re.findall(r"```toml\n# pyproject.toml beside it\n(.*?)```", text, re.DOTALL)
    (point,) = re.findall(r'\[project\.entry-points\."(.*?)"\]\n(.*)', project)
    assert len(code.splitlines()) <= 30
    (folder / "shouting.py").write_text(code)
    (folder / "faulty.py").write_text(FAULTY)
    info = folder / "shouting-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1\n")
    name, _, target = point[1].partition(" = ")
    points = f"[{point[0]}]\n{name} = {target.strip(chr(34))}\nfaulty = faulty:Faulty\n"
    (info / "entry_points.txt").write_text(points)


async def is_here(client: Client, name: str) -> bool:
    members = (await client.request(Members(), MemberList)).agents
    return any(one.name == name and one.activity == "idle" for one in members)


@dataclass
class Room:
    """A person, who talks to a connector of one's own that is called ben."""

    alice: Client
    state: Path

    async def ask(self, text: str) -> int:
        await retry_until_awaited(lambda: is_here(self.alice, "ben"))
        return (await self.alice.send(text, to="@ben")).seq


@contextlib.asynccontextmanager
async def room_with(tmp_path: Path, kind: str) -> AsyncIterator[Room]:
    site = tmp_path / "site"
    site.mkdir()
    install(site)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GROUPCHAT", "CSP", "TMUX"))}
    with GatewayProcess(tmp_path / "state").running() as gateway:
        env = {**kept, "GROUPCHAT_STATE": str(gateway.state), "CSP_GATEWAY_URL": gateway.url}
        env |= {"CSP_AUTH_TOKEN": TEAM_TOKEN, "PYTHONPATH": os.pathsep.join((str(ROOT), str(site)))}
        words = ("connect", "ben", "--to", kind, "--model", "?")
        process = subprocess.Popen([sys.executable, "-P", "-m", "sidecar.cli", *words], env=env, cwd=tmp_path)
        try:
            async with Client(gateway.operator, Hello()) as alice:
                yield Room(alice, gateway.state)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)


async def test_the_connector_of_the_guide(tmp_path: Path) -> None:
    async with room_with(tmp_path, "shouting") as room:
        number = await room.ask("who is there")
        async for event in room.alice.events():
            if isinstance(event, Message) and event.reply_to == number:
                assert event.content == "WHO IS THERE ?"
                break


async def test_a_fault_of_a_connector_ends_the_message_and_its_log_says_where(tmp_path: Path) -> None:
    async with room_with(tmp_path, "faulty") as room:
        number = await room.ask("who is there")

        async def reason() -> str:
            detail = await room.alice.request(Show(message=number), MessageDetail)
            return detail.deliveries[0].reason

        await retry_until_awaited(lambda: _begins(reason, "the connector failed"))
        logged = (room.state / "sidecars" / "ben" / "sidecar.log").read_text()
    assert "faulty.py" in logged
    assert "ValueError: why it failed" in logged


async def _begins(reason: Callable[[], Awaitable[str]], text: str) -> bool:
    return (await reason()).startswith(text)
