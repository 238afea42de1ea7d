"""Pi. An extension of ours, for the run, reports each turn and connects the room's tools.

The extension is named on the command line, beside the user's own. None of the user's files is written. What its screen
means, such as when it is idle, is in `rules/pi.toml`; `activity/activity_verdict.py` judges from it and the other
signals what the agent is doing.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from sidecar.agents.adapter import mcp_config
from sidecar.agents.adapter.adapter import (
    PASTE_KEY,
    Adapter,
    DraftStash,
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
from sidecar.agents.adapter.missing_setup import LOGIN_NEEDED, folders_of, settings_in, trust_question
from sidecar.agents.adapter.own_plugin_events import cost_of_line, fact_of_event, fact_of_line, refusal_answer
from sidecar.agents.adapter.tool_call_effects import tool_hook_reader
from sidecar.agents.adapter.typed_text import guard_last_backslash
from sidecar.agents.adapter.vendor_arguments import options_in, without_prompt
from sidecar.evidence.escape_sequences import STATUS_PROBE

_SUBCOMMANDS = ("install", "remove", "uninstall", "update", "list", "config", "auth", "mcp")
_NON_CHAT_OPTIONS = ("-p", "--print", "--mode", "--export", "--list-models", "-h", "--help", "-v", "--version")
_OWN_SESSION = ("-c", "--continue", "-r", "--resume", "--session", "--session-id", "--fork", "--no-session")
_FLAG_OPTIONS = (
    *("-nbt", "--no-builtin-tools", "-nt", "--no-tools", "-ne", "--no-extensions", "--no-mcp", "-ns", "--no-skills"),
    *("-np", "--no-prompt-templates", "--no-themes", "-nc", "--no-context-files", "--verbose", "-a", "--approve"),
    *("-na", "--no-approve", "--offline"),
)
_NO_MCP_OPTIONS = ("--no-mcp", "-ne", "--no-extensions")
_ACCOUNT_VARIABLE_ENDINGS = ("_API_KEY", "_OAUTH_TOKEN", "_AUTH_TOKEN")
_TRUSTED_FILES = (
    *("settings.json", "mcp.json", "extensions", "skills", "prompts", "themes", "SYSTEM.md", "APPEND_SYSTEM.md"),
)
_TAB = "    "  # what its composer makes of one
_WRITING_TOOLS = ("edit", "write")


def _is_for(command: Sequence[str]) -> bool:
    return program_name(command) == "pi"


def _is_chat(command: Sequence[str]) -> bool:
    return not set(command[1:2]).intersection(_SUBCOMMANDS) and not options_in(command).intersection(_NON_CHAT_OPTIONS)


def _missing_setup(command: Sequence[str], place: LaunchContext) -> Sequence[str]:
    home = _agent_folder(place)
    account = any(name.endswith(_ACCOUNT_VARIABLE_ENDINGS) and value for name, value in place.env.items())
    account = account or "--api-key" in options_in(command)
    wants = [] if account or any((home / name).exists() for name in ("auth.json", "models.json")) else [LOGIN_NEEDED]
    if _asks_for_trust(command, place, home):
        wants.append(trust_question(place.project))
    return wants


def _asks_for_trust(command: Sequence[str], place: LaunchContext, home: Path) -> bool:
    """Only about a project with settings or extensions of its own, and only until its user has decided."""
    if options_in(command).intersection(("-a", "--approve", "-na", "--no-approve")):
        return False
    if settings_in(home / "settings.json").get("defaultProjectTrust", "ask") != "ask":
        return False
    own = any((place.project / ".pi" / name).exists() for name in _TRUSTED_FILES)
    own = own or any((one / ".agents" / "skills").exists() for one in folders_of(place.project))
    decided = settings_in(home / "trust.json")
    return own and not any(str(one) in decided for one in folders_of(place.project))


def _agent_folder(place: LaunchContext) -> Path:
    home = Path(place.env.get("HOME", "~")).expanduser()
    return Path(place.env.get("PI_CODING_AGENT_DIR") or home / ".pi" / "agent")


def _plan_launch(command: Sequence[str], place: LaunchContext) -> LaunchPlan:
    """A Pi that its model starts in a shell gets none of this: all of it is in the command."""
    given = tuple(command)
    if not _is_chat(given):
        return LaunchPlan(given)
    extension, run = place.private / "pi-extension.js", place.private / "pi-run.json"
    turns = place.private / "pi-turns.jsonl"
    added: tuple[str, ...] = ("--extension", str(extension))
    session = _named_session(given)
    if not options_in(given).intersection(_OWN_SESSION):
        session = place.session
        added += ("--session-id", session)
    return LaunchPlan(
        (given[0], *added, *given[1:]),
        files={extension: _extension_text(run), run: _run_text(given, place, turns)},
        transcript=turns,
        session=session,
    )


def _extension_text(run: Path) -> str:
    text = (files("sidecar.agents") / "pi_extension.js").read_text(encoding="utf-8")
    return text.replace('const RUN_FILE = ""', f"const RUN_FILE = {json.dumps(str(run))}", 1)


def _run_text(command: Sequence[str], place: LaunchContext, turns: Path) -> str:
    """What differs between runs. Pi's tools ask for no permission, so nothing needs to be allowed here."""
    connects = place.tools and not options_in(command).intersection(_NO_MCP_OPTIONS)
    return json.dumps({"hooks": place.hooks, "file": str(turns), "tools": _mcp_server(place) if connects else None})


def _mcp_server(place: LaunchContext) -> Mapping[str, object]:
    """`direct`: its model sees the room's tools like Pi's own."""
    server = {
        "url": place.tools,
        "headers": {"Authorization": f"Bearer {place.key}"},
        "timeout": mcp_config.MAX_WAIT_S,
        "exposure": "direct",
    }
    return {"name": mcp_config.MCP_SERVER_NAME, "server": server}


def _named_session(command: Sequence[str]) -> str:
    """The conversation that the command itself names and continues. A file or a part of an id may be meant, too, and
    Pi's first event tells its id."""
    words = [word for one in command[1:] for word in one.split("=", 1)]
    return next((name for option, name in itertools.pairwise(words) if option == "--session-id"), "")


def _is_written(session: str, place: LaunchContext) -> bool | None:
    """Pi writes the file with the first answer. Its user's or a project's settings may name another folder."""
    own = place.env.get("PI_CODING_AGENT_SESSION_DIR")
    folder = Path(own) if own else _agent_folder(place) / "sessions"
    return any(True for pattern in ("*_{}.jsonl", "*/*_{}.jsonl") for _ in folder.glob(pattern.format(session))) or None


def _guard_text(text: str, _: Callable[[str], bool]) -> str:
    """It reads no file that a text names, but makes four spaces of a tab."""
    return text.replace("\t", _TAB)


def _resume_command(command: Sequence[str], session: str) -> tuple[str, ...] | None:
    """The same options without the prompt, which was given once."""
    if not _is_chat(command) or options_in(command).intersection(_OWN_SESSION):
        return None
    return (command[0], "--session-id", session, *without_prompt(command[1:], _FLAG_OPTIONS))


ADAPTER = Adapter(
    name="pi",
    rules=load_built_in_rules("pi"),
    launching=LaunchMethod(
        _is_for,
        _missing_setup,
        launch=_plan_launch,
        resumed=_resume_command,
        is_written=_is_written,
        tool_patience_s=mcp_config.MAX_WAIT_S,
    ),
    submit=SubmitMethod(pause=0.05, shown=0.02, collapses_from=(500, 11), begins_within=4.0),
    text=TextInput(_guard_text, guard_last_backslash),
    stash=DraftStash(b"\x15", back=PASTE_KEY, undo=PASTE_KEY),
    interrupt=InterruptMethod(only_refuses=True),
    hooks=Hooks(
        fact_of_event,
        refusal_answer,
        ends_within=5.0,
        tool=tool_hook_reader("tool", "tool.ended", _WRITING_TOOLS),
    ),
    transcript=TranscriptFormat(fact_of_line, cost_of_line),
    probe=STATUS_PROBE,
)
