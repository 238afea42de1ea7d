"""What the desk foresees of a CLI's first questions is what the real one then asks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fakes.models.model import Model
from tests.fakes.outside import outside
from tests.fakes.terminal import terminal
from tests.real_clis.homes import CLIS, NEWEST, Launch, Place
from tests.real_clis.unprepared import (
    Change,
    instructions,
    no_codex_config,
    no_copilot_provider,
    no_key,
    no_pi_models,
    no_vibe_config,
    own_pi_settings,
    repository,
    trusting_gemini,
    without,
)

pytestmark = pytest.mark.slow
SETTINGS = ".gemini/settings.json"
MISSING: list[tuple[str, Change, list[str], str]] = [
    ("claude", without(".claude.json", "hasCompletedOnboarding"), ["asks its first questions"], "text style"),
    ("claude", without(".claude.json", "projects"), ["asks whether you trust WORK"], "trust"),
    ("claude", no_key, ["has no login"], "? for shortcuts"),
    ("codex", repository, ["asks whether you trust WORK"], "rust"),
    ("codex", no_codex_config, ["asks to log in"], "Sign in"),
    (
        "gemini",
        without(SETTINGS, "security", "folderTrust"),
        ["asks whether you trust WORK"],
        "trust",
    ),
    ("gemini", trusting_gemini, [], "Type your message"),
    ("gemini", without(SETTINGS, "security", "auth"), ["asks to log in"], "authenticate"),
    ("gemini", no_key, ["asks to log in"], "API Key"),
    (
        "copilot",
        without(".copilot/config.json", "trustedFolders"),
        ["asks whether you trust WORK"],
        "Do you trust the files in this folder?",
    ),
    ("copilot", no_copilot_provider, ["asks to log in"], "/login to sign in"),
    ("pi", own_pi_settings, ["asks whether you trust WORK"], "Trust"),
    ("pi", no_pi_models, ["asks to log in"], "No models available"),
    ("vibe", no_vibe_config, ["asks to log in"], "Welcome to Mistral Vibe"),
    ("vibe", instructions, ["asks whether you trust WORK"], "rust"),
]


def foreseen(place: Place, launch: Launch) -> list[str]:
    told = json.dumps([{"command": launch.argv, "project": str(place.work), "env": dict(launch.env)}])
    command = [sys.executable, "-P", "-m", "sidecar.cli", "foresee"]
    env = {"PATH": launch.env["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, input=told, env=env, capture_output=True, text=True, timeout=30, check=True)
    wants: list[str] = json.loads(done.stdout)[0]["wants"]
    return wants


@pytest.mark.parametrize("name", NEWEST)
def test_nothing_is_foreseen_of_a_home_that_is_prepared(name: str, tmp_path: Path) -> None:
    """That none of them then asks anything, each other test with a real CLI shows: it begins in such a home."""
    for folder in ("home", "work"):
        (tmp_path / folder).mkdir()
    place = Place(tmp_path / "home", tmp_path / "work", "http://127.0.0.1:9")
    launch = CLIS[name].launch(place, CLIS[name].program)
    assert foreseen(place, Launch((name, *launch.argv[1:]), launch.env)) == []


@pytest.mark.parametrize(("name", "change", "wants", "shown"), [row for row in MISSING if row[0] in CLIS])
async def test_it_wants_what_was_foreseen(
    name: str, change: Change, wants: list[str], shown: str, tmp_path: Path
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
        wanted = [one.replace("WORK", str(place.work)) for one in wants]
        assert len(found) == len(wanted) and all(map(str.startswith, found, wanted)), found
        async with terminal(launch.argv, env, cwd=place.work) as pane:
            await pane.shows(shown, 60)
