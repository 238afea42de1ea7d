"""Homes in which a CLI is not ready to talk: ways to take away what `homes` prepares."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
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


def no_copilot_provider(place: Place, env: dict[str, str]) -> None:
    """It then wants the login of an account."""
    for name in ("COPILOT_OFFLINE", "COPILOT_MODEL", "COPILOT_PROVIDER_BASE_URL", "COPILOT_PROVIDER_API_KEY"):
        del env[name]


def own_pi_settings(place: Place, env: dict[str, str]) -> None:
    """The project has settings of its own."""
    (place.work / ".pi").mkdir()
    (place.work / ".pi" / "settings.json").write_text("{}")


def no_pi_models(place: Place, env: dict[str, str]) -> None:
    (place.home / ".pi" / "agent" / "models.json").unlink()


onboarding = without(".claude.json", "hasCompletedOnboarding")


def newer_codex(place: Place, env: dict[str, str]) -> None:
    """It has heard of a newer release of itself."""
    folder = place.home / ".codex"
    config = folder / "config.toml"
    config.write_text(config.read_text().replace("check_for_update_on_startup = false\n", ""))
    heard = {"latest_version": "9.9.9", "last_checked_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    (folder / "version.json").write_text(json.dumps({**heard, "dismissed_version": None}))


def no_codex_config(place: Place, env: dict[str, str]) -> None:
    (place.home / ".codex" / "config.toml").write_text("check_for_update_on_startup = false\n")
