"""Claude Code. Everything is passed by flags and a private settings file. The user's own files are never written.

What its screen means, such as when it is idle, is in `rules/claude.toml`; `activity/activity_verdict.py` judges from it
and the other signals what the agent is doing.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.protocol.text.invisible_characters import is_unseen
from gateway.protocol.text.role_prompts import RolePrompt
from sidecar.agents.adapter import mcp_config
from sidecar.agents.adapter.adapter import (
    ATTACHED_FOLDER,
    Adapter,
    DraftStash,
    HookApprovals,
    HookQuestion,
    Hooks,
    LaunchContext,
    LaunchMethod,
    LaunchPlan,
    RunningAgent,
    Skill,
    StatusFormat,
    SubmitMethod,
    TextInput,
    TranscriptFormat,
    load_built_in_rules,
    program_name,
)
from sidecar.agents.adapter.missing_setup import folders_of, settings_in, trust_question, value_within
from sidecar.agents.adapter.session_files import has_line_with, same_name_nearby
from sidecar.agents.adapter.tool_call_effects import tool_hook_reader
from sidecar.agents.adapter.tool_call_text import describe_choice, describe_tool_call, question_about_call
from sidecar.agents.adapter.typed_text import ENDS_A_WORD
from sidecar.agents.adapter.vendor_arguments import UUID, options_in, sum_whole_numbers, without_prompt
from sidecar.evidence.escape_sequences import STATUS_PROBE
from sidecar.evidence.turn_evidence import EvidenceSource, TokenCost, TurnFact, TurnFactKind

HOOK_TIMEOUT_S = 10
TOOL_HOOK_TIMEOUT_S = 5  # each call of a tool waits for it
DAY_S = 86_400
_HOOK_TIMEOUTS_S = {
    "UserPromptSubmit": HOOK_TIMEOUT_S,
    "PermissionRequest": DAY_S,
    "Stop": HOOK_TIMEOUT_S,
    "StopFailure": HOOK_TIMEOUT_S,
    "PreToolUse": TOOL_HOOK_TIMEOUT_S,
    "PostToolUse": TOOL_HOOK_TIMEOUT_S,
}
_WRITING_TOOLS = ("Edit", "MultiEdit", "NotebookEdit", "Write")
_MATCHERS = {"PostToolUse": "|".join(_WRITING_TOOLS)}
_OWN_SESSION = ("--session-id", "--resume", "-r", "--continue", "-c", "--fork-session")
_SESSION_NAME_OPTIONS = ("--session-id", "--resume", "-r")
TOOL_TIMEOUT_S = 120  # then it moves the call to the background and continues without the answer
_NON_CHAT_WORDS = ("-p", "--print", "-h", "--help", "-v", "--version", "mcp", "update", "doctor", "config", "install")
_NOT_RESUMABLE_OPTIONS = ("-w", "--worktree", "--tmux", "--cloud", "--teleport", "--bg", "--background", "--from-pr")
_FLAG_OPTIONS = (
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
_LIST_OPTIONS = (
    *("--add-dir", "--allowedTools", "--allowed-tools", "--disallowedTools", "--disallowed-tools", "--tools"),
    *("--betas", "--file", "--mcp-config"),
)
_LOGIN_VARIABLES = (
    *("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
    *("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"),
)
_NO_LOGIN_TEXT = "has no login (/login gives it one)"
_QUESTION_TOOL = "AskUserQuestion"
_OPENS_POPUP = re.compile(r"(?:\\|(?:^|\s)@\S+)\Z")
_FILE_MENTION = re.compile(r"@(?=(?P<word>\S{1,80}))")  # a member's name is never longer


def _is_for(command: Sequence[str]) -> bool:
    return program_name(command) == "claude"


def _missing_setup(command: Sequence[str], place: LaunchContext) -> Sequence[str]:
    own = place.env.get("CLAUDE_CONFIG_DIR")
    known = settings_in(Path(own or place.env.get("HOME", "~")).expanduser() / ".claude.json")
    if not known.get("hasCompletedOnboarding"):
        return ["asks its first questions: theme, login, trust"]
    wants = [] if _has_login(command, place, known) else [_NO_LOGIN_TEXT]
    trusted = (value_within(known, "projects", str(one), "hasTrustDialogAccepted") for one in folders_of(place.project))
    if not (any(trusted) or place.env.get("CLAUDE_CODE_SANDBOXED")):
        wants.append(trust_question(place.project))
    return wants


def _has_login(command: Sequence[str], place: LaunchContext, known: Mapping[str, Any]) -> bool:
    helper = "apiKeyHelper" in settings_in(_home_folder(place) / "settings.json") or "apiKeyHelper" in " ".join(command)
    kept = (_home_folder(place) / ".credentials.json").exists()
    return helper or kept or bool(known.get("oauthAccount")) or any(place.env.get(name) for name in _LOGIN_VARIABLES)


def _plan_launch(command: Sequence[str], place: LaunchContext) -> LaunchPlan:
    """The user's command with our hooks and, if the user chose no session, with a session id of ours."""
    given, own = _without_settings(tuple(command))
    if own is None or any(word in _NON_CHAT_WORDS for word in given[1:]):
        return LaunchPlan(tuple(command))
    settings = place.private / "claude-settings.json"
    added: tuple[str, ...] = ("--settings", str(settings))
    session = _named_session(given)
    if not options_in(given).intersection(_OWN_SESSION):
        session = place.session
        added += ("--session-id", session)
    files = {settings: _merged_settings(place, own)}
    if place.tools:
        servers = place.private / "claude-mcp.json"
        files[servers] = _mcp_servers(place)
        added = ("--mcp-config", str(servers), *added)
    transcript = _transcript_path(place, session) if session else None
    return LaunchPlan((given[0], *added, *given[1:]), files=files, transcript=transcript, session=session)


def _named_session(command: Sequence[str]) -> str:
    """The conversation that the command itself names and continues."""
    names = itertools.pairwise(command)
    named = next((name for option, name in names if option in _SESSION_NAME_OPTIONS and UUID.fullmatch(name)), "")
    return "" if "--fork-session" in command else named


def _without_settings(command: tuple[str, ...]) -> tuple[tuple[str, ...], Mapping[str, Any] | None]:
    """The command without its own `--settings`, and their content. None if they cannot be read: Claude will report
    it."""
    words = tuple(part for word in command for part in _split_option(word))
    if "--settings" not in words[:-1]:
        return command, {}
    at = words.index("--settings")
    text = words[at + 1]
    try:
        own = json.loads(text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return command, None
    return words[:at] + words[at + 2 :], own if isinstance(own, dict) else None


def _split_option(word: str) -> tuple[str, ...]:
    option, joined, value = word.partition("=")
    return (option, value) if joined and option == "--settings" else (word,)


def _merged_settings(place: LaunchContext, own: Mapping[str, Any]) -> str:
    """The user's own settings with our hooks beside theirs. Neither the room's tools nor reading an attachment asks for
    permission."""
    hooks = dict(own.get("hooks") or {})
    for name, patience in _HOOK_TIMEOUTS_S.items():
        ours = {"hooks": [{"type": "http", "url": f"{place.hooks}/{name}", "timeout": patience}]}
        matcher = {"matcher": _MATCHERS[name]} if name in _MATCHERS else {}
        hooks[name] = [*hooks.get(name, []), {**matcher, **ours}]
    permissions = dict(own.get("permissions") or {})
    folders = dict.fromkeys((place.private / ATTACHED_FOLDER, (place.private / ATTACHED_FOLDER).resolve()))
    reading = (f"Read(/{folder}/**)" for folder in folders)
    permissions["allow"] = [*permissions.get("allow", []), f"mcp__{mcp_config.MCP_SERVER_NAME}__*", *reading]
    return json.dumps({**own, "hooks": hooks, "permissions": permissions}, indent=1)


def _mcp_servers(place: LaunchContext) -> str:
    headers = {"Authorization": f"Bearer {place.key}"}
    return json.dumps(
        {"mcpServers": {mcp_config.MCP_SERVER_NAME: {"type": "http", "url": place.tools, "headers": headers}}}
    )


def _home_folder(place: LaunchContext) -> Path:
    return Path(place.env.get("CLAUDE_CONFIG_DIR") or Path(place.env.get("HOME", "~")).expanduser() / ".claude")


def _transcript_path(place: LaunchContext, session: str) -> Path:
    folder = re.sub(r"[^A-Za-z0-9]", "-", str(place.project))
    return _home_folder(place) / "projects" / folder / f"{session}.jsonl"


def _is_written(session: str, place: LaunchContext) -> bool:
    """Claude resumes only what has at least one prompt. It finds it even if the project was moved since."""
    found = (_home_folder(place) / "projects").glob(f"*/{session}.jsonl")
    return any(has_line_with(path, '"type":"user"', '"type":"assistant"') for path in found)


def _status_file(child: RunningAgent) -> Path:
    return _home_folder(child.place) / "sessions" / f"{child.pid}.json"


def _parse_status(text: str) -> str:
    """The file is written in place, so half a file is not evidence."""
    try:
        data = json.loads(text)
    except ValueError:
        return ""
    status, waits = (data.get("status"), data.get("waitingFor")) if isinstance(data, dict) else (None, None)
    return f"{status} {waits}".removesuffix(" None") if status else ""


def _escape_file_mentions(text: str, is_name: Callable[[str], bool]) -> str:
    """`@path` at the beginning of a word makes Claude read that file from anywhere on the disk without asking. With a
    backslash it is text. Invisible characters may be dropped before. A mention of a member stays unchanged."""

    def shielded(found: re.Match[str]) -> str:
        before = text[found.start() - 1 : found.start()]
        begins_word = not before or before.isspace() or is_unseen(before)
        return "\\@" if begins_word and not is_name(found["word"].rstrip(ENDS_A_WORD)) else "@"

    return _FILE_MENTION.sub(shielded, text)


def _neutralize_end(text: str) -> str:
    """A last backslash would turn Enter into a newline. A last `@word` would open a list that swallows Enter."""
    return f"{text} ." if _OPENS_POPUP.search(text) else text


def _parse_hook(event: Mapping[str, object]) -> TurnFact | None:
    turn = str(event.get("prompt_id") or "")
    match event.get("hook_event_name"):
        case "UserPromptSubmit":
            return TurnFact(TurnFactKind.PROMPT, str(event.get("prompt", "")), turn)
        case "Stop":
            return TurnFact(TurnFactKind.ANSWER, str(event.get("last_assistant_message") or ""), turn)
        case "StopFailure":
            return TurnFact(TurnFactKind.FAILED, str(event.get("last_assistant_message") or event.get("error")), turn)
    return None


def _refusal_answer(reason: str) -> Mapping[str, object]:
    return {"decision": "block", "reason": reason}


def _parse_question(event: Mapping[str, object]) -> HookQuestion | None:
    """The dialog is on the screen while the hook waits, and the first answer counts. A question of Claude's own cannot
    be answered by yes or no."""
    given, tool = event.get("tool_input"), str(event.get("tool_name") or "")
    if event.get("hook_event_name") != "PermissionRequest" or not isinstance(given, Mapping):
        return None
    call = describe_choice(given) or describe_tool_call(tool, given)
    decides = tool != _QUESTION_TOOL
    turn = str(event.get("prompt_id") or event.get("session_id") or "")
    shown = (given, event.get("permission_suggestions"), event.get("cwd"))
    return replace(question_about_call(tool, call, turn, shown), decides=decides, words=decides)


def _decision_answer(allow: bool, by: str, words: str) -> Mapping[str, object]:
    said = f"{by} denied this in the group chat" + (f", with these words:\n{words}" if words else ".")
    no = {"behavior": "deny", "message": said}
    decision = {"behavior": "allow"} if allow else no
    return {"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decision}}


def _resume_command(command: Sequence[str], session: str) -> tuple[str, ...] | None:
    """The same options without the prompt, which was given once."""
    if options_in(command).intersection((*_OWN_SESSION, *_NON_CHAT_WORDS, *_NOT_RESUMABLE_OPTIONS)):
        return None
    return (command[0], "--resume", session, *without_prompt(command[1:], _FLAG_OPTIONS, _LIST_OPTIONS))


def _parse_cost(entry: Mapping[str, object]) -> TokenCost | None:
    """Each part of an answer is an entry with the usage of the whole call so far. Tokens read from the vendor's cache
    are not counted, or a long conversation would count again with each call."""
    message = entry.get("message")
    usage = message.get("usage") if isinstance(message, Mapping) else None
    if not isinstance(message, Mapping) or not isinstance(usage, Mapping):
        return None
    counted = (usage.get(name) for name in ("input_tokens", "cache_creation_input_tokens", "output_tokens"))
    return TokenCost(str(message.get("id") or ""), sum_whole_numbers(counted))


def _parse_transcript_line(entry: Mapping[str, object]) -> TurnFact | None:
    """Ignores subagents, and what Claude writes itself in a user's name (a summary quotes old messages)."""
    if any(entry.get(mark) for mark in ("isSidechain", "isMeta", "isCompactSummary")):
        return None
    message = entry.get("message")
    text = _text_of(message.get("content")) if isinstance(message, Mapping) else ""
    match entry.get("type"):
        case "user" if text:
            return _parse_user_line(entry, text)
        case "assistant":
            kind = TurnFactKind.FAILED if entry.get("isApiErrorMessage") else TurnFactKind.MODEL
            return TurnFact(kind, text, source=EvidenceSource.TRANSCRIPT)
        case "attachment":
            return _parse_steering(entry.get("attachment"))
        case "system" if entry.get("subtype") == "turn_duration":
            return TurnFact(TurnFactKind.ENDED, source=EvidenceSource.TRANSCRIPT)
    return None


def _parse_user_line(entry: Mapping[str, object], text: str) -> TurnFact:
    """Several queued prompts become one turn, which its Stop hook names after the last of them. If a prompt was queued,
    the entry of an interruption has its id, not that of the interrupted turn."""
    turn = "" if entry.get("promptSource") == "queued" else str(entry.get("promptId") or "")
    if text.startswith("[Request interrupted by user"):
        return TurnFact(TurnFactKind.INTERRUPTED, source=EvidenceSource.TRANSCRIPT)
    return TurnFact(TurnFactKind.PROMPT, text, turn, EvidenceSource.TRANSCRIPT)


def _parse_steering(attachment: object) -> TurnFact | None:
    """A message that was typed while a tool ran, as the model gets it."""
    if not isinstance(attachment, Mapping) or attachment.get("type") != "queued_command":
        return None
    return TurnFact(TurnFactKind.PROMPT, _text_of(attachment.get("prompt")), source=EvidenceSource.TRANSCRIPT)


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))


def _skill_file(name: str, prompt: RolePrompt) -> Skill:
    head = f"---\nname: groupchat-{name}\ndescription: {prompt.about} Use it in the group chat of agents.\n---\n"
    return Skill(f".claude/skills/groupchat-{name}/SKILL.md", f"{head}\n{prompt.text}\n")


ADAPTER = Adapter(
    name="claude",
    rules=load_built_in_rules("claude"),
    launching=LaunchMethod(
        _is_for,
        _missing_setup,
        launch=_plan_launch,
        resumed=_resume_command,
        is_written=_is_written,
        tool_patience_s=TOOL_TIMEOUT_S,
    ),
    submit=SubmitMethod(pause=0.05, collapses_from=(800, 4)),
    text=TextInput(guard=_escape_file_mentions, finish=_neutralize_end),
    stash=DraftStash(b"\x13", undo=b"\x13", rows=1000),
    hooks=Hooks(_parse_hook, _refusal_answer, tool=tool_hook_reader("PreToolUse", "PostToolUse", _WRITING_TOOLS)),
    approvals=HookApprovals(_parse_question, _decision_answer),
    transcript=TranscriptFormat(_parse_transcript_line, _parse_cost, moved=same_name_nearby),
    status=StatusFormat(_status_file, _parse_status),
    probe=STATUS_PROBE,
    skill=_skill_file,
)
