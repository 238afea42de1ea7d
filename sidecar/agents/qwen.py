"""Qwen Code. Our hooks are in a settings file of our own for the run; its session file reports what was said.

The file takes the place of the system's defaults, which are part of it, so the user's own settings count more. None of
the user's files is written. What the screen means, such as when it is idle, is in `rules/qwen.toml`;
`activity/activity_verdict.py` judges from it and the other signals what the agent is doing.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sidecar.agents.adapter import hook_config, mcp_config
from sidecar.agents.adapter.adapter import (
    ATTACHED_FOLDER,
    PASTE_KEY,
    Adapter,
    DraftStash,
    HookApprovals,
    HookQuestion,
    Hooks,
    LaunchContext,
    LaunchMethod,
    LaunchPlan,
    SubmitMethod,
    TextInput,
    TranscriptFormat,
    load_built_in_rules,
    program_name,
)
from sidecar.agents.adapter.missing_setup import LOGIN_NEEDED, settings_in, value_within
from sidecar.agents.adapter.session_files import has_line_with, same_name_nearby
from sidecar.agents.adapter.tool_call_effects import tool_hook_reader
from sidecar.agents.adapter.tool_call_text import describe_choice, describe_tool_call, question_about_call
from sidecar.agents.adapter.typed_text import escape_file_mentions, neutralize_end
from sidecar.agents.adapter.vendor_arguments import UUID, options_in, sum_whole_numbers, without_prompt
from sidecar.evidence.turn_evidence import EvidenceSource, TokenCost, TurnFact, TurnFactKind

DEFAULTS_VARIABLE = "QWEN_CODE_SYSTEM_DEFAULTS_PATH"
_SYSTEM_VARIABLE = "QWEN_CODE_SYSTEM_SETTINGS_PATH"
_SYSTEM_SETTINGS = Path("/etc/qwen-code/settings.json")
_INSIDE_VARIABLE = "QWEN_CODE"  # set in the commands of its model
_WRITING_TOOLS = ("edit", "write_file")
_HOOK_EVENTS = (
    *("UserPromptSubmit", "PreToolUse", "PermissionRequest", "PostToolUse", "Notification", "Stop", "StopFailure"),
)
_MATCHERS = {"PostToolUse": "|".join(_WRITING_TOOLS)}  # after any other tool nothing is to be told
_OWN_SESSION = ("--session-id", "--resume", "-r", "--continue", "-c", "--fork-session")
_SESSION_NAME_OPTIONS = ("--session-id", "--resume", "-r")
_NON_CHAT_WORDS = (
    *("-p", "--prompt", "-h", "--help", "-v", "--version", "--acp", "-l", "--list-extensions", "--bare", "--safe-mode"),
    *("auth", "board", "channel", "extensions", "hooks", "mcp", "review", "sandbox", "serve", "sessions", "update"),
)
_NOT_RESUMABLE_OPTIONS = ("-i", "--prompt-interactive", "--worktree")
_FLAG_OPTIONS = (
    *("-d", "--debug", "-s", "--sandbox", "-y", "--yolo", "--insecure", "--screen-reader", "--openai-logging"),
    *("--chat-recording", "--experimental-lsp", "--telemetry"),
)
_CANCELLED = "[Operation Cancelled]"
_OPENS_COMMANDS = re.compile(r"(?:^|\s)/\S*\Z")


def _is_for(command: Sequence[str]) -> bool:
    return program_name(command) in ("qwen", "qwen-code")


def _missing_setup(command: Sequence[str], place: LaunchContext) -> Sequence[str]:
    own = value_within(settings_in(_qwen_home(place) / "settings.json"), "security", "auth", "selectedType")
    return () if own or place.env.get("OPENAI_API_KEY") or "--auth-type" in options_in(command) else (LOGIN_NEEDED,)


def _plan_launch(command: Sequence[str], place: LaunchContext) -> LaunchPlan:
    given, before = tuple(command), _system_defaults(place)
    words = options_in(given)
    if words.intersection(_NON_CHAT_WORDS) or before is None:
        return LaunchPlan(given)
    ours = place.private / "qwen-settings.json"
    written = {**hook_config.hook_files(place), ours: json.dumps(_with_ours(before, place), indent=1)}
    added: tuple[str, ...] = ()
    if place.tools:
        servers = place.private / "qwen-mcp.json"
        written[servers] = _mcp_servers(place)
        added = ("--mcp-config", str(servers))
    session = _named_session(given)
    if not words.intersection(_OWN_SESSION):
        session = place.session
        added += ("--session-id", session)
    env = {**hook_config.hook_environment(place), DEFAULTS_VARIABLE: str(ours), **_outermost(place)}
    transcript = _transcript_path(place, session) if session else None
    return LaunchPlan((given[0], *added, *given[1:]), env, written, transcript, session)


def _outermost(place: LaunchContext) -> Mapping[str, str]:
    """This one is the agent itself, even if its sidecar was started from another agent's shell."""
    return {_INSIDE_VARIABLE: ""} if place.env.get(_INSIDE_VARIABLE) else {}


def _system_defaults(place: LaunchContext) -> Mapping[str, Any] | None:
    """What stands in the place of our file. None if it cannot be read: then ours is left out."""
    system = Path(place.env.get(_SYSTEM_VARIABLE) or _SYSTEM_SETTINGS)
    path = Path(place.env.get(DEFAULTS_VARIABLE) or system.parent / "system-defaults.json")
    return settings_in(path) or (None if path.exists() else {})


def _with_ours(before: Mapping[str, Any], place: LaunchContext) -> Mapping[str, Any]:
    """Neither the room's tools nor reading an attachment asks for permission. A suggestion in the empty composer, which
    could not be told from a draft, and a scrollbar beside the options of a dialog are shown only if the user's settings
    ask for them."""
    hook = {
        "type": "command",
        "name": "llm-groupchat",
        "command": hook_config.hook_command_line(outside=_INSIDE_VARIABLE),
        "timeout": hook_config.HOOK_TIMEOUT_S + 5,
    }
    hooks = dict(before.get("hooks") or {})
    for event in _HOOK_EVENTS:
        matcher = {"matcher": _MATCHERS[event]} if event in _MATCHERS else {}
        hooks[event] = [*hooks.get(event, []), {**matcher, "hooks": [hook]}]
    permissions = dict(before.get("permissions") or {})
    folders = dict.fromkeys((place.private / ATTACHED_FOLDER, (place.private / ATTACHED_FOLDER).resolve()))
    reading = (f"Read(/{folder}/**)" for folder in folders)
    permissions["allow"] = [*permissions.get("allow", []), f"mcp__{mcp_config.MCP_SERVER_NAME}__*", *reading]
    shown = {"enableFollowupSuggestions": False, "showScrollbar": False, **(before.get("ui") or {})}
    return {**before, "hooks": hooks, "permissions": permissions, "ui": shown}


def _mcp_servers(place: LaunchContext) -> str:
    """By a private file that the command names: a Qwen that the model starts in a shell does not get it."""
    server = {
        "httpUrl": place.tools,
        "headers": {"Authorization": f"Bearer {place.key}"},
        "timeout": mcp_config.MAX_WAIT_S * 1000,
        "trust": True,
    }
    return json.dumps({"mcpServers": {mcp_config.MCP_SERVER_NAME: server}})


def _named_session(command: Sequence[str]) -> str:
    """The conversation that the command itself names and continues."""
    names = itertools.pairwise(command)
    named = next((name for option, name in names if option in _SESSION_NAME_OPTIONS and UUID.fullmatch(name)), "")
    return "" if "--fork-session" in command else named


def _qwen_home(place: LaunchContext) -> Path:
    return Path(place.env.get("QWEN_HOME") or Path(place.env.get("HOME", "~")).expanduser() / ".qwen")


def _transcript_path(place: LaunchContext, session: str) -> Path:
    """Every hook names the file, so it is found even if a setting moves it."""
    folder = re.sub(r"[^A-Za-z0-9]", "-", str(place.project))
    home = Path(place.env.get("QWEN_RUNTIME_DIR") or _qwen_home(place))
    return home / "projects" / folder / "chats" / f"{session}.jsonl"


def _is_written(session: str, place: LaunchContext) -> bool:
    return has_line_with(_transcript_path(place, session), '"type":"user"', '"type":"assistant"')


def _finish_text(text: str) -> str:
    """A last word that begins with a slash opens a list of commands, also in a later row, and Enter would take one of
    them in its place. A space closes the list, and is not submitted."""
    ended = neutralize_end(text)
    return f"{ended} " if _OPENS_COMMANDS.search(ended) else ended


def _hook_signal(event: Mapping[str, object]) -> str:
    """The result of a tool is submitted, too, with an empty prompt. A question is told before it is drawn."""
    name = str(event.get("hook_event_name") or "")
    return f"{name} {event.get('notification_type') or ''}".rstrip()


def _parse_hook(event: Mapping[str, object]) -> TurnFact | None:
    """`prompt` holds the files that a prompt names, too; `submitted_prompt` is what was typed."""
    turn = str(event.get("prompt_id") or "")
    match event.get("hook_event_name"):
        case "UserPromptSubmit" if event.get("submitted_prompt"):
            return TurnFact(TurnFactKind.PROMPT, str(event["submitted_prompt"]), turn)
        case "Stop":
            return TurnFact(TurnFactKind.ANSWER, str(event.get("last_assistant_message") or ""), turn)
        case "StopFailure":
            said = event.get("last_assistant_message") or event.get("error_details") or event.get("error")
            return TurnFact(TurnFactKind.FAILED, str(said or ""), turn)
    return None


def _refusal_answer(reason: str) -> Mapping[str, object]:
    return {"decision": "block", "reason": reason}


def _parse_question(event: Mapping[str, object]) -> HookQuestion | None:
    """The dialog is drawn when the hook has answered, so the hook does not wait."""
    given, tool = event.get("tool_input"), str(event.get("tool_name") or "")
    if event.get("hook_event_name") != "PermissionRequest" or not isinstance(given, Mapping):
        return None
    call = describe_choice(given) or describe_tool_call(tool, _shown_input(given))
    turn = str(event.get("prompt_id") or event.get("session_id") or "")
    return question_about_call(tool, call, turn, (given, event.get("cwd")))


def _shown_input(given: Mapping[str, object]) -> Mapping[str, object]:
    """Without what is so by default."""
    return {name: one for name, one in given.items() if (name, one) != ("is_background", False)}


def _parse_transcript_line(entry: Mapping[str, object]) -> TurnFact | None:
    """An interrupted answer has no usage. A denied or interrupted tool ends the turn. A refused request is repeated; if
    not, the hook tells that the turn failed."""
    message = entry.get("message")
    parts = message.get("parts") if isinstance(message, Mapping) else None
    shown = [one for one in parts if isinstance(one, Mapping)] if isinstance(parts, list) else []
    text = "".join(str(one["text"]) for one in shown if one.get("text") and not one.get("thought"))
    match entry.get("type"):
        case "user" if text:
            return TurnFact(TurnFactKind.PROMPT, text, source=EvidenceSource.TRANSCRIPT)
        case "assistant":
            return TurnFact(_kind_of_answer(entry, shown), text, source=EvidenceSource.TRANSCRIPT)
        case "tool_result" if _CANCELLED in json.dumps(shown[:1]):
            return TurnFact(TurnFactKind.INTERRUPTED, source=EvidenceSource.TRANSCRIPT)
        case "system" if refusal := value_within(entry, "systemPayload", "uiEvent", "error_message"):
            return TurnFact(TurnFactKind.REFUSED, str(refusal), source=EvidenceSource.TRANSCRIPT)
    return None


def _kind_of_answer(entry: Mapping[str, object], parts: Sequence[Mapping[str, object]]) -> TurnFactKind:
    if any("functionCall" in one for one in parts):
        return TurnFactKind.MODEL
    return TurnFactKind.ANSWER if entry.get("usageMetadata") else TurnFactKind.INTERRUPTED


def _parse_cost(entry: Mapping[str, object]) -> TokenCost | None:
    """Without tokens read from the vendor's cache, which are part of the input here."""
    usage = entry.get("usageMetadata")
    if entry.get("type") != "assistant" or not isinstance(usage, Mapping):
        return None
    spent = sum_whole_numbers((usage.get("totalTokenCount"),))
    return TokenCost(
        str(entry.get("uuid") or ""), max(0, spent - sum_whole_numbers((usage.get("cachedContentTokenCount"),)))
    )


def _resume_command(command: Sequence[str], session: str) -> tuple[str, ...] | None:
    """The same options without the prompt, which was given once."""
    if options_in(command).intersection((*_OWN_SESSION, *_NON_CHAT_WORDS, *_NOT_RESUMABLE_OPTIONS)):
        return None
    return (command[0], "--resume", session, *without_prompt(command[1:], _FLAG_OPTIONS))


ADAPTER = Adapter(
    name="qwen",
    rules=load_built_in_rules("qwen"),
    launching=LaunchMethod(
        _is_for,
        _missing_setup,
        launch=_plan_launch,
        resumed=_resume_command,
        is_written=_is_written,
        tool_patience_s=mcp_config.MAX_WAIT_S,
    ),
    submit=SubmitMethod(pause=0.15, shown=0.06, collapses_from=(1001, 11), begins_within=4.0),
    text=TextInput(escape_file_mentions, _finish_text),
    stash=DraftStash(b"\x15", back=PASTE_KEY, undo=PASTE_KEY),
    hooks=Hooks(
        _parse_hook,
        _refusal_answer,
        signal=_hook_signal,
        tool=tool_hook_reader("PreToolUse", "PostToolUse", _WRITING_TOOLS),
    ),
    approvals=HookApprovals(_parse_question),
    transcript=TranscriptFormat(_parse_transcript_line, _parse_cost, moved=same_name_nearby),
)
