"""Homes in which a CLI is not ready to talk: ways to take away what `homes` prepares."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


NEWER = "9.9.9"


class _NewerReleases(BaseHTTPRequestHandler):
    """A registry of packages in which each has a release that is newer than any."""

    def do_GET(self) -> None:
        release = {"name": "package", "version": NEWER}
        found = {**release, "dist-tags": {"latest": NEWER}, "versions": {NEWER: release}}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


def _registry_with_newer_releases(place: Place, env: dict[str, str]) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _NewerReleases)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    env["npm_config_registry"] = f"http://127.0.0.1:{server.server_address[1]}/"
    (place.home / ".npmrc").write_text(f"registry={env['npm_config_registry']}\n")


def newer_opencode(place: Place, env: dict[str, str]) -> None:
    """It believes that npm has installed it, and asks npm's registry."""
    _registry_with_newer_releases(place, env)
    del env["OPENCODE_DISABLE_AUTOUPDATE"]
    config = place.home / ".config" / "opencode" / "opencode.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "autoupdate": "notify"}))
    npm = place.home / "bin" / "npm"
    npm.parent.mkdir(exist_ok=True)
    npm.write_text("#!/bin/sh\necho opencode-ai@1.0.0\n")
    npm.chmod(0o755)
    env["PATH"] = f"{npm.parent}:{env['PATH']}"


def no_vibe_config(place: Place, env: dict[str, str]) -> None:
    (place.home / ".vibe" / "config.toml").unlink()


def instructions(place: Place, env: dict[str, str]) -> None:
    """Vibe asks before it reads those of a project."""
    (place.work / "AGENTS.md").write_text("Be brief.\n")
