"""The sidecar's own folder: 0700, one per name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.client import state_folder
from gateway.protocol.nouns import name_of


def member_folder(env: Mapping[str, str], name: str) -> Path:
    folder = state_folder(env) / "sidecars" / name_of(name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def read_line(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
