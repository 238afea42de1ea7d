"""An index of all commands with their options, as the programs themselves describe them.

To ask the three programs takes a second, so the answer is kept in a file until one of their modules changes.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from controller.cli.verb_forwarding import FORWARDED, GATEWAY, SIDECAR

INDEX_VARIABLE = "GROUPCHAT_COMPLETION_INDEX"  # as in gateway/command_line/command_index.py, which is slow to import
OWN_MODULE = "controller.cli.main"
SOURCES = ("controller/cli", "controller/cli/room", "controller/cli/team", "gateway/command_line")
PROGRAM_FILES = ("gateway/cli.py", "sidecar/cli.py")
BUILD_TIMEOUT_S = 20


def load_index(env: Mapping[str, str]) -> dict[str, Any]:
    path, key = _cache_file(env), _state_of_sources()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["key"] == key:
            index: dict[str, Any] = found["index"]
            return index
    except (OSError, ValueError, KeyError, TypeError):
        pass
    index = build_index(env)
    _keep(path, json.dumps({"key": key, "index": index}))
    return index


def build_index(env: Mapping[str, str]) -> dict[str, Any]:
    """The index of `groupchat`, with the verbs of the other programs in their places."""
    index, others = _described(OWN_MODULE, env), {one: _described(one[1], env) for one in (GATEWAY, SIDECAR)}
    for verb, one in FORWARDED.items():
        index["verbs"][verb] = others[one.program]["verbs"][verb]
    return index


def _described(module: str, env: Mapping[str, str]) -> dict[str, Any]:
    import subprocess  # only when the index is made

    kept = {name: value for name, value in env.items() if not name.endswith("_COMPLETE")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", module],
        env={**kept, INDEX_VARIABLE: "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=BUILD_TIMEOUT_S,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _cache_file(env: Mapping[str, str]) -> Path:
    folder = env.get("XDG_CACHE_HOME") or os.path.join(env.get("HOME") or "/nonexistent", ".cache")
    return Path(folder) / "llm-groupchat" / "completion.json"


def _state_of_sources() -> str:
    """Changes with each module that declares commands."""
    root = str(Path(__file__).resolve().parents[3])
    return f"{root} {sys.version_info[:2]} {max(_times(root))} {sum(1 for _ in _times(root))}"


def _times(root: str) -> Iterator[int]:
    for name in PROGRAM_FILES:
        yield os.stat(os.path.join(root, name)).st_mtime_ns
    for folder in SOURCES:
        with os.scandir(os.path.join(root, folder)) as found:
            yield from (one.stat().st_mtime_ns for one in found if one.name.endswith(".py"))


def _keep(path: Path, text: str) -> None:
    """Written beside and then renamed, so that two shells never read half of it. Without a writable home the index is
    made again each time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError:
        pass
