"""Our hooks for Codex, for one run, beside the user's own and without the question that a new hook causes.

Codex keeps a hash of each hook that its user trusts. Its own app server reports the hash of ours, and the launch marks
exactly these as trusted. The hash is asked anew before each launch (0.1 to 0.8 s), because the hash of an older version
would open a dialog over the composer.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

import structlog

from sidecar.agents.adapter.adapter import LaunchContext, plain_environment
from sidecar.agents.adapter.hook_config import HOOK_TIMEOUT_S, hook_command_line

APP_SERVER_TIMEOUT_S = 10.0
_HOOK_EVENTS = ("UserPromptSubmit", "PreToolUse", "PermissionRequest", "PostToolUse", "Stop", "Interrupt")
WRITING_TOOLS = ("apply_patch",)
PATCHING_TOOLS = ("Bash",)  # a command `apply_patch` is carried out by Codex itself, and no hook tells of its end
_MATCHERS = {"PostToolUse": "|".join(WRITING_TOOLS)}  # after any other tool nothing is to be told
_MAX_TIMEOUT_S = {"Interrupt": 3}  # Codex warns about more
_CLIENT_INFO = {"clientInfo": {"name": "llm-groupchat", "version": "1"}, "capabilities": {"experimentalApi": True}}
log = structlog.get_logger("sidecar")


def ask_trusted_hooks(program: Sequence[str], place: LaunchContext) -> str:
    """The value of Codex's setting `hooks` for this run. Empty, with a line in the log, if it cannot be obtained."""
    try:
        listed = _ask_app_server(program, place)
    except (OSError, ValueError, LookupError, TypeError) as problem:
        log.warning("starting codex without hooks: its app server does not report them", problem=str(problem))
        return ""
    ours = {str(one["key"]): str(one["currentHash"]) for one in listed if one.get("command") == hook_command_line()}
    if len(ours) == len(_HOOK_EVENTS):
        return _hooks_setting(ours)
    log.warning("starting codex without hooks: it does not accept them", taken=list(ours))
    return ""


def _hooks_setting(trusted: Mapping[str, str]) -> str:
    """Codex waits a little longer than the command does. After an interrupt, it waits no longer than its own limit."""
    hooks = ",".join(f"{name}=[{{{_matcher(name)}hooks=[{_hook_entry(name)}]}}]" for name in _HOOK_EVENTS)
    state = ",".join(f"{json.dumps(key)}={{trusted_hash={json.dumps(digest)}}}" for key, digest in trusted.items())
    return f"{{{hooks},state={{{state}}}}}"


def _matcher(event: str) -> str:
    return f"matcher={json.dumps(_MATCHERS[event])}," if event in _MATCHERS else ""


def _hook_entry(event: str) -> str:
    timeout = _MAX_TIMEOUT_S.get(event, HOOK_TIMEOUT_S + 5)
    return f'{{type="command",command={json.dumps(hook_command_line())},timeout={timeout}}}'


def _ask_app_server(program: Sequence[str], place: LaunchContext) -> list[Mapping[str, object]]:
    setting = ("-c", f"hooks={_hooks_setting({})}", "-c", "analytics.enabled=false")
    requests = (
        {"id": 1, "method": "initialize", "params": _CLIENT_INFO},
        {"method": "initialized"},
        {"id": 2, "method": "hooks/list", "params": {"cwds": [str(place.project)]}},
    )
    with _running_app_server((*program, "app-server", "--stdio", *setting), place) as (to, answers):
        to.write("".join(f"{json.dumps(one)}\n" for one in requests))
        to.flush()
        found = next((one for one in map(json.loads, answers) if isinstance(one, dict) and one.get("id") == 2), {})
    return [hook for folder in found["result"]["data"] for hook in folder["hooks"]]


@contextlib.contextmanager
def _running_app_server(command: Sequence[str], place: LaunchContext) -> Iterator[tuple[IO[str], IO[str]]]:
    """Its launcher has a child. Both end with the process group, at the latest after the time limit."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=place.project,
        env=plain_environment(place.env),
        start_new_session=True,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        timer = threading.Timer(APP_SERVER_TIMEOUT_S, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        try:
            yield process.stdin, process.stdout
        finally:
            timer.cancel()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
