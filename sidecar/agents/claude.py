"""Claude Code. Everything is passed by flags and a private settings file; the user's own files are never written."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.protocol.text.invisible_characters import is_unseen
from gateway.protocol.text.prompts import Prompt
from sidecar.agents.adapter import mcp_config
from sidecar.agents.adapter.adapter import (
    ATTACHED,
    Agent,
    Approvals,
    Asked,
    Child,
    Hooks,
    Launch,
    Launching,
    Place,
    Skill,
    Stash,
    Status,
    Submit,
    TextInput,
    TranscriptFile,
    program,
    rules_of,
)
from sidecar.agents.adapter.command_line import UUID, options, whole_numbers, without_prompt
from sidecar.agents.adapter.startup_dialogs import folders_of, settings_in, trust_of, within
from sidecar.agents.adapter.tool_calls import asked_about, choice, tool_call
from sidecar.screen.evidence import Cost, Probe, Source, Turn, TurnFact

PATIENCE = 10
A_DAY = 86_400
_HOOKS = {"UserPromptSubmit": PATIENCE, "PermissionRequest": A_DAY, "Stop": PATIENCE, "StopFailure": PATIENCE}
_OWN_SESSION = ("--session-id", "--resume", "-r", "--continue", "-c", "--fork-session")
_NAMES = ("--session-id", "--resume", "-r")
TOOL_PATIENCE = 120  # then it moves the call to its background, and goes on without the answer
_NOT_A_CHAT = ("-p", "--print", "-h", "--help", "-v", "--version", "mcp", "update", "doctor", "config", "install")
_NOT_AGAIN = ("-w", "--worktree", "--tmux", "--cloud", "--teleport", "--bg", "--background", "--from-pr")
_FLAGS = (
    *(
        "--allow-dangerously-skip-permissions",
        "--dangerously-skip-permissions",
        "--ax-screen-reader",
        "--bare",
        "--brief",
    ),
    *("--chrome", "--no-chrome", "--desktop", "--disable-slash-commands", "--ide", "--no-session-persistence"),
    *("--exclude-dynamic-system-prompt-sections", "--restricted", "--safe-mode", "--strict-mcp-config", "--verbose"),
)
_LISTS = (
    *("--add-dir", "--allowedTools", "--allowed-tools", "--disallowedTools", "--disallowed-tools", "--tools"),
    *("--betas", "--file", "--mcp-config"),
)
_LOGINS = (
    *("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
    *("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"),
)
_NO_LOGIN = "has no login (/login gives it one)"
_NO_YES = "AskUserQuestion"
_OPENS_POPUP = re.compile(r"(?:\\|(?:^|\s)@\S+)\Z")
_MENTION = re.compile(r"@(?=(?P<word>\S{1,80}))")  # no name of a member is longer
_ENDS_A_WORD = ".,;:!?)]}\"'*_`"


def _is_for(command: Sequence[str]) -> bool:
    return program(command) == "claude"


def _wants_first(command: Sequence[str], place: Place) -> Sequence[str]:
    own = place.env.get("CLAUDE_CONFIG_DIR")
    known = settings_in(Path(own or place.env.get("HOME", "~")).expanduser() / ".claude.json")
    if not known.get("hasCompletedOnboarding"):
        return ["asks its first questions: theme, login, trust"]
    wants = [] if _has_login(command, place, known) else [_NO_LOGIN]
    trusted = (within(known, "projects", str(one), "hasTrustDialogAccepted") for one in folders_of(place.project))
    if not (any(trusted) or place.env.get("CLAUDE_CODE_SANDBOXED")):
        wants.append(trust_of(place.project))
    return wants


def _has_login(command: Sequence[str], place: Place, known: Mapping[str, Any]) -> bool:
    helper = "apiKeyHelper" in settings_in(_home(place) / "settings.json") or "apiKeyHelper" in " ".join(command)
    kept = (_home(place) / ".credentials.json").exists()
    return helper or kept or bool(known.get("oauthAccount")) or any(place.env.get(name) for name in _LOGINS)


def _launch(command: Sequence[str], place: Place) -> Launch:
    """The user's command with our hooks added and, where the user chose no session, one we know by name."""
    given, own = _without_settings(tuple(command))
    if own is None or any(word in _NOT_A_CHAT for word in given[1:]):
        return Launch(tuple(command))
    settings = place.private / "claude-settings.json"
    added: tuple[str, ...] = ("--settings", str(settings))
    session = _named_session(given)
    if not options(given).intersection(_OWN_SESSION):
        session = place.session
        added += ("--session-id", session)
    files = {settings: _settings(place, own)}
    if place.tools:
        servers = place.private / "claude-mcp.json"
        files[servers] = _servers(place)
        added = ("--mcp-config", str(servers), *added)
    transcript = _transcript(place, session) if session else None
    return Launch((given[0], *added, *given[1:]), files=files, transcript=transcript, session=session)


def _named_session(command: Sequence[str]) -> str:
    """The conversation that the command itself names and goes on with."""
    names = itertools.pairwise(command)
    named = next((name for option, name in names if option in _NAMES and UUID.fullmatch(name)), "")
    return "" if "--fork-session" in command else named


def _without_settings(command: tuple[str, ...]) -> tuple[tuple[str, ...], Mapping[str, Any] | None]:
    """The command without its own `--settings`, and what they say; None if they cannot be read (claude will tell)."""
    words = tuple(part for word in command for part in _parts(word))
    if "--settings" not in words[:-1]:
        return command, {}
    at = words.index("--settings")
    text = words[at + 1]
    try:
        own = json.loads(text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return command, None
    return words[:at] + words[at + 2 :], own if isinstance(own, dict) else None


def _parts(word: str) -> tuple[str, ...]:
    option, joined, value = word.partition("=")
    return (option, value) if joined and option == "--settings" else (word,)


def _settings(place: Place, own: Mapping[str, Any]) -> str:
    """The user's own settings with our hooks beside theirs; the room's tools raise no question, nor does reading what
    came with a message."""
    hooks = dict(own.get("hooks") or {})
    for name, patience in _HOOKS.items():
        ours = {"hooks": [{"type": "http", "url": f"{place.hooks}/{name}", "timeout": patience}]}
        hooks[name] = [*hooks.get(name, []), ours]
    permissions = dict(own.get("permissions") or {})
    folders = dict.fromkeys((place.private / ATTACHED, (place.private / ATTACHED).resolve()))
    reading = (f"Read(/{folder}/**)" for folder in folders)
    permissions["allow"] = [*permissions.get("allow", []), f"mcp__{mcp_config.SERVER}__*", *reading]
    return json.dumps({**own, "hooks": hooks, "permissions": permissions}, indent=1)


def _servers(place: Place) -> str:
    headers = {"Authorization": f"Bearer {place.key}"}
    return json.dumps({"mcpServers": {mcp_config.SERVER: {"type": "http", "url": place.tools, "headers": headers}}})


def _home(place: Place) -> Path:
    return Path(place.env.get("CLAUDE_CONFIG_DIR") or Path(place.env.get("HOME", "~")).expanduser() / ".claude")


def _transcript(place: Place, session: str) -> Path:
    folder = re.sub(r"[^A-Za-z0-9]", "-", str(place.project))
    return _home(place) / "projects" / folder / f"{session}.jsonl"


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


def _guard(text: str, is_name: Callable[[str], bool]) -> str:
    """`@path` at the beginning of a word is read and sent along, wherever on the disk it lies, and nobody is asked;
    with a backslash it is text. What is not seen may be dropped before. A mention of a member stays as it is."""

    def shielded(found: re.Match[str]) -> str:
        before = text[found.start() - 1 : found.start()]
        begins_word = not before or before.isspace() or is_unseen(before)
        return "\\@" if begins_word and not is_name(found["word"].rstrip(_ENDS_A_WORD)) else "@"

    return _MENTION.sub(shielded, text)


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


def _refuse(reason: str) -> Mapping[str, object]:
    return {"decision": "block", "reason": reason}


def _asked(event: Mapping[str, object]) -> Asked | None:
    """The dialog stands on the screen while the hook waits, and the first answer counts. A question of Claude's own has
    answers that no yes or no can be."""
    given, tool = event.get("tool_input"), str(event.get("tool_name") or "")
    if event.get("hook_event_name") != "PermissionRequest" or not isinstance(given, Mapping):
        return None
    call = choice(given) or tool_call(tool, given)
    decides = tool != _NO_YES
    turn = str(event.get("prompt_id") or event.get("session_id") or "")
    shown = (given, event.get("permission_suggestions"), event.get("cwd"))
    return replace(asked_about(tool, call, turn, shown), decides=decides, words=decides)


def _decide(allow: bool, by: str, words: str) -> Mapping[str, object]:
    said = f"{by} said no to this in the group chat" + (f", with these words:\n{words}" if words else ".")
    no = {"behavior": "deny", "message": said}
    decision = {"behavior": "allow"} if allow else no
    return {"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decision}}


def _resumed(command: Sequence[str], session: str) -> tuple[str, ...] | None:
    """The same options, but no prompt: it was given once."""
    if options(command).intersection((*_OWN_SESSION, *_NOT_A_CHAT, *_NOT_AGAIN)):
        return None
    return (command[0], "--resume", session, *without_prompt(command[1:], _FLAGS, _LISTS))


def _cost(entry: Mapping[str, object]) -> Cost | None:
    """Each part of an answer is an entry with the usage of the whole call so far. What was read from the vendor's cache
    is not counted: a long conversation would seem to cost all of itself with each call."""
    message = entry.get("message")
    usage = message.get("usage") if isinstance(message, Mapping) else None
    if not isinstance(message, Mapping) or not isinstance(usage, Mapping):
        return None
    counted = (usage.get(name) for name in ("input_tokens", "cache_creation_input_tokens", "output_tokens"))
    return Cost(str(message.get("id") or ""), whole_numbers(counted))


def _transcript_line(entry: Mapping[str, object]) -> TurnFact | None:
    """Neither what other agents inside do, nor what Claude writes for itself in a user's name (a summary quotes old
    messages)."""
    if any(entry.get(mark) for mark in ("isSidechain", "isMeta", "isCompactSummary")):
        return None
    message = entry.get("message")
    text = _text_of(message.get("content")) if isinstance(message, Mapping) else ""
    match entry.get("type"):
        case "user" if text:
            return _user_line(entry, text)
        case "assistant":
            kind = Turn.FAILED if entry.get("isApiErrorMessage") else Turn.MODEL
            return TurnFact(kind, text, source=Source.TRANSCRIPT)
        case "attachment":
            return _steered(entry.get("attachment"))
        case "system" if entry.get("subtype") == "turn_duration":
            return TurnFact(Turn.ENDED, source=Source.TRANSCRIPT)
    return None


def _user_line(entry: Mapping[str, object], text: str) -> TurnFact:
    """Several prompts that were queued become one turn, which its Stop hook names after the last of them. Where one was
    queued, what tells of an interruption bears its name, and not that of the turn that was interrupted."""
    turn = "" if entry.get("promptSource") == "queued" else str(entry.get("promptId") or "")
    if text.startswith("[Request interrupted by user"):
        return TurnFact(Turn.INTERRUPTED, source=Source.TRANSCRIPT)
    return TurnFact(Turn.PROMPT, text, turn, Source.TRANSCRIPT)


def _steered(attachment: object) -> TurnFact | None:
    """A message that was typed while a tool ran, as the model gets it."""
    if not isinstance(attachment, Mapping) or attachment.get("type") != "queued_command":
        return None
    return TurnFact(Turn.PROMPT, _text_of(attachment.get("prompt")), source=Source.TRANSCRIPT)


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))


def _skill(name: str, prompt: Prompt) -> Skill:
    head = f"---\nname: groupchat-{name}\ndescription: {prompt.about} Use it in the group chat of agents.\n---\n"
    return Skill(f".claude/skills/groupchat-{name}/SKILL.md", f"{head}\n{prompt.text}\n")


AGENT = Agent(
    name="claude",
    rules=rules_of("claude"),
    launching=Launching(_is_for, _wants_first, launch=_launch, resumed=_resumed, tool_patience_s=TOOL_PATIENCE),
    submit=Submit(pause=0.05, collapses_from=(800, 4)),
    text=TextInput(guard=_guard, finish=_finish),
    stash=Stash(b"\x13", undo=b"\x13", rows=1000),
    hooks=Hooks(_hook, _refuse),
    approvals=Approvals(_asked, _decide),
    transcript=TranscriptFile(_transcript_line, _cost),
    status=Status(_status_file, _status),
    probe=Probe(b"\x1b]7501;?", b"\x1b]7501;?1\x1b\\"),
    skill=_skill,
)
