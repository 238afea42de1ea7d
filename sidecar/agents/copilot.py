"""GitHub Copilot CLI. Our hooks are a plugin of our own for the run, and its own record of events tells what was said.

The plugin, the room's tools and the session are named by flags. None of the user's files is written. What its screen
means, such as when it is idle, is in `rules/copilot.toml`; `activity/activity_verdict.py` judges from it and the other
signals what the agent is doing.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from sidecar.agents.adapter import hook_config, mcp_config
from sidecar.agents.adapter.adapter import (
    PASTE_KEY,
    Adapter,
    DraftStash,
    HookApprovals,
    HookQuestion,
    Hooks,
    InterruptMethod,
    LaunchContext,
    LaunchMethod,
    LaunchPlan,
    RunningAgent,
    SubmitMethod,
    TextInput,
    TranscriptFormat,
    load_built_in_rules,
    program_name,
)
from sidecar.agents.adapter.missing_setup import LOGIN_NEEDED, folders_of, settings_in, trust_question
from sidecar.agents.adapter.session_files import has_line_with
from sidecar.agents.adapter.tool_call_effects import MAX_PATHS, tool_hook_reader
from sidecar.agents.adapter.tool_call_text import describe_tool_call, question_about_call
from sidecar.agents.adapter.typed_text import break_file_mentions, guard_last_backslash
from sidecar.agents.adapter.vendor_arguments import UUID, options_in, sum_whole_numbers
from sidecar.evidence.turn_evidence import EvidenceSource, TokenCost, ToolUse, TurnFact, TurnFactKind

_HOOK_EVENTS = ("UserPromptSubmit", "PermissionRequest", "Notification", "Stop")
_OWN_SESSION = ("--session-id", "--resume", "-r", "--continue", "--connect")
_SUBCOMMANDS = (
    *("app", "login", "help", "init", "config", "update", "version", "workflow", "sessions", "memories", "plugin"),
    *("plugins", "mcp", "skill", "instruction", "lsp", "sandbox", "completion"),
)
_NON_CHAT_OPTIONS = ("-p", "--prompt", "-h", "--help", "-v", "--version", "--acp", "--environment-host")
_NOT_RESUMABLE_OPTIONS = ("--fleet", "-w", "--worktree")
_GIVEN_ONCE = ("-i", "--interactive", "-n", "--name")  # the first prompt, and the name of a new conversation
_ACCOUNT_VARIABLES = ("COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN", "COPILOT_PROVIDER_BASE_URL")
_ESCAPE_TWICE = b"\x1b[27u\x1b[27u"  # the first one asks for a second; two plain ones at once would be one other key
_TAB = "    "  # what it makes of one
_CALL_BEGINS, _CALL_ENDS = "tool.execution_start", "tool.execution_complete"
_read_call = tool_hook_reader(_CALL_BEGINS, "", ())


def _is_for(command: Sequence[str]) -> bool:
    return program_name(command) == "copilot"


def _is_chat(command: Sequence[str]) -> bool:
    return not set(command[1:2]).intersection(_SUBCOMMANDS) and not options_in(command).intersection(_NON_CHAT_OPTIONS)


def _missing_setup(command: Sequence[str], place: LaunchContext) -> Sequence[str]:
    home = _copilot_home(place)
    state = settings_in(home / "config.json")
    account = state.get("loggedInUsers") or any(place.env.get(name) for name in _ACCOUNT_VARIABLES)
    wants = [] if account or (home / "providers.json").exists() or _has_gh_login(place) else [LOGIN_NEEDED]
    trusted = {str(one) for one in state.get("trustedFolders") or ()}
    if not trusted.intersection(map(str, folders_of(place.project))) and place.env.get("COPILOT_ALLOW_ALL") != "true":
        wants.append(trust_question(place.project))
    return wants


def _has_gh_login(place: LaunchContext) -> bool:
    """It also uses the login of GitHub's own command line."""
    folder = place.env.get("GH_CONFIG_DIR") or Path(place.env.get("HOME", "~")).expanduser() / ".config" / "gh"
    return (Path(folder) / "hosts.yml").exists()


def _copilot_home(place: LaunchContext) -> Path:
    return Path(place.env.get("COPILOT_HOME") or Path(place.env.get("HOME", "~")).expanduser() / ".copilot")


def _plan_launch(command: Sequence[str], place: LaunchContext) -> LaunchPlan:
    """A Copilot that its model starts in a shell gets none of this: all of it is in the command."""
    given = tuple(command)
    if not _is_chat(given):
        return LaunchPlan(given)
    plugin = _our_folder(place)
    written = {**hook_config.hook_files(place), **_plugin_files(plugin, place)}
    added: tuple[str, ...] = ("--plugin-dir", str(plugin), "--add-dir", str(plugin))
    if place.tools:
        servers = place.private / "copilot-mcp.json"
        written[servers] = _mcp_servers(place)
        added += (f"--additional-mcp-config=@{servers}", f"--allow-tool={mcp_config.MCP_SERVER_NAME}")
    session = _named_session(given)
    if not options_in(given).intersection(_OWN_SESSION):
        session = place.session
        added += ("--session-id", session)
    transcript = _transcript_path(place, session) if session else None
    return LaunchPlan((given[0], *added, *given[1:]), files=written, transcript=transcript, session=session)


def _our_folder(place: LaunchContext) -> Path:
    """Its files may be read without a question, so it holds no secret."""
    return place.private / "copilot"


def _attachment_folder(child: RunningAgent) -> Path:
    return _our_folder(child.place) / "attached"


def _plugin_files(folder: Path, place: LaunchContext) -> Mapping[Path, str]:
    hook = {
        "type": "command",
        "exec": "/bin/sh",
        "args": [hook_config.hook_environment(place)[hook_config.HOOK_VARIABLE], str(hook_config.HOOK_TIMEOUT_S)],
        "timeoutSec": hook_config.HOOK_TIMEOUT_S + 5,
    }
    about = {
        "name": "llm-groupchat",
        "version": "1.0.0",
        "description": "Tells llm-groupchat of each turn.",
        "hooks": "hooks.json",
    }
    hooks = {"version": 1, "hooks": {event: [hook] for event in _HOOK_EVENTS}}
    return {folder / "plugin.json": json.dumps(about, indent=1), folder / "hooks.json": json.dumps(hooks, indent=1)}


def _mcp_servers(place: LaunchContext) -> str:
    """By a private file that the command names, so that the key is in no command line."""
    server = {
        "type": "http",
        "url": place.tools,
        "headers": {"Authorization": f"Bearer {place.key}"},
        "tools": ["*"],
        "timeout": mcp_config.MAX_WAIT_S * 1000,
    }
    return json.dumps({"mcpServers": {mcp_config.MCP_SERVER_NAME: server}})


def _named_session(command: Sequence[str]) -> str:
    """The conversation that the command itself names and continues."""
    words = [word for one in command[1:] for word in one.split("=", 1)]
    pairs = itertools.pairwise(words)
    return next((name for option, name in pairs if option in _OWN_SESSION and UUID.fullmatch(name)), "")


def _transcript_path(place: LaunchContext, session: str) -> Path:
    return _copilot_home(place) / "session-state" / session / "events.jsonl"


def _transcript_of_session(current: Path, session: str) -> Path:
    """Beside the one of the conversation before it."""
    return current.parent.parent / session / current.name


def _is_written(session: str, place: LaunchContext) -> bool:
    """The events of a start alone have no prompt."""
    return has_line_with(_transcript_path(place, session), '"type":"user.message"')


def _guard_text(text: str, is_name: Callable[[str], bool]) -> str:
    """It looks up a file or folder that stands behind an `@`, anywhere on the disk, and names it to its model with the
    number of its lines. With a backslash behind the `@` there is none. A tab would become four spaces."""
    return break_file_mentions(text.replace("\t", _TAB), is_name)


def _hook_signal(event: Mapping[str, object]) -> str:
    """Only a notification tells that a question is drawn: a request that its own rules decide has a hook, too."""
    return " ".join(str(event[key]) for key in ("hook_event_name", "notification_type") if event.get(key))


def _session_of_hook(event: Mapping[str, object]) -> str:
    return str(event.get("session_id") or event.get("sessionId") or "")


def _parse_hook(event: Mapping[str, object]) -> TurnFact | None:
    """The end of a turn is told by its events: by then they hold the answer."""
    if event.get("hook_event_name") == "UserPromptSubmit":
        return TurnFact(TurnFactKind.PROMPT, str(event.get("prompt") or ""))
    return None


def _refusal_answer(reason: str) -> Mapping[str, object]:
    return {"decision": "block", "reason": reason}


def _parse_question(event: Mapping[str, object]) -> HookQuestion | None:
    """The dialog is drawn when the hook has answered, so the hook does not wait. There may be none: its rules may allow
    the call."""
    given, tool = event.get("toolInput"), str(event.get("toolName") or "")
    if event.get("hookName") != "permissionRequest" or not isinstance(given, Mapping):
        return None
    call = describe_tool_call(tool, _shown_input(given))
    return question_about_call(tool, call, _session_of_hook(event), (given, event.get("cwd")), tentative=True)


def _shown_input(given: Mapping[str, object]) -> Mapping[str, object]:
    """A change with the name that other agents use for it."""
    return {
        "fileDiff" if name == "diff" else name: one.strip("\n") if name == "diff" and isinstance(one, str) else one
        for name, one in given.items()
    }


def _parse_event(entry: Mapping[str, object]) -> TurnFact | None:
    """Events of a subagent, and prompts and calls that Copilot makes itself, say nothing about a message."""
    data = entry.get("data")
    if not isinstance(data, Mapping) or entry.get("agentId") or data.get("parentToolCallId") or data.get("source"):
        return None
    text = str(data.get("content") or "")
    match entry.get("type"):
        case "user.message":
            return TurnFact(TurnFactKind.PROMPT, text, source=EvidenceSource.TRANSCRIPT)
        case "assistant.message" if data.get("model") or not data.get("toolRequests"):
            kind = TurnFactKind.MODEL if data.get("toolRequests") else TurnFactKind.ANSWER
            return TurnFact(kind, text, source=EvidenceSource.TRANSCRIPT)
        case "abort":
            return TurnFact(TurnFactKind.INTERRUPTED, source=EvidenceSource.TRANSCRIPT)
        case "session.error":
            return TurnFact(TurnFactKind.FAILED, str(data.get("message") or ""), source=EvidenceSource.TRANSCRIPT)
    return None


def _parse_cost(entry: Mapping[str, object]) -> TokenCost | None:
    """Without tokens read from the vendor's cache, which are part of the input here."""
    data = entry.get("data")
    usage = data.get("usage") if isinstance(data, Mapping) else None
    if entry.get("type") != "session.usage_record" or not isinstance(usage, Mapping):
        return None
    spent = sum_whole_numbers((usage.get("inputTokens"), usage.get("outputTokens")))
    return TokenCost(str(entry.get("id") or ""), max(0, spent - sum_whole_numbers((usage.get("cacheReadTokens"),))))


def _parse_tool_use(entry: Mapping[str, object]) -> ToolUse | None:
    """Its event at the end of a call names no tool, but each file that was changed, and how."""
    kind, data = entry.get("type"), entry.get("data")
    if not isinstance(data, Mapping):
        return None
    if kind == _CALL_BEGINS:
        begins = {"hook_event_name": kind, "tool_name": data.get("toolName"), "tool_input": data.get("arguments")}
        return _read_call(begins)
    edits = data.get("fileEdits") if kind == _CALL_ENDS and data.get("success") else None
    changed = [one for one in edits if isinstance(one, Mapping)] if isinstance(edits, list) else []
    paths = tuple(str(one["path"]) for one in changed if one.get("path"))[:MAX_PATHS]
    return ToolUse(str(changed[0].get("kind") or "edit"), paths, ended=True, written=True) if paths else None


def _resume_command(command: Sequence[str], session: str) -> tuple[str, ...] | None:
    """The same options without what was given once."""
    if not _is_chat(command) or options_in(command).intersection((*_OWN_SESSION, *_NOT_RESUMABLE_OPTIONS)):
        return None
    return (command[0], "--session-id", session, *_without_given_once(command[1:]))


def _without_given_once(words: Sequence[str]) -> Iterator[str]:
    follows = False
    for word in words:
        option, joined, _ = word.partition("=")
        if option in _GIVEN_ONCE:
            follows = not joined
        elif follows:
            follows = False
        else:
            yield word


ADAPTER = Adapter(
    name="copilot",
    rules=load_built_in_rules("copilot"),
    launching=LaunchMethod(
        _is_for,
        _missing_setup,
        launch=_plan_launch,
        resumed=_resume_command,
        is_written=_is_written,
        tool_patience_s=mcp_config.MAX_WAIT_S,
    ),
    submit=SubmitMethod(pause=0.15, shown=0.06, collapses_from=(10**9, 11), begins_within=4.0),
    text=TextInput(_guard_text, guard_last_backslash, _attachment_folder),
    stash=DraftStash(b"\x15", back=PASTE_KEY, undo=PASTE_KEY),
    interrupt=InterruptMethod(_ESCAPE_TWICE, leaves_tools=True),  # a command goes on as a background shell
    hooks=Hooks(_parse_hook, _refusal_answer, signal=_hook_signal, session=_session_of_hook, ends_within=5.0),
    approvals=HookApprovals(_parse_question),
    transcript=TranscriptFormat(_parse_event, _parse_cost, tool=_parse_tool_use, of_session=_transcript_of_session),
)
