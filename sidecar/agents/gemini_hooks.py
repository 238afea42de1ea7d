"""Our hooks for Gemini: an extension of our own beside the user's, because no flag accepts hooks; and the defaults of
its settings in which it keeps old sessions.

The extension is the same for every run and never changes. Outside our sidecars its command exits at once, also in a
Gemini that an agent runs in a shell. It names its install source, because otherwise an allow list of extensions would
keep Gemini from starting. It is never updated.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from sidecar.agents.adapter import mcp_config
from sidecar.agents.adapter.adapter import LaunchContext
from sidecar.agents.adapter.hook_config import HOOK_TIMEOUT_S, hook_command_line
from sidecar.agents.adapter.missing_setup import settings_in

EXTENSION_NAME = "llm-groupchat"
HOOK_NAME = "room"  # Gemini lists all that ran in the last 3 s in one row: longer names would take a second one
_HOOK_EVENTS = ("BeforeAgent", "AfterAgent", "Notification", "BeforeTool", "AfterTool")
WRITING_TOOLS = ("replace", "write_file")
_MATCHERS = {"AfterTool": "|".join(WRITING_TOOLS)}  # after any other tool nothing is to be told
_EXTENSION_OPTIONS = ("-e", "--extensions")
_INSIDE_VARIABLE = "GEMINI_CLI"
DEFAULTS_VARIABLE = "GEMINI_CLI_SYSTEM_DEFAULTS_PATH"
_SYSTEM_DEFAULTS = (
    Path("/etc/gemini-cli/system-defaults.json"),
    Path("/Library/Application Support/GeminiCli/system-defaults.json"),
)


def gemini_home(place: LaunchContext) -> Path:
    given = place.env.get("GEMINI_CLI_HOME") or place.env.get("HOME", "~")
    return Path(given).expanduser() / ".gemini"


def extension_files(command: Sequence[str], place: LaunchContext) -> dict[Path, str]:
    """The files that install the hooks. Empty if they are installed, or if the user chose the extensions."""
    if any(word.partition("=")[0] in _EXTENSION_OPTIONS for word in command):
        return {}
    folder = gemini_home(place) / "extensions" / EXTENSION_NAME
    return {
        folder / name: text for name, text in _files_of_extension(folder).items() if _read_text(folder / name) != text
    }


def gemini_environment(place: LaunchContext) -> Mapping[str, str]:
    """This Gemini is the agent itself, even if its sidecar was started from another agent's shell."""
    return {_INSIDE_VARIABLE: ""} if place.env.get(_INSIDE_VARIABLE) else {}


def can_others_write(folder: Path) -> bool:
    """Gemini warns on its screen of defaults in such a folder, or in one that lies in such a folder: /tmp is one."""
    return any(one.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH) for one in (folder, *folder.parents) if one.exists())


def defaults_that_keep_sessions(place: LaunchContext) -> str | None:
    """The system's defaults, part of which is that no session is deleted: at a start, Gemini deletes those whose file
    it finds damaged, and takes a session that was resumed once for such. The user's own settings count more. None if
    the system's defaults cannot be read, so that Gemini reports it, and where its screen would bear a warning."""
    if can_others_write(place.private):
        return None
    given = [place.env.get(DEFAULTS_VARIABLE), *(str(one) for one in _SYSTEM_DEFAULTS)]
    path = next((Path(one) for one in given if one and Path(one).exists()), None)
    before = settings_in(path) if path is not None else {}
    if path is not None and not before:
        return None
    general = dict(before.get("general") or {})
    general["sessionRetention"] = {"enabled": False, **(general.get("sessionRetention") or {})}
    return json.dumps({**before, "general": general}, indent=1)


def _files_of_extension(folder: Path) -> dict[str, str]:
    hook = {
        "type": "command",
        "name": HOOK_NAME,
        "command": hook_command_line(outside=_INSIDE_VARIABLE),
        "timeout": (HOOK_TIMEOUT_S + 5) * 1000,
    }
    content = {
        "gemini-extension.json": {
            "name": EXTENSION_NAME,
            "version": "1.4.0",
            "description": "Tells llm-groupchat of each turn, and has the room's tools.",
            "mcpServers": {mcp_config.MCP_SERVER_NAME: _mcp_server()},
        },
        "hooks/hooks.json": {"hooks": {event: [{**_matcher(event), "hooks": [hook]}] for event in _HOOK_EVENTS}},
        ".gemini-extension-install.json": {"source": str(folder), "type": "local"},
    }
    return {name: json.dumps(one, indent=1) + "\n" for name, one in content.items()}


def _matcher(event: str) -> dict[str, str]:
    return {"matcher": _MATCHERS[event]} if event in _MATCHERS else {}


def _mcp_server() -> dict[str, object]:
    """Outside our sidecars the address is empty. Then there is no such server and no error."""
    headers = {"Authorization": f"Bearer ${{{mcp_config.KEY_VARIABLE}:-}}"}
    return {
        "httpUrl": f"${{{mcp_config.ADDRESS_VARIABLE}:-}}",
        "headers": headers,
        "timeout": mcp_config.MAX_WAIT_S * 1000,
    }


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
