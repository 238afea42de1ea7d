"""Claude Code. Everything is passed by flags and a private settings file; the user's own files are never written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sidecar.agents.agent import Agent, Child, Launch, Place, Stash, Submit, program, rules_of
from sidecar.signals import Probe, Source, Turn, TurnFact

_HOOKS = ("UserPromptSubmit", "PermissionRequest", "Stop", "StopFailure")
_OWN_SESSION = ("--session-id", "--resume", "-r", "--continue", "-c", "--fork-session")
_NOT_A_CHAT = ("-p", "--print", "-h", "--help", "-v", "--version", "mcp", "update", "doctor", "config", "install")
_OPENS_POPUP = re.compile(r"(?:\\|(?:^|\s)@\S+)\Z")


def _is_for(command: Sequence[str]) -> bool:
    return program(command) == "claude"


def _launch(command: Sequence[str], place: Place) -> Launch:
    """The user's command with our hooks added and, where the user chose no session, one we know by name."""
    given, own = _without_settings(tuple(command))
    if own is None or any(word in _NOT_A_CHAT for word in given[1:]):
        return Launch(tuple(command))
    settings = place.private / "claude-settings.json"
    added: tuple[str, ...] = ("--settings", str(settings))
    transcript = None
    if not any(word.partition("=")[0] in _OWN_SESSION for word in given):
        added += ("--session-id", place.session)
        transcript = _transcript(place)
    return Launch((given[0], *added, *given[1:]), files={settings: _settings(place.hooks, own)}, transcript=transcript)


def _without_settings(command: tuple[str, ...]) -> tuple[tuple[str, ...], Mapping[str, Any] | None]:
    """The command without its own `--settings`, and what they say; None if they cannot be read (claude will tell)."""
    if "--settings" not in command[:-1]:
        return command, {}
    at = command.index("--settings")
    text = command[at + 1]
    try:
        own = json.loads(text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return command, None
    return command[:at] + command[at + 2 :], own if isinstance(own, dict) else None


def _settings(address: str, own: Mapping[str, Any]) -> str:
    """The user's own settings with our hooks beside theirs."""
    hooks = dict(own.get("hooks") or {})
    for name in _HOOKS:
        ours = {"hooks": [{"type": "http", "url": f"{address}/{name}", "timeout": 10}]}
        hooks[name] = [*hooks.get(name, []), ours]
    return json.dumps({**own, "hooks": hooks}, indent=1)


def _home(place: Place) -> Path:
    return Path(place.env.get("CLAUDE_CONFIG_DIR") or Path(place.env.get("HOME", "~")).expanduser() / ".claude")


def _transcript(place: Place) -> Path:
    folder = re.sub(r"[^A-Za-z0-9]", "-", str(place.project))
    return _home(place) / "projects" / folder / f"{place.session}.jsonl"


def _status_file(child: Child) -> Path:
    return _home(child.place) / "sessions" / f"{child.pid}.json"


def _status(text: str) -> str:
    """Half a file is no evidence: it is written in place."""
    try:
        data = json.loads(text)
    except ValueError:
        return ""
    status, waits = (data.get("status"), data.get("waitingFor")) if isinstance(data, dict) else (None, None)
    return f"{status} {waits}".removesuffix(" None") if status else ""


def _finish(text: str) -> str:
    """A last backslash would turn Enter into a newline, a last `@word` would open a list that swallows it."""
    return f"{text} ." if _OPENS_POPUP.search(text) else text


def _hook(event: Mapping[str, object]) -> TurnFact | None:
    turn = str(event.get("prompt_id") or "")
    match event.get("hook_event_name"):
        case "UserPromptSubmit":
            return TurnFact(Turn.PROMPT, str(event.get("prompt", "")), turn)
        case "Stop":
            return TurnFact(Turn.ANSWER, str(event.get("last_assistant_message") or ""), turn)
        case "StopFailure":
            return TurnFact(Turn.FAILED, str(event.get("last_assistant_message") or event.get("error")), turn)
    return None


def _transcript_line(entry: Mapping[str, object]) -> TurnFact | None:
    """Only what proves that a prompt was consumed; answers come from the Stop hook."""
    if entry.get("isSidechain"):
        return None
    message = entry.get("message")
    text = _text_of(message.get("content")) if isinstance(message, Mapping) else ""
    match entry.get("type"):
        case "user" if text.startswith("[Request interrupted by user"):
            return TurnFact(Turn.INTERRUPTED, source=Source.TRANSCRIPT)
        case "user" if text:
            return TurnFact(Turn.PROMPT, text, source=Source.TRANSCRIPT)
        case "assistant" if not entry.get("isApiErrorMessage"):
            return TurnFact(Turn.MODEL, text, source=Source.TRANSCRIPT)
    return None


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))


AGENT = Agent(
    name="claude",
    rules=rules_of("claude"),
    is_for=_is_for,
    launch=_launch,
    submit=Submit(pause=0.05, collapses_from=(800, 4)),
    finish=_finish,
    hook=_hook,
    transcript_line=_transcript_line,
    status_file=_status_file,
    status=_status,
    probe=Probe(b"\x1b]7501;?", b"\x1b]7501;?1\x1b\\"),
    stash=Stash(b"\x13", undo=b"\x13", rows=1000),
)
