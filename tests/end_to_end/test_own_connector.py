"""The connector of one's own in the guide works as it stands there: found by its entry point, asked, and answering."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from gateway.client import Client
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.results import MemberList
from tests.fakes.retry import retry_until_awaited
from tests.support.gateways import TEAM_TOKEN, GatewayProcess

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "connectors.md"
PATIENCE_S = 60


def install(folder: Path) -> None:
    """As `pip install` would: the module, and what the installed package says of its entry points."""
    text = GUIDE.read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (project,) = re.findall(r"```toml\n# pyproject.toml beside it\n(.*?)```", text, re.DOTALL)
    (point,) = re.findall(r'\[project\.entry-points\."(.*?)"\]\n(.*)', project)
    assert len(code.splitlines()) <= 30
    (folder / "shouting.py").write_text(code)
    info = folder / "shouting-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1\n")
    name, _, target = point[1].partition(" = ")
    (info / "entry_points.txt").write_text(f"[{point[0]}]\n{name} = {target.strip(chr(34))}\n")


async def is_here(client: Client, name: str) -> bool:
    members = (await client.request(Members(), MemberList)).agents
    return any(one.name == name and one.activity == "idle" for one in members)


async def test_the_connector_of_the_guide(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    install(site)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GROUPCHAT", "CSP", "TMUX"))}
    with GatewayProcess(tmp_path / "state").running() as gateway:
        env = {**kept, "GROUPCHAT_STATE": str(gateway.state), "CSP_GATEWAY_URL": gateway.url}
        env |= {"CSP_AUTH_TOKEN": TEAM_TOKEN, "PYTHONPATH": os.pathsep.join((str(ROOT), str(site)))}
        words = ("connect", "ben", "--to", "shouting", "--model", "?")
        process = subprocess.Popen([sys.executable, "-P", "-m", "sidecar.cli", *words], env=env, cwd=tmp_path)
        try:
            async with Client(gateway.operator, Hello()) as alice:
                await retry_until_awaited(lambda: is_here(alice, "ben"))
                sent = await alice.send("who is there", to="@ben")
                async for event in alice.events():
                    if isinstance(event, Message) and event.reply_to == sent.seq:
                        assert event.content == "WHO IS THERE ?"
                        break
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)
