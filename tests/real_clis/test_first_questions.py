"""What the desk foresees of a CLI's first questions is what the real one then asks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.models.model import Model
from tests.fakes.outside import outside
from tests.fakes.terminal import terminal
from tests.real_clis.homes import CLIS, Launch, Place

pytestmark = pytest.mark.slow

Change = Callable[[Place, dict[str, str]], None]


def foreseen(place: Place, launch: Launch) -> list[str]:
    told = json.dumps([{"command": launch.argv, "project": str(place.work), "env": dict(launch.env)}])
    command = [sys.executable, "-P", "-m", "sidecar.cli", "foresee"]
    env = {"PATH": launch.env["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, input=told, env=env, capture_output=True, text=True, timeout=30, check=True)
    asks: list[str] = json.loads(done.stdout)[0]["asks"]
    return asks


def as_it_is(place: Place, env: dict[str, str]) -> None:
    pass


def without(file: str, *names: str) -> Change:
    """A setting is taken out."""

    def change(place: Place, env: dict[str, str]) -> None:
        path = place.home / file
        settings = json.loads(path.read_text())
        inner: dict[str, Any] = settings
        for name in names[:-1]:
            inner = inner[name]
        del inner[names[-1]]
        path.write_text(json.dumps(settings))

    return change


def no_key(place: Place, env: dict[str, str]) -> None:
    env.pop("ANTHROPIC_API_KEY", None)
    env.pop("GEMINI_API_KEY", None)


def repository(place: Place, env: dict[str, str]) -> None:
    subprocess.run(["git", "init", "-q", str(place.work)], check=True)
    config = place.home / ".codex" / "config.toml"
    config.write_text(config.read_text().partition("[projects")[0])


def trusting_gemini(place: Place, env: dict[str, str]) -> None:
    without(".gemini/settings.json", "security", "folderTrust")(place, env)
    (place.home / ".gemini" / "trustedFolders.json").write_text(json.dumps({str(place.work.parent): "TRUST_FOLDER"}))


def no_codex_config(place: Place, env: dict[str, str]) -> None:
    (place.home / ".codex" / "config.toml").write_text("check_for_update_on_startup = false\n")


@pytest.mark.parametrize(
    ("name", "change", "asks", "shown"),
    [
        ("claude", as_it_is, [], "? for shortcuts"),
        ("claude", without(".claude.json", "hasCompletedOnboarding"), ["its first questions"], "text style"),
        ("claude", without(".claude.json", "projects"), ["whether you trust WORK"], "trust"),
        ("codex", as_it_is, [], "? for shortcuts"),
        ("codex", repository, ["whether you trust WORK"], "rust"),
        ("codex", no_codex_config, ["to log in"], "Sign in"),
        ("gemini", as_it_is, [], "Type your message"),
        ("gemini", without(".gemini/settings.json", "security", "folderTrust"), ["whether you trust WORK"], "trust"),
        ("gemini", trusting_gemini, [], "Type your message"),
        ("gemini", without(".gemini/settings.json", "security", "auth"), ["to log in"], "authenticate"),
        ("gemini", no_key, ["to log in"], "API Key"),
    ],
)
async def test_it_asks_what_was_foreseen(
    name: str, change: Change, asks: list[str], shown: str, tmp_path: Path
) -> None:
    cli = CLIS[name]
    if cli.missing or shutil.which("node") is None:
        pytest.skip(cli.missing)
    for folder in ("home", "work"):
        (tmp_path / folder).mkdir()
    async with Model(cli.dialect()) as model, outside() as world:
        place = Place(tmp_path / "home", tmp_path / "work", model.url)
        launch = cli.launch(place, cli.program)
        env: dict[str, str] = {**launch.env, **world.env}
        change(place, env)
        told: Mapping[str, str] = env
        found = foreseen(place, Launch((name, *launch.argv[1:]), told))
        wanted = [one.replace("WORK", str(place.work)) for one in asks]
        assert len(found) == len(wanted) and all(map(str.startswith, found, wanted)), found
        async with terminal(launch.argv, env, cwd=place.work) as pane:
            await pane.shows(shown, 60)
