"""Our hooks for Gemini: an extension of our own beside the user's, since no flag takes hooks.

It is the same for everybody and for ever: outside our sidecars its command is over at once, and so it is in an agent
that Gemini itself runs in a shell. It says where it was installed from, without which an allow list of extensions would
keep Gemini from starting; nothing asks for an update of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from sidecar.agents.adapter import mcp_config
from sidecar.agents.adapter.adapter import Place
from sidecar.agents.adapter.hook_config import PATIENCE, command

NAME = "llm-groupchat"
_EVENTS = ("BeforeAgent", "AfterAgent", "Notification")
_NOT_OURS = ("-e", "--extensions")
_INSIDE = "GEMINI_CLI"


def home(place: Place) -> Path:
    given = place.env.get("GEMINI_CLI_HOME") or place.env.get("HOME", "~")
    return Path(given).expanduser() / ".gemini"


def extension(command: Sequence[str], place: Place) -> dict[Path, str]:
    """What must be written so that the hooks are there; nothing if they are, or if the user chose the extensions."""
    if any(word.partition("=")[0] in _NOT_OURS for word in command):
        return {}
    folder = home(place) / "extensions" / NAME
    return {folder / name: text for name, text in _files(folder).items() if _text(folder / name) != text}


def environment(place: Place) -> Mapping[str, str]:
    """This Gemini is nobody's tool, even if its sidecar was started from one's shell."""
    return {_INSIDE: ""} if place.env.get(_INSIDE) else {}


def _files(folder: Path) -> dict[str, str]:
    hook = {"type": "command", "name": NAME, "command": command(outside=_INSIDE), "timeout": (PATIENCE + 5) * 1000}
    content = {
        "gemini-extension.json": {
            "name": NAME,
            "version": "1.2.0",
            "description": "Tells llm-groupchat of each turn, and has the room's tools.",
            "mcpServers": {mcp_config.SERVER: _server()},
        },
        "hooks/hooks.json": {"hooks": {event: [{"hooks": [hook]}] for event in _EVENTS}},
        ".gemini-extension-install.json": {"source": str(folder), "type": "local"},
    }
    return {name: json.dumps(one, indent=1) + "\n" for name, one in content.items()}


def _server() -> dict[str, object]:
    """Outside our sidecars the address is empty: then there is no such server, and nobody is told of one."""
    headers = {"Authorization": f"Bearer ${{{mcp_config.KEY}:-}}"}
    return {"httpUrl": f"${{{mcp_config.ADDRESS}:-}}", "headers": headers, "timeout": mcp_config.PATIENCE * 1000}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
