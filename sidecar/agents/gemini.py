"""Gemini CLI. Our hooks come with an extension. Its session file reports what was said; we choose its id.

What its screen means, such as when it is idle, is in `rules/gemini.toml`; `activity/activity_verdict.py` judges from it
and the other signals what the agent is doing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from gateway.protocol.text.role_prompts import RolePrompt
from sidecar.agents import gemini_hooks
from sidecar.agents.adapter import hook_config, mcp_config
from sidecar.agents.adapter.adapter import (
    PASTE_KEY,
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
    SubmitMethod,
    TextInput,
    Transcript,
    TranscriptFormat,
    load_built_in_rules,
    own_attachment_folder,
    program_name,
)
from sidecar.agents.adapter.missing_setup import LOGIN_NEEDED, folders_of, settings_in, trust_question, value_within
from sidecar.agents.adapter.session_files import has_line_with
from sidecar.agents.adapter.tool_call_effects import tool_hook_reader
from sidecar.agents.adapter.tool_call_text import describe_tool_call, question_about_call
from sidecar.agents.adapter.typed_text import escape_file_mentions, neutralize_end
from sidecar.agents.adapter.vendor_arguments import UUID, options_in, sum_whole_numbers, without_prompt
from sidecar.evidence.turn_evidence import EvidenceSource, TokenCost, TurnFact, TurnFactKind

_OWN_SESSION = ("--session-id", "--resume", "-r", "--list-sessions", "--delete-session")
_NON_CHAT_WORDS = (
    *("-p", "--prompt", "-h", "--help", "-v", "--version", "--acp", "--experimental-acp"),
    *("mcp", "extensions", "extension", "skills", "skill", "hooks", "hook", "gemma"),
)
_HIDDEN_FIELDS = ("type", "title", "rootCommand", "rootCommands", "originalContent", "newContent")  # shown elsewhere
_NOT_RESUMABLE_OPTIONS = ("-i", "--prompt-interactive", "-w", "--worktree", "--session-file")
_FLAG_OPTIONS = (
    *("-d", "--debug", "--skip-trust", "-s", "--sandbox", "-y", "--yolo", "-l", "--list-extensions"),
    *("--screen-reader", "--raw-output", "--accept-raw-output-risk"),
)
_API_KEY_LOGIN = "gemini-api-key"
_CLOCK_TOLERANCE_S = 1.0
_POLICY_TEXT = f"""# The room's tools raise no question; a rule of your own goes before this one.
[[rule]]
toolName = "*"
mcpName = "{mcp_config.MCP_SERVER_NAME}"
decision = "allow"
priority = 1
"""
_NO_WIDTH = re.compile(r"[\u200b-\u200f\ufeff]")


def _is_for(command: Sequence[str]) -> bool:
    return program_name(command) == "gemini"


def _missing_setup(command: Sequence[str], place: LaunchContext) -> Sequence[str]:
    home = gemini_hooks.gemini_home(place)
    settings = settings_in(home / "settings.json")
    method = value_within(settings, "security", "auth", "selectedType")
    key = place.env.get("GEMINI_API_KEY") or (home / ".env").exists() or (place.project / ".env").exists()
    wants = [] if method and (method != _API_KEY_LOGIN or key) else [LOGIN_NEEDED]
    if not _is_trusted(command, place, settings):
        wants.append(trust_question(place.project))
    return wants


def _is_trusted(command: Sequence[str], place: LaunchContext, settings: Mapping[str, object]) -> bool:
    if value_within(settings, "security", "folderTrust", "enabled") is False or "--skip-trust" in command:
        return True
    rules = settings_in(gemini_hooks.gemini_home(place) / "trustedFolders.json")
    told = rules.get(str(place.project)) is not None
    above = any(rules.get(str(one)) == "TRUST_FOLDER" for one in folders_of(place.project))
    return told or above or place.env.get("GEMINI_CLI_TRUST_WORKSPACE") == "true"


def _plan_launch(command: Sequence[str], place: LaunchContext) -> LaunchPlan:
    given = tuple(command)
    words = options_in(given)
    if words.intersection(_NON_CHAT_WORDS):
        return LaunchPlan(given)
    env: dict[str, str] = {
        **hook_config.hook_environment(place),
        **gemini_hooks.gemini_environment(place),
        **mcp_config.mcp_environment(place),
    }
    written = {**hook_config.hook_files(place), **gemini_hooks.extension_files(given, place)}
    if (defaults := gemini_hooks.defaults_that_keep_sessions(place)) is not None:
        ours = place.private / "gemini-defaults.json"
        written[ours], env[gemini_hooks.DEFAULTS_VARIABLE] = defaults, str(ours)
    added: tuple[str, ...] = ()
    if place.tools:
        policy = place.private / "gemini-policy.toml"
        written[policy] = _POLICY_TEXT
        added = _with_policy(policy, given, place)
    if words.intersection(_OWN_SESSION):
        return LaunchPlan((given[0], *added, *given[1:]), env, written, session=_resumed_session(given))
    added += ("--session-id", place.session)
    return LaunchPlan((given[0], *added, *given[1:]), env, written, session=place.session)


def _with_policy(policy: Path, command: Sequence[str], place: LaunchContext) -> tuple[str, ...]:
    """Our policy beside the user's, because the flag alone would replace the user's."""
    home = gemini_hooks.gemini_home(place)
    own = value_within(settings_in(home / "settings.json"), "policyPaths") or [str(home / "policies")]
    given = "--policy" in options_in(command)
    paths = [str(policy), *([] if given else [str(one) for one in own if Path(str(one)).exists()])]
    return tuple(word for path in paths for word in ("--policy", path))


def _resumed_session(command: Sequence[str]) -> str:
    return next((match[0] for word in command if (match := UUID.search(word))), "")


def _find_transcript(child: RunningAgent) -> Transcript | None:
    """The file is named after its minute and the first eight characters of its id, and is created at the first turn.
    Only its hooks tell which file a resumed session uses."""
    chats = (gemini_hooks.gemini_home(child.place) / "tmp").glob(f"*/chats/session-*-{child.place.session[:8]}.jsonl")
    return next(
        (Transcript(path, fresh=True) for path in chats if _begun_at(path) >= child.started - _CLOCK_TOLERANCE_S), None
    )


def _is_written(session: str, place: LaunchContext) -> bool:
    """Gemini looks only in the folder that it has for this project. A resumed conversation may have several files."""
    folders = (root.parent for root in _project_roots(place))
    chats = (path for one in folders for path in (one / "chats").glob(f"session-*-{session[:8]}.jsonl"))
    return any(has_line_with(path, '"type":"user"', '"type":"gemini"') for path in chats)


def _begun_at(chat: Path) -> float:
    try:
        with chat.open("rb") as file:
            return datetime.fromisoformat(str(json.loads(file.readline())["startTime"])).timestamp()
    except (OSError, ValueError, LookupError, TypeError):
        return float("-inf")


def _temporary_folder(child: RunningAgent) -> Path:
    """Outside the project, Gemini reads only its own temporary folder for this project. It asks about other files or
    refuses them."""
    mine = next(iter(_project_roots(child.place)), None)
    return (
        own_attachment_folder(child)
        if mine is None
        else mine.parent / f"{gemini_hooks.EXTENSION_NAME}-{child.place.private.name}"
    )


def _project_roots(place: LaunchContext) -> list[Path]:
    """The files that name this project in Gemini's temporary folders."""
    roots = (gemini_hooks.gemini_home(place) / "tmp").glob("*/.project_root")
    return [root for root in roots if _is_inside(root, place.project)]


def _is_inside(root: Path, project: Path) -> bool:
    try:
        return Path(root.read_text(encoding="utf-8").strip()).resolve() == project.resolve()
    except (OSError, ValueError, RuntimeError):
        return False


def _parse_hook(event: Mapping[str, object]) -> TurnFact | None:
    """Streaming damages the hook's text of the answer, so the answer is taken from the session file."""
    match event.get("hook_event_name"):
        case "BeforeAgent":
            return TurnFact(TurnFactKind.PROMPT, str(event.get("prompt", "")))
        case "AfterAgent":
            return TurnFact(TurnFactKind.ENDED)
    return None


def _choose_answer(event: Mapping[str, object], words: str) -> str:
    """The session file lacks characters without width (which join emoji). The hook has them, but repeats itself piece
    by piece."""
    told = str(event.get("prompt_response") or "")
    seen = [at for at, one in enumerate(told) if not _NO_WIDTH.match(one)]
    begin = "".join(told[at] for at in seen).rfind(words)
    return told[seen[begin] : seen[begin + len(words) - 1] + 1] if begin >= 0 else ""


def _refusal_answer(reason: str) -> Mapping[str, object]:
    return {"decision": "deny", "reason": reason}


def _parse_question(event: Mapping[str, object]) -> HookQuestion | None:
    details = event.get("details")
    if event.get("notification_type") != "ToolPermission" or not isinstance(details, Mapping):
        return None
    shown = {name: one for name, one in details.items() if name not in _HIDDEN_FIELDS}
    tool = str(details.get("title") or details.get("type") or "")
    turn = str(event.get("session_id") or "")
    return question_about_call(tool, describe_tool_call(tool, shown), turn, (shown, event.get("cwd")))


def _parse_transcript_line(entry: Mapping[str, object]) -> TurnFact | None:
    """A tool's result is also an entry of the user, without a text. An entry that calls a tool is written several
    times."""
    content = entry.get("content")
    match entry.get("type"):
        case "user" if _content_text(content):
            return TurnFact(TurnFactKind.PROMPT, _content_text(content), source=EvidenceSource.TRANSCRIPT)
        case "gemini":
            return TurnFact(TurnFactKind.MODEL, _content_text(content), source=EvidenceSource.TRANSCRIPT)
        case "error":
            return TurnFact(TurnFactKind.FAILED, _content_text(content), source=EvidenceSource.TRANSCRIPT)
        case "info" if _content_text(content).startswith("Request cancelled"):
            return TurnFact(TurnFactKind.INTERRUPTED, source=EvidenceSource.TRANSCRIPT)
    return None


def _parse_cost(entry: Mapping[str, object]) -> TokenCost | None:
    """Without tokens read from the vendor's cache, which are part of the input here."""
    tokens = entry.get("tokens")
    if entry.get("type") != "gemini" or not isinstance(tokens, Mapping):
        return None
    spent = sum_whole_numbers((tokens.get("total"),)) - sum_whole_numbers((tokens.get("cached"),))
    return TokenCost(str(entry.get("id") or ""), max(0, spent))


def _content_text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, Mapping))


def _resume_command(command: Sequence[str], session: str) -> tuple[str, ...] | None:
    """The same options without the prompt, which was given once."""
    if options_in(command).intersection((*_OWN_SESSION, *_NON_CHAT_WORDS, *_NOT_RESUMABLE_OPTIONS)):
        return None
    return (command[0], "--resume", session, *without_prompt(command[1:], _FLAG_OPTIONS))


def _skill_file(name: str, prompt: RolePrompt) -> Skill:
    text = prompt.text.replace("\\", "\\\\").replace('"', '\\"')
    command = f'description = "{prompt.about}"\nprompt = """\n{text}\n"""\n'
    return Skill(f".gemini/commands/groupchat-{name}.toml", command)


ADAPTER = Adapter(
    name="gemini",
    rules=load_built_in_rules("gemini"),
    launching=LaunchMethod(
        _is_for,
        _missing_setup,
        launch=_plan_launch,
        resumed=_resume_command,
        is_written=_is_written,
        tool_patience_s=mcp_config.MAX_WAIT_S,
    ),
    # within 40 ms of a paste, Enter begins a new row
    submit=SubmitMethod(pause=0.06, shown=0.06, collapses_from=(500, 6)),
    text=TextInput(escape_file_mentions, neutralize_end, _temporary_folder),
    stash=DraftStash(b"\x15", back=PASTE_KEY, undo=PASTE_KEY),
    hooks=Hooks(
        _parse_hook,
        _refusal_answer,
        _choose_answer,
        tool=tool_hook_reader("BeforeTool", "AfterTool", gemini_hooks.WRITING_TOOLS),
    ),
    approvals=HookApprovals(_parse_question),
    transcript=TranscriptFormat(_parse_transcript_line, _parse_cost, find=_find_transcript),
    skill=_skill_file,
)
