"""Reads the hook that an agent's tool call fires as what the agent is at: which tool, which files, and whether it
writes them. Pure.

What else a command of a shell writes is not known: its text is not interpreted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping

from sidecar.evidence.turn_evidence import ToolUse

MAX_PATHS = 20
MAX_PATH_CHARS = 4096
MAX_NAME_CHARS = 200
_PATH_FIELDS = ("file_path", "filePath", "notebook_path", "absolute_path", "path", "fileName", "filepath")
_TEXT_FIELDS = ("command", "input", "patch", "patchText")
_PATCHED_FILE = re.compile(r"(?m)^\*\*\* (?:(?:Add|Update|Delete) File|Move to): (?P<path>[^\n]{1,4096})$")
_PATCH_BEGIN = "*** Begin Patch"

ToolReader = Callable[[Mapping[str, object]], ToolUse | None]


def no_tool_use(_: Mapping[str, object]) -> ToolUse | None:
    return None


def tool_hook_reader(begins: str, ends: str, writing: Collection[str], patching: Collection[str] = ()) -> ToolReader:
    """`begins` and `ends` are the names of the hooks before and after a call. `writing` are the tools that write the
    file that they name. `patching` are those whose text may hold a patch, of which no hook tells after the call: its
    files count as written when it begins."""

    def read(event: Mapping[str, object]) -> ToolUse | None:
        hook, tool = event.get("hook_event_name"), event.get("tool_name")
        if hook not in (begins, ends) or not isinstance(tool, str):
            return None
        ended, folder, given = hook == ends, event.get("cwd"), event.get("tool_input")
        fields = given if isinstance(given, Mapping) else {}
        patched = tuple(_patched_paths(fields))[:MAX_PATHS] if tool in (*writing, *patching) else ()
        written = bool(patched) and tool in patching if not ended else tool in writing
        paths = patched or tuple(_named_paths(fields))[:1]
        return ToolUse(
            tool[:MAX_NAME_CHARS],
            paths,
            ended,
            written and bool(paths),
            folder[:MAX_PATH_CHARS] if isinstance(folder, str) else "",
        )

    return read


def _named_paths(fields: Mapping[str, object]) -> Iterator[str]:
    for name in _PATH_FIELDS:
        path = fields.get(name)
        if isinstance(path, str) and 0 < len(path) <= MAX_PATH_CHARS:
            yield path


def _patched_paths(fields: Mapping[str, object]) -> Iterator[str]:
    """The files that a patch in the form of Codex names."""
    for name in _TEXT_FIELDS:
        text = fields.get(name)
        if isinstance(text, str) and _PATCH_BEGIN in text:
            yield from dict.fromkeys(found["path"].strip() for found in _PATCHED_FILE.finditer(text))
