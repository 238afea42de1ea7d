"""OpenCode. A plugin of ours, for the run, reports each turn and lets the room answer questions of permission.

The plugin is named in OPENCODE_CONFIG_CONTENT, which OpenCode merges with the user's own files. None of these is
written. What its screen means, such as when it is idle, is in `rules/opencode.toml`; `activity/activity_verdict.py`
judges from it and the other signals what the agent is doing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from sidecar.agents.adapter import mcp_config
from sidecar.agents.adapter.adapter import (
    ATTACHED_FOLDER,
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
    SubmitMethod,
    TextInput,
    TranscriptFormat,
    load_built_in_rules,
    program_name,
)
from sidecar.agents.adapter.own_plugin_events import cost_of_line, fact_of_event, fact_of_line, refusal_answer
from sidecar.agents.adapter.tool_call_effects import tool_hook_reader
from sidecar.agents.adapter.tool_call_text import describe_tool_call, question_about_call
from sidecar.agents.adapter.typed_text import close_open_list, collapse_if_disputed
from sidecar.agents.adapter.vendor_arguments import options_in

CONFIG_VARIABLE = "OPENCODE_CONFIG_CONTENT"
_SUBCOMMANDS = (
    *("completion", "acp", "mcp", "attach", "run", "debug", "providers", "auth", "agent", "upgrade", "uninstall"),
    *("serve", "web", "models", "stats", "export", "import", "github", "pr", "session", "plugin", "plug", "db"),
)
_NON_CHAT_OPTIONS = ("-h", "--help", "-v", "--version", "--mini")
_OWN_SESSION = ("-c", "--continue", "-s", "--session", "--fork")
_SESSION_ID = re.compile(r"ses_\w+")
_ESCAPE_TWICE = b"\x1b[27u\x1b[27u"  # the first one asks whether it is meant; two plain ones would be one other key
_COLLAPSES_FROM_LINES = 3
_WRITING_TOOLS = ("edit", "multiedit", "write", "patch", "apply_patch")


def _is_for(command: Sequence[str]) -> bool:
    return program_name(command) == "opencode"


def _is_chat(command: Sequence[str]) -> bool:
    return not set(command[1:2]).intersection(_SUBCOMMANDS) and not options_in(command).intersection(_NON_CHAT_OPTIONS)


def _plan_launch(command: Sequence[str], place: LaunchContext) -> LaunchPlan:
    given, own = tuple(command), _own_config(place)
    if not _is_chat(given) or own is None:
        return LaunchPlan(given)
    plugin, turns = place.private / "opencode-plugin.js", place.private / "opencode-turns.jsonl"
    config = {**own, "plugin": [*own.get("plugin", []), plugin.as_uri()]}
    if place.tools:
        config["mcp"] = {**own.get("mcp", {}), mcp_config.MCP_SERVER_NAME: _mcp_server(place)}
    return LaunchPlan(
        given,
        env={CONFIG_VARIABLE: json.dumps(config)},
        files={plugin: _plugin_text(place, turns)},
        transcript=turns,
        session=_named_session(given),
    )


def _own_config(place: LaunchContext) -> dict[str, Any] | None:
    """What the user gives in the same variable. None if it cannot be read: OpenCode will report it."""
    try:
        own = json.loads(place.env.get(CONFIG_VARIABLE) or "{}")
    except ValueError:
        return None
    return own if isinstance(own, dict) else None


def _plugin_text(place: LaunchContext, turns: Path) -> str:
    run = {
        "hooks": place.hooks,
        "file": str(turns),
        "attached": str(place.private / ATTACHED_FOLDER),
        "allowed": [f"{mcp_config.MCP_SERVER_NAME}_"] if place.tools else [],
        "config": place.env.get(CONFIG_VARIABLE) or "{}",
    }
    text = (files("sidecar.agents") / "opencode_plugin.js").read_text(encoding="utf-8")
    return text.replace("const RUN = {}", f"const RUN = {json.dumps(run)}", 1)


def _mcp_server(place: LaunchContext) -> dict[str, object]:
    """The variable that holds it is the agent's own; the plugin keeps it from the commands of its model."""
    headers = {"Authorization": f"Bearer {place.key}"}
    return {
        "type": "remote",
        "url": place.tools,
        "headers": headers,
        "oauth": False,
        "timeout": mcp_config.MAX_WAIT_S * 1000,
    }


def _named_session(command: Sequence[str]) -> str:
    named = next((match[0] for word in command[1:] if (match := _SESSION_ID.search(word))), "")
    return "" if "--fork" in command else named


def _parse_question(event: Mapping[str, object]) -> HookQuestion | None:
    """The dialog is on the screen while the plugin waits, and the first answer counts."""
    given, tool = event.get("input"), str(event.get("tool") or "")
    if event.get("hook_event_name") != "question" or not isinstance(given, Mapping):
        return None
    call = describe_tool_call(tool, _shown_input(given, event.get("patterns")))
    turn = str(event.get("turn") or event.get("session_id") or "")
    asked = question_about_call(tool, call, turn, (given, event.get("patterns")))
    question = f"{asked.question} (Allow always: in its terminal)"  # the options there have no keys of their own
    return replace(asked, question=question, decides=True, words=True, complete=True)


def _shown_input(given: Mapping[str, object], patterns: object) -> Mapping[str, object]:
    """A change with the names that other agents use; a call without an input by what it wants to reach."""
    if given.get("diff"):
        return {"file_path": given.get("filepath") or "files", "fileDiff": given["diff"]}
    return given or {"patterns": patterns}


def _decision_answer(allow: bool, by: str, words: str) -> Mapping[str, object]:
    said = f"{by} denied this in the group chat" + (f", with these words:\n{words}" if words else ".")
    return {"reply": "once"} if allow else {"reply": "reject", "message": said}


def _resume_command(command: Sequence[str], session: str) -> tuple[str, ...] | None:
    """The same options without the prompt, which was given once."""
    if not _is_chat(command) or options_in(command).intersection(_OWN_SESSION):
        return None
    return (command[0], "--session", session, *_without_prompt_option(command[1:]))


def _without_prompt_option(words: Sequence[str]) -> tuple[str, ...]:
    at = next((n for n, word in enumerate(words) if word.partition("=")[0] == "--prompt"), None)
    if at is None:
        return tuple(words)
    return (*words[:at], *words[at + (1 if "=" in words[at] else 2) :])


def _finish_text(text: str) -> str:
    return close_open_list(collapse_if_disputed(text, _COLLAPSES_FROM_LINES))


ADAPTER = Adapter(
    name="opencode",
    rules=load_built_in_rules("opencode"),
    launching=LaunchMethod(
        _is_for, launch=_plan_launch, resumed=_resume_command, tool_patience_s=mcp_config.MAX_WAIT_S
    ),
    submit=SubmitMethod(pause=0.15, shown=0.05, collapses_from=(150, _COLLAPSES_FROM_LINES), begins_within=8.0),
    text=TextInput(finish=_finish_text),
    stash=DraftStash(b"\x15", back=PASTE_KEY, undo=PASTE_KEY),
    interrupt=InterruptMethod(_ESCAPE_TWICE),
    # its plugin tells each end, but late where it starves, while its screen may look calm
    hooks=Hooks(
        fact_of_event,
        refusal_answer,
        ends_within=20.0,
        tool=tool_hook_reader("tool", "tool.ended", _WRITING_TOOLS),
    ),
    approvals=HookApprovals(_parse_question, _decision_answer),
    transcript=TranscriptFormat(fact_of_line, cost_of_line),
)
