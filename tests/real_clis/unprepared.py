"""Homes in which a CLI is not ready to talk: ways to take away what `homes` prepares."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

from tests.real_clis.homes import Place

Change = Callable[[Place, dict[str, str]], None]


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


onboarding = without(".claude.json", "hasCompletedOnboarding")


def no_codex_config(place: Place, env: dict[str, str]) -> None:
    (place.home / ".codex" / "config.toml").write_text("check_for_update_on_startup = false\n")
