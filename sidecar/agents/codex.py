"""Codex. Our hooks are added for the run. Its rollout file also reports each turn, and it alone reports errors.

What its screen means, such as when it is idle, is in `rules/codex.toml`; `activity/activity_verdict.py` judges from it
and the other signals what the agent is doing.
"""

from __future__ import annotations

import json
import os
import re
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.protocol.text.role_prompts import RolePrompt
from sidecar.agents.adapter import mcp_config
from sidecar.agents.adapter.adapter import (
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
    Skill,
    SubmitMethod,
    TextInput,
    Transcript,
    TranscriptFormat,
    load_built_in_rules,
    program_name,
)
from sidecar.agents.adapter.hook_config import hook_environment, hook_files
from sidecar.agents.adapter.missing_setup import LOGIN_NEEDED, folders_of, trust_question, value_within
from sidecar.agents.adapter.tool_call_effects import tool_hook_reader
from sidecar.agents.adapter.tool_call_text import describe_tool_call, question_about_call
from sidecar.agents.adapter.vendor_arguments import options_in, sum_whole_numbers, without_prompt
from sidecar.agents.codex_hooks import PATCHING_TOOLS, WRITING_TOOLS, ask_trusted_hooks
from sidecar.evidence.turn_evidence import EvidenceSource, TokenCost, TurnFact, TurnFactKind

_CHAT_VERBS = ("resume", "fork")
_NON_CHAT_WORDS = (
    *("agents", "exec", "e", "review", "login", "logout", "mcp", "plugin", "app-server", "remote-control"),
    *("completion", "update", "doctor", "sandbox", "debug", "apply", "a", "queue", "archive", "delete", "unarchive"),
    *("migrate-rollouts", "migrate-nfs-db", "cloud", "exec-server", "features", "help"),
    *("-h", "--help", "-V", "--version"),
)
_VALUE_OPTION = re.compile(
    r"-[ciLmpsaC]|--(?:config|enable|disable|remote(?:-auth-token-env)?|image|model|profile|"
    r"sandbox|ask-for-approval|cd|add-dir|local-provider)"
)
_NOT_RESUMABLE_OPTIONS = ("-i", "--image", "--worktree", "--remote")
_FLAG_OPTIONS = (
    *("--oss", "--approve-for-me", "--dangerously-bypass-approvals-and-sandbox", "--dangerously-bypass-hook-trust"),
    *("--strict-config", "--search", "--no-alt-screen", "--no-daemon", "--full-auto"),
)
_ROLLOUT = re.compile(r"rollout-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)-([0-9a-f-]{36})\.jsonl")
_OWN_HOOKS = re.compile(r"(?:-c|--config=)?hooks[.=]")
_OPENS_LIST = re.compile(r"(?:^|\s)[@$]\S*\Z")
_START_TOLERANCE_S = 5.0


def _is_for(command: Sequence[str]) -> bool:
    return program_name(command) == "codex"


def _command_verb(command: Sequence[str]) -> str:
    """The first word that is neither an option nor an option's value."""
    rest = iter(command[1:])
    for word in rest:
        if word in _NON_CHAT_WORDS or not word.startswith("-"):
            return word
        if _VALUE_OPTION.fullmatch(word):
            next(rest, None)
    return ""


def _neutralize_end(text: str) -> str:
    """A last word with such a beginning opens a list, in which Tab inserts instead of submitting. A trailing space
    would be trimmed."""
    return f"{text} " if _OPENS_LIST.search(text) else text


def _missing_setup(command: Sequence[str], place: LaunchContext) -> Sequence[str]:
    config = _config(place)
    said = " ".join(command)
    own_provider = config.get("model_provider", "openai") != "openai" or "model_provider=" in said or "--oss" in command
    wants = [] if own_provider or (_home_folder(place) / "auth.json").exists() else [LOGIN_NEEDED]
    repository = any((one / ".git").exists() for one in folders_of(place.project))
    trusted = (value_within(config, "projects", str(one), "trust_level") for one in folders_of(place.project))
    if repository and not any(trusted) and "trust_level" not in said:
        wants.append(trust_question(place.project))
    return wants


def _config(place: LaunchContext) -> Mapping[str, Any]:
    try:
        return tomllib.loads((_home_folder(place) / "config.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _prepare(command: Sequence[str], place: LaunchContext) -> Mapping[str, str]:
    return {"hooks": ask_trusted_hooks(command[:1], place)} if _takes_hooks(command) else {}


def _takes_hooks(command: Sequence[str]) -> bool:
    """If the user's command line says which hooks run, none is added."""
    own = any(_OWN_HOOKS.match(word) for word in command)
    return not own and _command_verb(command) not in _NON_CHAT_WORDS and "--remote" not in command


def _plan_launch(command: Sequence[str], place: LaunchContext) -> LaunchPlan:
    """The command as given, but without the daemon that Codex would share between terminals and leave running."""
    given = tuple(command)
    if _command_verb(given) in _NON_CHAT_WORDS or "--remote" in given:
        return LaunchPlan(given)
    added: tuple[str, ...] = () if "--no-daemon" in given else ("--no-daemon",)
    added += _same_folder(given, place)
    transcript = _resumed_rollout(given, place)
    if place.tools:
        added += ("-c", f"mcp_servers.{mcp_config.MCP_SERVER_NAME}={_mcp_server(place)}")
    tools, tmux = mcp_config.mcp_environment(place), _tmux_environment(place)
    added += tuple(word for name in tmux for word in ("-c", f'shell_environment_policy.set.{name}=""'))
    if not (hooks := place.known.get("hooks")):
        return LaunchPlan((given[0], *added, *given[1:]), {**tools, **tmux}, transcript=transcript)
    added += ("-c", f"hooks={hooks}")
    return LaunchPlan(
        (given[0], *added, *given[1:]), {**hook_environment(place), **tools, **tmux}, hook_files(place), transcript
    )


def _same_folder(command: Sequence[str], place: LaunchContext) -> tuple[str, ...]:
    """A Codex that we resume would ask in which folder to go on if the project was moved since."""
    resumes = place.session in command and not options_in(command).intersection(("-C", "--cd"))
    return ("-C", str(place.project)) if resumes else ()


def _tmux_environment(place: LaunchContext) -> dict[str, str]:
    """Codex asks its tmux whether it may use the mouse, and copies through it. The commands of its model do not get
    tmux."""
    return {name: place.env[name] for name in ("TMUX", "TMUX_PANE") if place.env.get(name)}


def _mcp_server(place: LaunchContext) -> str:
    """A call may wait for an answer. The room's tools ask for no permission."""
    given = {
        "url": place.tools,
        "bearer_token_env_var": mcp_config.KEY_VARIABLE,
        "default_tools_approval_mode": "approve",
    }
    fields = ",".join(f"{name}={json.dumps(value)}" for name, value in given.items())
    return f"{{{fields},tool_timeout_sec={mcp_config.MAX_WAIT_S}}}"


def _resumed_rollout(command: Sequence[str], place: LaunchContext) -> Path | None:
    if _command_verb(command) not in _CHAT_VERBS[:1]:
        return None
    return next((path for path in _rollouts(place) if any(word and word in path.name for word in command[2:])), None)


def _home_folder(place: LaunchContext) -> Path:
    return Path(place.env.get("CODEX_HOME") or Path(place.env.get("HOME", "~")).expanduser() / ".codex")


def _rollouts(place: LaunchContext) -> Iterator[Path]:
    return (_home_folder(place) / "sessions").glob("*/*/*/rollout-*.jsonl")


def _find_transcript(child: RunningAgent) -> Transcript | None:
    """The rollout that a process of the group has open. If that cannot be seen, the newest one of this run."""
    paths = _open_rollouts(child.pid) or _newest_rollouts(child)
    return next((Transcript(path, _is_fresh(path, child)) for path in paths), None)


def _open_rollouts(group: int) -> list[Path]:
    processes = (process for process in Path("/proc").glob("[0-9]*") if _is_in_group(group, process))
    links = (link for process in processes for link in _folder_entries(process / "fd"))
    return [path for path in map(_link_target, links) if _ROLLOUT.fullmatch(path.name)]


def _is_in_group(group: int, process: Path) -> bool:
    try:
        return os.getpgid(int(process.name)) == group
    except OSError:
        return False


def _folder_entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _link_target(link: Path) -> Path:
    """A file that was closed just now is ignored."""
    try:
        return link.readlink()
    except OSError:
        return Path()


def _newest_rollouts(child: RunningAgent) -> list[Path]:
    if Path("/proc/self/fd").is_dir():
        return []
    mine = [path for path in _rollouts(child.place) if _is_fresh(path, child)]
    return sorted(mine, key=lambda path: path.name, reverse=True)[:1]


def _is_fresh(path: Path, child: RunningAgent) -> bool:
    match = _ROLLOUT.fullmatch(path.name)
    if match is None:
        return False
    return time.mktime(time.strptime(match[1], "%Y-%m-%dT%H-%M-%S")) >= child.started - _START_TOLERANCE_S


def _session_in(rollout: Path) -> str:
    match = _ROLLOUT.fullmatch(rollout.name)
    return match[2] if match else ""


def _is_written(session: str, place: LaunchContext) -> bool:
    """Codex finds it by its id, whatever its project."""
    return any(True for _ in _home_folder(place).glob(f"sessions/*/*/*/rollout-*-{session}.jsonl"))


def _resumed_command(command: Sequence[str], session: str) -> tuple[str, ...] | None:
    """The same options without the prompt, which was given once."""
    verb = _command_verb(command)
    if verb in (*_CHAT_VERBS, *_NON_CHAT_WORDS) or options_in(command).intersection(_NOT_RESUMABLE_OPTIONS):
        return None
    return (command[0], *without_prompt(command[1:], _FLAG_OPTIONS), "resume", session)


def _refusal_answer(reason: str) -> Mapping[str, object]:
    return {"decision": "block", "reason": reason}


def _parse_question(event: Mapping[str, object]) -> HookQuestion | None:
    """While this hook waits, Codex draws no dialog and nobody could answer at the terminal. So the hook never waits."""
    given = event.get("tool_input")
    if event.get("hook_event_name") != "PermissionRequest" or not isinstance(given, Mapping):
        return None
    tool = str(event.get("tool_name") or "")
    shown = (given, event.get("cwd"))
    return question_about_call(tool, describe_tool_call(tool, given), str(event.get("turn_id") or ""), shown)


def _parse_hook(event: Mapping[str, object]) -> TurnFact | None:
    turn = str(event.get("turn_id") or "")
    match event.get("hook_event_name"):
        case "UserPromptSubmit":
            return TurnFact(TurnFactKind.PROMPT, str(event.get("prompt", "")), turn)
        case "Stop":
            return TurnFact(TurnFactKind.ANSWER, str(event.get("last_assistant_message") or ""), turn)
        case "Interrupt":
            return TurnFact(TurnFactKind.INTERRUPTED, "", turn)
    return None


def _parse_transcript_line(entry: Mapping[str, object]) -> TurnFact | None:
    payload = entry.get("payload")
    if entry.get("type") != "event_msg" or not isinstance(payload, Mapping):
        return None
    turn = str(payload.get("turn_id") or "")
    match payload.get("type"):
        case "item_completed":
            return _parse_item(payload.get("item"), turn)
        case "task_complete":
            return _parse_completion(payload, turn)
        case "turn_aborted":
            return TurnFact(TurnFactKind.INTERRUPTED, "", turn, EvidenceSource.TRANSCRIPT)
    return None


def _parse_cost(entry: Mapping[str, object]) -> TokenCost | None:
    """Without tokens read from the vendor's cache, which are part of the input here."""
    payload = entry.get("payload")
    usage = payload.get("usage") if isinstance(payload, Mapping) else None
    if entry.get("type") != "token_usage_record" or not isinstance(payload, Mapping) or not isinstance(usage, Mapping):
        return None
    spent = sum_whole_numbers((usage.get("input_tokens"), usage.get("output_tokens")))
    call = f"{payload.get('turn_id')} {payload.get('response_id')}"
    return TokenCost(call, max(0, spent - sum_whole_numbers((usage.get("cached_input_tokens"),))))


def _parse_completion(payload: Mapping[str, object], turn: str) -> TurnFact:
    """Codex reports an error here and on the screen, but by no hook."""
    if isinstance(error := payload.get("error"), Mapping):
        return TurnFact(TurnFactKind.FAILED, str(error.get("message") or ""), turn, EvidenceSource.TRANSCRIPT)
    text = str(payload.get("last_agent_message") or "")
    return TurnFact(TurnFactKind.ANSWER if text else TurnFactKind.FAILED, text, turn, EvidenceSource.TRANSCRIPT)


def _parse_item(item: object, turn: str) -> TurnFact | None:
    if not isinstance(item, Mapping):
        return None
    match item.get("type"):
        case "UserMessage":
            return TurnFact(TurnFactKind.PROMPT, _item_text(item), turn, EvidenceSource.TRANSCRIPT)
        case "AgentMessage":
            return TurnFact(TurnFactKind.MODEL, _item_text(item), turn, EvidenceSource.TRANSCRIPT)
    return None


def _item_text(item: Mapping[str, object]) -> str:
    content = item.get("content")
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, Mapping))


def _skill_file(name: str, prompt: RolePrompt) -> Skill:
    return Skill(f".codex/prompts/groupchat-{name}.md", f"{prompt.text}\n")


ADAPTER = Adapter(
    name="codex",
    rules=load_built_in_rules("codex"),
    launching=LaunchMethod(
        _is_for,
        _missing_setup,
        _prepare,
        _plan_launch,
        _resumed_command,
        _is_written,
        tool_patience_s=mcp_config.MAX_WAIT_S,
    ),
    submit=SubmitMethod(pause=0.05, key=b"\t", collapses_from=(900, 10**9)),
    text=TextInput(finish=_neutralize_end),
    stash=DraftStash(b"\x15", back=b"\x19", undo=b"\x19"),
    interrupt=InterruptMethod(leaves_tools=True),
    hooks=Hooks(
        _parse_hook, _refusal_answer, tool=tool_hook_reader("PreToolUse", "PostToolUse", WRITING_TOOLS, PATCHING_TOOLS)
    ),
    approvals=HookApprovals(_parse_question),
    transcript=TranscriptFormat(_parse_transcript_line, _parse_cost, _session_in, _find_transcript),
    skill=_skill_file,
)
