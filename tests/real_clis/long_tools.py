"""A long-running tool in a real CLI that asks for no permission, and its process."""

import contextlib
import re
from pathlib import Path

from tests.fakes.models.script import ToolCall

FREELY = {
    "claude": ("--allowedTools", "Bash"),
    "codex": ("-c", 'sandbox_mode="danger-full-access"', "-c", 'approval_policy="never"'),
    "gemini": ("--yolo",),
    "opencode": ("--auto",),
    "qwen": ("--yolo",),
    "copilot": ("--allow-all-tools",),
    "pi": ("--free",),  # of the extension in its home
    "cline": ("--auto-approve", "true"),
    "vibe": ("--auto-approve",),
}


def long_tool(name: str, mark: str) -> ToolCall:
    command = f"python3 -c \"import time; time.sleep(90); '{mark}'\""
    match name:
        case "claude":
            return ToolCall("Bash", {"command": command, "description": "Wait"})
        case "gemini" | "qwen":
            return ToolCall("run_shell_command", {"command": command, "description": "Wait"})
        case "cline":
            return ToolCall("run_commands", {"commands": [command]})
        case "opencode" | "copilot":
            return ToolCall("bash", {"command": command, "description": "Wait"})
        case "pi" | "vibe" | "aider":
            return ToolCall("bash", {"command": command})
    return ToolCall("exec_command", {"cmd": command})


def running(mark: str) -> list[int]:
    """The Pythons, not the shells around them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if mark.encode() in b" ".join(words) and re.search(rb"python[\d.]*\Z", words[0]):
                found.append(int(folder.name))
    return found
