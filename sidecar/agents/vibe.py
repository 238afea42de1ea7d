"""Mistral Vibe. A flag names the private folder with our hooks, its environment the room's tools, and its own journal
tells what was said.

None of the user's files is written. What its screen means, such as when it is idle, is in `rules/vibe.toml`;
`activity/activity_verdict.py` judges from it and the other signals what the agent is doing.
"""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

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
    Transcript,
    TranscriptFormat,
    load_built_in_rules,
    program_name,
)
from sidecar.agents.adapter.missing_setup import (
    LOGIN_NEEDED,
    folders_of,
    settings_in,
    trust_question,
    value_within,
)
from sidecar.agents.adapter.tool_call_effects import tool_hook_reader
from sidecar.agents.adapter.tool_call_text import describe_choice, describe_tool_call, question_about_call
from sidecar.agents.adapter.typed_text import break_file_mentions, close_open_list
from sidecar.agents.adapter.vendor_arguments import UUID, options_in, sum_whole_numbers
from sidecar.evidence.escape_sequences import STATUS_PROBE
from sidecar.evidence.turn_evidence import EvidenceSource, TokenCost, ToolUse, TurnFact, TurnFactKind

_HOOK_TYPES = ("pre_tool", "post_tool", "post_agent")
_WRITING_TOOLS = ("file_system.write_file", "file_system.search_replace", "file_system.edit")
_OWN_SESSION = ("--resume", "-c", "--continue", "--worktree")
_SUBCOMMANDS = ("update", "mcp", "config")
_NON_CHAT_OPTIONS = ("-p", "--prompt", "-h", "--help", "-v", "--version", "--setup", "--check-upgrade")
_VALUE_OPTIONS = ("--agent", "--workdir", "--add-dir", "--enabled-tools", "--disabled-tools")
_ACCOUNT_VARIABLE = "MISTRAL_API_KEY"
_NEEDS_TRUST = (
    "AGENTS.md",
    ".agents/skills",
    *(f".vibe/{name}" for name in ("config.toml", "tools", "skills", "plugins", "agents", "prompts")),
)
_PARTS_FOLDER = "journal"
_SERVERS_VARIABLE, _TOOLS_VARIABLE = "VIBE_MCP_SERVERS", "VIBE_TOOLS"
ROOM_TOOLS = (  # it has no permission for all tools of a server
    *("peer_list", "peer_send", "peer_read", "peer_wait", "peer_history", "peer_context", "peer_status"),
    *("room_list", "room_join", "room_search", "recall", "context_get", "context_put"),
    *("ask_human", "propose", "vote", "working", "set_role"),
    *("tool_list", "call_tool"),
)
_PATH = re.compile(
    r"(?P<before>^|[\s\[({<])(?P<path>(?P<quote>['\"])~?/[^'\"\n]*+(?P=quote)|~?/(?:\\.|[^\s\\])*+)", re.MULTILINE
)
_OF_PICTURE = re.compile(r"\.(?:png|jpe?g|gif|webp)\b", re.IGNORECASE)


def _is_for(command: Sequence[str]) -> bool:
    return program_name(command) == "vibe"


def _is_chat(command: Sequence[str]) -> bool:
    return not set(command[1:2]).intersection(_SUBCOMMANDS) and not options_in(command).intersection(_NON_CHAT_OPTIONS)


def _missing_setup(command: Sequence[str], place: LaunchContext) -> Sequence[str]:
    """With settings of one's own, a provider may need no key."""
    home = _vibe_home(place)
    known = place.env.get(_ACCOUNT_VARIABLE) or (home / ".env").exists() or (home / "config.toml").exists()
    wants = [] if known else [LOGIN_NEEDED]
    if "--trust" not in command and _asks_for_trust(place.project, home):
        wants.append(trust_question(place.project))
    return wants


def _asks_for_trust(project: Path, home: Path) -> bool:
    """Of a folder with instructions or settings for it, unless that folder or one above it was decided on."""
    if not any((project / name).exists() for name in _NEEDS_TRUST):
        return False
    try:
        decided = tomllib.loads((home / "trusted_folders.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        decided = {}
    trusted = set(decided.get("trusted") or ())
    return not (trusted.intersection(map(str, folders_of(project))) or str(project) in (decided.get("untrusted") or ()))


def _vibe_home(place: LaunchContext) -> Path:
    return Path(place.env.get("VIBE_HOME") or Path(place.env.get("HOME", "~")).expanduser() / ".vibe")


def _plan_launch(command: Sequence[str], place: LaunchContext) -> LaunchPlan:
    """A Vibe that its model starts in a shell gets no hooks: they are in the command."""
    given = tuple(command)
    if not _is_chat(given):
        return LaunchPlan(given)
    folder = _our_folder(place)
    files = {**hook_config.hook_files(place), folder / ".vibe" / "hooks.toml": _hooks_text(place)}
    session = _named_session(given)
    transcript = _parts_of(place, session) if session else None
    return LaunchPlan(
        (given[0], "--add-dir", str(folder), *given[1:]), _tools_environment(place), files, transcript, session
    )


def _tools_environment(place: LaunchContext) -> dict[str, str]:
    """Vibe merges these variables with the user's settings: servers by their names, tools key by key. Without the
    permission it would ask about each call."""
    if not place.tools:
        return {}
    server = {
        "name": mcp_config.MCP_SERVER_NAME,
        "transport": "streamable-http",
        "url": place.tools,
        "tool_timeout_sec": mcp_config.MAX_WAIT_S,
        "auth": {"type": "static", "api_key_env": mcp_config.KEY_VARIABLE},
    }
    others = [one for one in _list_of(place.env.get(_SERVERS_VARIABLE)) if one.get("name") != server["name"]]
    allowed = {f"{mcp_config.MCP_SERVER_NAME}_{tool}": {"permission": "always"} for tool in ROOM_TOOLS}
    return {
        **mcp_config.mcp_environment(place),
        _SERVERS_VARIABLE: json.dumps([*others, server]),
        _TOOLS_VARIABLE: json.dumps({**allowed, **_mapping_of(place.env.get(_TOOLS_VARIABLE))}),
    }


def _list_of(text: str | None) -> list[dict[str, Any]]:
    """What the user's own variable holds."""
    found = _decoded(text)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _mapping_of(text: str | None) -> dict[str, Any]:
    found = _decoded(text)
    return found if isinstance(found, dict) else {}


def _decoded(text: str | None) -> object:
    try:
        return json.loads(text or "null")
    except ValueError:
        return None


def _our_folder(place: LaunchContext) -> Path:
    """Its files may be read without a question, so it holds no secret."""
    return place.private / "vibe"


def _attachment_folder(child: RunningAgent) -> Path:
    return _our_folder(child.place) / "attached"


def _hooks_text(place: LaunchContext) -> str:
    script = hook_config.hook_environment(place)[hook_config.HOOK_VARIABLE]
    command = f"/bin/sh '{script}' {hook_config.HOOK_TIMEOUT_S}"
    hooks = (
        f'[[hooks]]\nname = "llm-groupchat {kind}"\ntype = "{kind}"\ncommand = {json.dumps(command)}\n'
        f"timeout = {hook_config.HOOK_TIMEOUT_S + 5}.0\n"
        for kind in _HOOK_TYPES
    )
    return "\n".join(hooks)


def _guard_text(text: str, is_name: Callable[[str], bool]) -> str:
    """It makes the path of a picture in a paste a mention of it, whether there is one or not. With a backslash before
    it, it stays text."""

    def kept(match: re.Match[str]) -> str:
        path = match["path"]
        return f"{match['before']}\\{path}" if _OF_PICTURE.search(path) else match[0]

    return _PATH.sub(kept, break_file_mentions(text, is_name))


def _named_session(command: Sequence[str]) -> str:
    """The conversation that the command itself names and continues."""
    pairs = itertools.pairwise(word for one in command[1:] for word in one.split("=", 1))
    return next((name for option, name in pairs if option == "--resume" and UUID.fullmatch(name)), "")


# Its journal


def _session_root(place: LaunchContext) -> Path:
    return _vibe_home(place) / "logs" / "session"


def _parts_of(place: LaunchContext, session: str) -> Path:
    return _session_root(place) / "unified" / session / _PARTS_FOLDER


def _parts_of_hook(event: Mapping[str, object]) -> Path | None:
    """A subagent's session is part of the turn of another one."""
    root = event.get("transcript_path")
    return Path(str(root)) / _PARTS_FOLDER if root and not event.get("parent_session_id") else None


def _session_of_hook(event: Mapping[str, object]) -> str:
    return "" if event.get("parent_session_id") else str(event.get("session_id") or "")


def _session_of_parts(parts: Path) -> str:
    return parts.parent.name


def _find_parts(child: RunningAgent) -> Transcript | None:
    """The session that its server, a child of it, holds."""
    for lease in (_session_root(child.place) / "active").glob("*.lock.json"):
        held = settings_in(lease)
        if _parent_of(held.get("process_id")) == child.pid:
            parts = _parts_of(child.place, str(held.get("session_id")))
            return Transcript(parts, fresh=not _is_older(parts.parent / "meta.json", child.started))
    return None


def _parent_of(pid: object) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return int(stat.rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _is_older(path: Path, started: float) -> bool:
    try:
        return path.stat().st_mtime < started
    except OSError:
        return False


def _is_written(session: str, place: LaunchContext) -> bool:
    """It is stored when its first turn has ended."""
    return (_parts_of(place, session).parent / "CURRENT").exists()


def _parse_record(record: Mapping[str, object]) -> TurnFact | None:
    """A record holds what changes of the conversation, and what is true of it then. The last words of a turn come with
    its end."""
    if record.get("type") != "projection_delta":
        return None
    changes = [one for one in _list_in(record, "payload", "delta") if isinstance(one, Mapping)]
    entries = [one["entry"] for one in changes if isinstance(one.get("entry"), Mapping)]
    now: Mapping[str, Any] = next((one["state"] for one in changes if isinstance(one.get("state"), Mapping)), {})
    turn = value_within(now, "latestTurn") or {}
    prompts = [text for one in entries if one.get("role") == "user" and (text := _text_of(one))]
    words = [_text_of(one) for one in entries if one.get("role") == "assistant" and _is_committed(one)]
    kind, text = _kind_of(now, turn, prompts, words)
    if kind is None:
        return None
    ids = [str(one["turnId"]) for one in entries if one.get("turnId")]
    return TurnFact(kind, text, str(turn.get("id") or next(iter(ids), "")), EvidenceSource.TRANSCRIPT)


def _kind_of(
    now: Mapping[str, object], turn: Mapping[str, object], prompts: Sequence[str], words: Sequence[str]
) -> tuple[TurnFactKind | None, str]:
    ends_now = turn.get("completedAt") is not None and turn.get("completedAt") == value_within(
        now, "session", "updatedAt"
    )
    match turn.get("status"):
        case "failed" if ends_now:
            return TurnFactKind.FAILED, str(value_within(turn, "error", "message") or "")
        case "interrupted" if ends_now:
            return TurnFactKind.INTERRUPTED, ""
        case "completed" if words:
            return TurnFactKind.ANSWER, "\n\n".join(words)
    if prompts:
        return TurnFactKind.PROMPT, "\n".join(prompts)
    if refused := value_within(now, "retrying", "detail"):
        return TurnFactKind.REFUSED, str(refused)
    return (TurnFactKind.MODEL, "\n\n".join(words)) if words else (None, "")


def _is_committed(entry: Mapping[str, object]) -> bool:
    return bool(value_within(entry, "outcome", "type") == "committed")


def _text_of(entry: Mapping[str, object]) -> str:
    parts = entry.get("content")
    shown = [one for one in parts if isinstance(one, Mapping)] if isinstance(parts, list) else []
    return "".join(str(one.get("text") or "") for one in shown)


def _list_in(record: Mapping[str, object], *names: str) -> Iterator[object]:
    found = value_within(record, *names)
    return iter(found if isinstance(found, list) else ())


def _parse_cost(record: Mapping[str, object]) -> TokenCost | None:
    """Of a call of the model. Without tokens read from the vendor's cache, which are part of the input here."""
    payload = record.get("payload")
    usage = _usage_in(payload) if record.get("type") == "action_result" and isinstance(payload, Mapping) else None
    if usage is None or not isinstance(payload, Mapping):
        return None
    spent = sum_whole_numbers((usage.get("input_tokens"), usage.get("output_tokens")))
    cached = sum_whole_numbers((usage.get("cached_input_tokens"),))
    return TokenCost(str(payload.get("action_id") or ""), max(0, spent - cached))


def _usage_in(found: object) -> Mapping[str, object] | None:
    if not isinstance(found, Mapping):
        return None
    usage = found.get("usage")
    return usage if isinstance(usage, Mapping) else next(filter(None, map(_usage_in, found.values())), None)


# Its hooks


def _parse_hook(event: Mapping[str, object]) -> TurnFact | None:
    """What was said is in the journal."""
    return None


def _hook_signal(event: Mapping[str, object]) -> str:
    return "" if event.get("parent_session_id") else str(event.get("hook_event_name") or "")


_read_call = tool_hook_reader("pre_tool", "post_tool", _WRITING_TOOLS)


def _read_tool_hook(event: Mapping[str, object]) -> ToolUse | None:
    """A denied call has a hook after it, too."""
    use = _read_call(event)
    return replace(use, written=False) if use and event.get("tool_status") == "failure" else use


def _no_refusal(_: str) -> Mapping[str, object]:
    """No hook sees a prompt."""
    return {}


def _parse_question(event: Mapping[str, object]) -> HookQuestion | None:
    """The hook comes before Vibe's own rules decide whether it asks, and before the dialog is drawn."""
    given, tool = event.get("tool_input"), str(event.get("tool_name") or "")
    if event.get("hook_event_name") != "pre_tool" or not isinstance(given, Mapping):
        return None
    call = describe_choice(given) or describe_tool_call(tool.rpartition(".")[2], given)
    return question_about_call(tool, call, _session_of_hook(event), (given, event.get("cwd")), tentative=True)


def _resume_command(command: Sequence[str], session: str) -> tuple[str, ...] | None:
    """The same options without the prompt, which was given once."""
    if not _is_chat(command) or options_in(command).intersection(_OWN_SESSION):
        return None
    return (command[0], "--resume", session, *_without_prompt(command[1:]))


def _without_prompt(words: Sequence[str]) -> Iterator[str]:
    takes = False
    for word in words:
        if word.startswith("-") or takes:
            yield word
        takes = word in _VALUE_OPTIONS


ADAPTER = Adapter(
    name="vibe",
    rules=load_built_in_rules("vibe"),
    launching=LaunchMethod(
        _is_for,
        _missing_setup,
        launch=_plan_launch,
        resumed=_resume_command,
        is_written=_is_written,
        tool_patience_s=mcp_config.MAX_WAIT_S,
    ),
    submit=SubmitMethod(pause=0.15, shown=0.06, collapses_from=(1001, 11), begins_within=4.0),
    text=TextInput(_guard_text, close_open_list, _attachment_folder),
    stash=DraftStash(b"\x15", back=PASTE_KEY, undo=PASTE_KEY),
    interrupt=InterruptMethod(only_refuses=True),
    hooks=Hooks(
        _parse_hook,
        _no_refusal,
        signal=_hook_signal,
        session=_session_of_hook,
        transcript=_parts_of_hook,
        ends_within=5.0,
        tool=_read_tool_hook,
    ),
    approvals=HookApprovals(_parse_question),
    transcript=TranscriptFormat(_parse_record, _parse_cost, session=_session_of_parts, find=_find_parts),
    probe=STATUS_PROBE,
)
