"""Gemini CLI. Hooks of ours come with an extension; its session file tells what was said, and we know it by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from gateway.protocol.text.prompts import Prompt
from sidecar.agents import gemini_hooks
from sidecar.agents.adapter import hook_config, mcp_config
from sidecar.agents.adapter.adapter import (
    PASTE,
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
    Submit,
    TextInput,
    Transcript,
    TranscriptFile,
    beside_ours,
    program,
    rules_of,
)
from sidecar.agents.adapter.command_line import UUID, options, whole_numbers, without_prompt
from sidecar.agents.adapter.startup_dialogs import LOGIN, folders_of, settings_in, trust_of, within
from sidecar.agents.adapter.tool_calls import asked_about, tool_call
from sidecar.screen.evidence import Cost, Source, Turn, TurnFact

_OWN_SESSION = ("--session-id", "--resume", "-r", "--list-sessions", "--delete-session")
_NOT_A_CHAT = (
    *("-p", "--prompt", "-h", "--help", "-v", "--version", "--acp", "--experimental-acp"),
    *("mcp", "extensions", "extension", "skills", "skill", "hooks", "hook", "gemma"),
)
_NOT_SHOWN = ("type", "title", "rootCommand", "rootCommands", "originalContent", "newContent")  # told elsewhere
_NOT_AGAIN = ("-i", "--prompt-interactive", "-w", "--worktree", "--session-file")
_FLAGS = (
    *("-d", "--debug", "--skip-trust", "-s", "--sandbox", "-y", "--yolo", "-l", "--list-extensions"),
    *("--screen-reader", "--raw-output", "--accept-raw-output-risk"),
)
_BY_KEY = "gemini-api-key"
_CLOCKS = 1.0
_POLICY = f"""# The room's tools raise no question; a rule of your own goes before this one.
[[rule]]
toolName = "*"
mcpName = "{mcp_config.SERVER}"
decision = "allow"
priority = 1
"""
_NO_WIDTH = re.compile(r"[\u200b-\u200f\ufeff]")
_UNSAFE_END = re.compile(r"[\\@]\Z")
_READS_FILE = re.compile(r"(?<!\\)@(?=[^ \t\n\r,;!?()\[\]{}.]|\.(?![ \t\n\r]|\Z))")


def _is_for(command: Sequence[str]) -> bool:
    return program(command) == "gemini"


def _wants_first(command: Sequence[str], place: Place) -> Sequence[str]:
    home = gemini_hooks.home(place)
    settings = settings_in(home / "settings.json")
    method = within(settings, "security", "auth", "selectedType")
    key = place.env.get("GEMINI_API_KEY") or (home / ".env").exists() or (place.project / ".env").exists()
    wants = [] if method and (method != _BY_KEY or key) else [LOGIN]
    if not _is_trusted(command, place, settings):
        wants.append(trust_of(place.project))
    return wants


def _is_trusted(command: Sequence[str], place: Place, settings: Mapping[str, object]) -> bool:
    if within(settings, "security", "folderTrust", "enabled") is False or "--skip-trust" in command:
        return True
    rules = settings_in(gemini_hooks.home(place) / "trustedFolders.json")
    told = rules.get(str(place.project)) is not None
    above = any(rules.get(str(one)) == "TRUST_FOLDER" for one in folders_of(place.project))
    return told or above or place.env.get("GEMINI_CLI_TRUST_WORKSPACE") == "true"


def _launch(command: Sequence[str], place: Place) -> Launch:
    given = tuple(command)
    words = options(given)
    if words.intersection(_NOT_A_CHAT):
        return Launch(given)
    env = {**hook_config.environment(place), **gemini_hooks.environment(place), **mcp_config.environment(place)}
    written = {**hook_config.files(place), **gemini_hooks.extension(given, place)}
    added: tuple[str, ...] = ()
    if place.tools:
        policy = place.private / "gemini-policy.toml"
        written[policy] = _POLICY
        added = _with_policy(policy, given, place)
    if words.intersection(_OWN_SESSION):
        return Launch((given[0], *added, *given[1:]), env, written, session=_resumes(given))
    added += ("--session-id", place.session)
    return Launch((given[0], *added, *given[1:]), env, written, session=place.session)


def _with_policy(policy: Path, command: Sequence[str], place: Place) -> tuple[str, ...]:
    """Ours beside the user's: the flag alone would take the place of those."""
    home = gemini_hooks.home(place)
    own = within(settings_in(home / "settings.json"), "policyPaths") or [str(home / "policies")]
    given = "--policy" in options(command)
    paths = [str(policy), *([] if given else [str(one) for one in own if Path(str(one)).exists()])]
    return tuple(word for path in paths for word in ("--policy", path))


def _resumes(command: Sequence[str]) -> str:
    return next((match[0] for word in command if (match := UUID.search(word))), "")


def _find(child: Child) -> Transcript | None:
    """The file is named after its minute and the first eight of its id; it is made at the first turn. Which one a
    resumed session goes on with, only its hooks tell."""
    chats = (gemini_hooks.home(child.place) / "tmp").glob(f"*/chats/session-*-{child.place.session[:8]}.jsonl")
    return next((Transcript(path, fresh=True) for path in chats if _begun(path) >= child.started - _CLOCKS), None)


def _begun(chat: Path) -> float:
    try:
        with chat.open("rb") as file:
            return datetime.fromisoformat(str(json.loads(file.readline())["startTime"])).timestamp()
    except (OSError, ValueError, LookupError, TypeError):
        return float("-inf")


def _reads_in(child: Child) -> Path:
    """Of what lies outside the project, Gemini reads its own temporary folder for this project, and asks about the rest
    or refuses it."""
    roots = (gemini_hooks.home(child.place) / "tmp").glob("*/.project_root")
    mine = next((root for root in roots if _is_of(root, child.place.project)), None)
    return beside_ours(child) if mine is None else mine.parent / f"{gemini_hooks.NAME}-{child.place.private.name}"


def _is_of(root: Path, project: Path) -> bool:
    try:
        return Path(root.read_text(encoding="utf-8").strip()).resolve() == project.resolve()
    except (OSError, ValueError, RuntimeError):
        return False


def _guard(text: str, is_name: Callable[[str], bool]) -> str:
    """`@path` is read and sent along, or asked about where it lies outside; it may begin anywhere in a word (a mail
    address is one), and be a part of a name anywhere in the project. With a backslash it is text, for the model too."""
    return _READS_FILE.sub(r"\\@", text)


def _finish(text: str) -> str:
    """A last backslash would turn Enter into a newline, a last `@` open a list; the blank after it is trimmed."""
    return f"{text} " if _UNSAFE_END.search(text) else text


def _hook(event: Mapping[str, object]) -> TurnFact | None:
    """Its own word for the answer is damaged by streaming: the answer is what the session file says."""
    match event.get("hook_event_name"):
        case "BeforeAgent":
            return TurnFact(Turn.PROMPT, str(event.get("prompt", "")))
        case "AfterAgent":
            return TurnFact(Turn.ENDED)
    return None


def _answer(event: Mapping[str, object], words: str) -> str:
    """The session file lacks what has no width (it joins emoji), the hook has it, but repeats itself piece by piece."""
    told = str(event.get("prompt_response") or "")
    seen = [at for at, one in enumerate(told) if not _NO_WIDTH.match(one)]
    begin = "".join(told[at] for at in seen).rfind(words)
    return told[seen[begin] : seen[begin + len(words) - 1] + 1] if begin >= 0 else ""


def _refuse(reason: str) -> Mapping[str, object]:
    return {"decision": "deny", "reason": reason}


def _asked(event: Mapping[str, object]) -> Asked | None:
    details = event.get("details")
    if event.get("notification_type") != "ToolPermission" or not isinstance(details, Mapping):
        return None
    shown = {name: one for name, one in details.items() if name not in _NOT_SHOWN}
    tool = str(details.get("title") or details.get("type") or "")
    turn = str(event.get("session_id") or "")
    return asked_about(tool, tool_call(tool, shown), turn, (shown, event.get("cwd")))


def _line(entry: Mapping[str, object]) -> TurnFact | None:
    """What a tool answers is also a user's entry, without a text. An entry that calls a tool comes several times."""
    content = entry.get("content")
    match entry.get("type"):
        case "user" if _text(content):
            return TurnFact(Turn.PROMPT, _text(content), source=Source.TRANSCRIPT)
        case "gemini":
            return TurnFact(Turn.MODEL, _text(content), source=Source.TRANSCRIPT)
        case "error":
            return TurnFact(Turn.FAILED, _text(content), source=Source.TRANSCRIPT)
        case "info" if _text(content).startswith("Request cancelled"):
            return TurnFact(Turn.INTERRUPTED, source=Source.TRANSCRIPT)
    return None


def _cost(entry: Mapping[str, object]) -> Cost | None:
    """Without what was read from the vendor's cache, which is a part of the input here."""
    tokens = entry.get("tokens")
    if entry.get("type") != "gemini" or not isinstance(tokens, Mapping):
        return None
    spent = whole_numbers((tokens.get("total"),)) - whole_numbers((tokens.get("cached"),))
    return Cost(str(entry.get("id") or ""), max(0, spent))


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, Mapping))


def _resumed(command: Sequence[str], session: str) -> tuple[str, ...] | None:
    """The same options, but no prompt: it was given once."""
    if options(command).intersection((*_OWN_SESSION, *_NOT_A_CHAT, *_NOT_AGAIN)):
        return None
    return (command[0], "--resume", session, *without_prompt(command[1:], _FLAGS))


def _skill(name: str, prompt: Prompt) -> Skill:
    text = prompt.text.replace("\\", "\\\\").replace('"', '\\"')
    command = f'description = "{prompt.about}"\nprompt = """\n{text}\n"""\n'
    return Skill(f".gemini/commands/groupchat-{name}.toml", command)


AGENT = Agent(
    name="gemini",
    rules=rules_of("gemini"),
    launching=Launching(_is_for, _wants_first, launch=_launch, resumed=_resumed, tool_patience_s=mcp_config.PATIENCE),
    submit=Submit(pause=0.15, shown=0.06, collapses_from=(500, 6)),
    text=TextInput(_guard, _finish, _reads_in),
    stash=Stash(b"\x15", back=PASTE, undo=PASTE),
    hooks=Hooks(_hook, _refuse, _answer),
    approvals=Approvals(_asked),
    transcript=TranscriptFile(_line, _cost, find=_find),
    skill=_skill,
)
