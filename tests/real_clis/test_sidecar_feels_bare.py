"""The real claude through the sidecar shows a person exactly what it shows alone."""

import contextlib
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import CLIS, Place
from tests.support.gateways import GatewayProcess

ROOT = Path(__file__).parents[2]
CLAUDE = CLIS["claude"]
_RESTLESS = re.compile(r"^[ ▀-▟]+(?=[A-Z/]|$)|\S*/work\S*|✻ .*|\S \w+ · /effort|· ← for agents|· \? for .*")
pytestmark = pytest.mark.slow


@contextlib.asynccontextmanager
async def claude(folder: Path, *wrapper: str, state: Path | None = None) -> AsyncIterator[tuple[Terminal, Model]]:
    for name in ("home", "work"):
        (folder / name).mkdir(parents=True)
    async with Model(CLAUDE.dialect()) as model, outside() as world:
        launch = CLAUDE.launch(Place(folder / "home", folder / "work", model.url), CLAUDE.program)
        env = {**launch.env, **world.env, "PYTHONPATH": str(ROOT)} | ({"GROUPCHAT_STATE": str(state)} if state else {})
        async with terminal((*wrapper, *launch.argv), env, cwd=folder / "work") as pane:
            await pane.shows(CLAUDE.ready, 60)
            yield pane, model


async def screens(pane: Terminal, model: Model) -> list[list[str]]:
    """After the start, a draft, an answer, and leaving the draft again."""
    model.script(Reply("The answer, in **bold** and `code`."))
    seen = []
    for keys, there in (("half a thought", True), ("\x15", False), ("half a question", True)):
        pane.write(keys)
        await retry_until(lambda there=there: ("half a" in pane.screen) is there, describe=pane.describe)  # type: ignore[misc]
        seen.append(_timeless(pane))
    await retry_until(lambda: _answered(pane), describe=pane.describe)
    return [*seen, _timeless(pane)]


def _answered(pane: Terminal) -> bool:
    """Enter may be lost while it starts: pressed again as a person would, while the text stands in the box."""
    if "The answer" not in pane.screen and re.search(r"❯.half a question", pane.screen):
        pane.write("\r")
    return re.search(r"✻ \w+ for", pane.screen) is not None


def _timeless(pane: Terminal) -> list[str]:
    """Its animated mascot, hints that come and go, folders and seconds differ by themselves; nothing else may."""
    rows = [_RESTLESS.sub("", row).rstrip() for row in pane.rows]
    return [row for row in rows if row.strip()]


async def test_every_screen_is_that_of_claude_alone(tmp_path: Path) -> None:
    if CLAUDE.missing:
        pytest.skip(CLAUDE.missing)
    gateway = GatewayProcess(tmp_path / "state")
    join = (sys.executable, "-P", "-m", "sidecar.cli", "join", "claude", "--agent", "claude", "--")
    with gateway.running():
        async with (
            claude(tmp_path / "alone") as alone,
            claude(tmp_path / "wrapped", *join, state=gateway.state) as ours,
        ):
            assert await screens(*alone) == await screens(*ours)
            for number in (25, 1049, 2004, 1004):
                assert alone[0].mode(number) == ours[0].mode(number)
