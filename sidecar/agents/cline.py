"""Cline. The files of its session tell what it is doing, what was said and which tools it uses.

It gets no hooks: they could only come from its user's own folder, and a slow one could fail a turn. Cline runs in this
process alone: otherwise terminals share one that outlives them. None of the user's files is written. What its screen
means, such as when it is idle, is in `rules/cline.toml`; `activity/activity_verdict.py` judges from it and the other
signals what the agent is doing.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from sidecar.agents.adapter.adapter import (
    PASTE_KEY,
    Adapter,
    DraftStash,
    HookApprovals,
    HookQuestion,
    InterruptMethod,
    LaunchContext,
    LaunchMethod,
    LaunchPlan,
    RunningAgent,
    StatusFormat,
    SubmitMethod,
    TextInput,
    Transcript,
    TranscriptFormat,
    load_built_in_rules,
    program_name,
)
from sidecar.agents.adapter.missing_setup import LOGIN_NEEDED, settings_in
from sidecar.agents.adapter.session_files import has_line_with
from sidecar.agents.adapter.tool_call_effects import MAX_NAME_CHARS
from sidecar.agents.adapter.tool_call_text import describe_tool_call, question_about_call
from sidecar.agents.adapter.typed_text import ENDS_A_WORD, collapse_if_disputed
from sidecar.agents.adapter.vendor_arguments import options_in, sum_whole_numbers, without_prompt
from sidecar.evidence.turn_evidence import EvidenceSource, TokenCost, ToolUse, TurnFact, TurnFactKind

_FLAG_OPTIONS = (
    *("-p", "--plan", "--json", "-i", "--tui", "-z", "--zen", "--acp", "--worktree", "--update", "--kanban"),
    *("-v", "--verbose", "-a", "--act", "-y", "--yolo", "-h", "--help", "-V", "--version"),
)
_NON_CHAT_OPTIONS = ("--json", "-z", "--zen", "--acp", "--update", "--kanban", "-h", "--help", "-V", "--version")
_INTERACTIVE_OPTIONS = ("-i", "--tui")
_SESSION_OPTION, _DATA_OPTION, _CONFIG_OPTION = "--id", "--data-dir", "--config"
_ALONE = "CLINE_SANDBOX"  # no process that terminals share; the data stays where `CLINE_SANDBOX_DATA_DIR` says
_ALONE_DATA = "CLINE_SANDBOX_DATA_DIR"
_KNOWN_DATA, _KNOWN_SESSION = "data", "session"
_CLOCK_TOLERANCE_S = 5.0
_LOOK_INTERVAL_S = 0.05
_PROMPT = re.compile(r"\A<user_input\b[^>]*>(?P<text>.*)</user_input>\s*\Z", re.DOTALL)
_NOTICE = re.compile(r"\A<mode_notice\b.*?</mode_notice>\n?", re.DOTALL)
_READS_FILE = re.compile(r"@(?=\"?(?:/|~/|\.{1,2}/))")
_BEGINS_WORD = re.compile(r"(?<![^\s\ufeff])@(?=(?P<word>\S{1,80}))")
_OPENS_LIST = re.compile(r"(?:^|\s)(?:@[^ ]*|/\S*)\Z")
_COLLAPSES_FROM_LINES = 5
_WRITING_TOOL = "editor"
_KINDS = {one.value: one for one in TurnFactKind}

Entry = Mapping[str, object]


def _is_for(command: Sequence[str]) -> bool:
    return program_name(command) == "cline"


def _is_chat(command: Sequence[str]) -> bool:
    """With a prompt, it is one only if it is said to be; without one, there may be no command of its own."""
    if options_in(command).intersection(_NON_CHAT_OPTIONS):
        return False
    plain = tuple(without_prompt(command[1:], _FLAG_OPTIONS)) == tuple(command[1:])
    return plain or bool(options_in(command).intersection(_INTERACTIVE_OPTIONS))


def _value_of(command: Sequence[str], option: str) -> str:
    words = [word for one in command[1:] for word in one.split("=", 1)]
    return next((value for name, value in itertools.pairwise(words) if name == option), "")


def _data_folder(command: Sequence[str], place: LaunchContext) -> Path:
    given = _value_of(command, _DATA_OPTION) or place.env.get("CLINE_DATA_DIR", "")
    if place.env.get(_ALONE) == "1" and not _value_of(command, _DATA_OPTION):
        given = place.env.get(_ALONE_DATA) or "/tmp/cline-sandbox"
    home = _value_of(command, _CONFIG_OPTION) or place.env.get("CLINE_DIR") or f"{place.env.get('HOME', '~')}/.cline"
    return place.project / (Path(given) if given else Path(home).expanduser() / "data")


def _missing_setup(command: Sequence[str], place: LaunchContext) -> Sequence[str]:
    key = options_in(command).intersection(("-k", "--key")) or place.env.get("CLINE_API_KEY")
    account = (_data_folder(command, place) / "settings" / "providers.json").exists()
    return () if key or account else (LOGIN_NEEDED,)


def _prepare(command: Sequence[str], place: LaunchContext) -> Mapping[str, str]:
    """What the search for the session's files must know of the command."""
    return {
        _KNOWN_DATA: str(_data_folder(command, place)),
        _KNOWN_SESSION: _value_of(command, _SESSION_OPTION) if _is_chat(command) else "",
    }


def _plan_launch(command: Sequence[str], place: LaunchContext) -> LaunchPlan:
    given = tuple(command)
    if not _is_chat(given):
        return LaunchPlan(given)
    data, session = _data_folder(given, place), _value_of(given, _SESSION_OPTION)
    env = {} if _DATA_OPTION in options_in(given) else {_ALONE: "1", _ALONE_DATA: str(data)}
    transcript = _messages_file(data / "sessions" / session) if session else None
    return LaunchPlan(given, env, transcript=transcript, session=session)


def _messages_file(folder: Path) -> Path:
    return folder / f"{folder.name}.messages.json"


# Its sessions


def _sessions_folder(child: RunningAgent) -> Path:
    data = child.place.known.get(_KNOWN_DATA)
    return (Path(data) if data else _data_folder((), child.place)) / "sessions"


def _session_folder(child: RunningAgent) -> Path | None:
    """The newest session that a process of this run has begun, else the one that the command names. It begins when
    the first prompt is submitted."""
    sessions, named = _sessions_folder(child), child.place.known.get(_KNOWN_SESSION, "")
    begun_ms = (child.started - _CLOCK_TOLERANCE_S) * 1000
    try:
        names = sorted((one for one in os.listdir(sessions) if _begun_ms(one) >= begun_ms), reverse=True)
    except OSError:
        return None
    mine = next((sessions / one for one in names if _is_of(child, sessions / one)), None)
    return mine or (sessions / named if named else None)


def _begun_ms(name: str) -> float:
    """A session is named after the millisecond in which it began."""
    begun, _, _ = name.partition("_")
    return float(begun) if begun.isdigit() else 0.0


def _is_of(child: RunningAgent, folder: Path) -> bool:
    pid = settings_in(folder / f"{folder.name}.json").get("pid")
    try:
        return isinstance(pid, int) and os.getpgid(pid) == child.pid
    except OSError:
        return False


def _find_transcript(child: RunningAgent) -> Transcript | None:
    folder = _session_folder(child)
    if folder is None:
        return None
    return Transcript(_messages_file(folder), fresh=folder.name != child.place.known.get(_KNOWN_SESSION))


def _session_of(path: Path) -> str:
    return path.parent.name


def _status_file(child: RunningAgent) -> Path | None:
    folder = _session_folder(child)
    return folder / f"{folder.name}.json" if folder else None


def _parse_status(text: str) -> str:
    """The file is written in place, so half a file is not evidence."""
    try:
        return str(json.loads(text).get("status") or "")
    except (ValueError, AttributeError):
        return ""


def _is_written(session: str, place: LaunchContext) -> bool:
    folder = (Path(place.known[_KNOWN_DATA]) if _KNOWN_DATA in place.known else _data_folder((), place)) / "sessions"
    return has_line_with(_messages_file(folder / session), '"role": "assistant"')


def _resume_command(command: Sequence[str], session: str) -> tuple[str, ...] | None:
    """The same options without the prompt, which was given once."""
    if not _is_chat(command) or options_in(command).intersection((_SESSION_OPTION, "--worktree")):
        return None
    return (command[0], _SESSION_OPTION, session, *without_prompt(command[1:], _FLAG_OPTIONS))


# What was said, and which tools were used


def _entries(document: bytes) -> Sequence[Entry]:
    """The messages of a session, and the calls of tools in them. A prompt without an answer is the last message only
    when its turn was interrupted: until then it is not written."""
    messages = [one for one in json.loads(document)["messages"] if isinstance(one, Mapping) and one.get("id")]
    entries, calls = list[Entry](), dict[object, Mapping[str, object]]()
    for message in messages:
        entries += _entries_of_message(message, calls)
    if entries and entries[-1].get("kind") == TurnFactKind.PROMPT:
        entries.append({"id": f"{entries[-1]['id']} interrupted", "kind": TurnFactKind.INTERRUPTED})
    return entries


def _entries_of_message(message: Mapping[str, object], calls: dict[object, Mapping[str, object]]) -> Iterator[Entry]:
    content = message.get("content")
    parts = [one for one in content if isinstance(one, Mapping)] if isinstance(content, list) else []
    texts = [str(one.get("text") or "") for one in parts if one.get("type") == "text"]
    uses = [one for one in parts if one.get("type") == "tool_use"]
    told = {"id": str(message["id"]), "cost": message.get("metrics")}
    role = _role_of(message)
    if role == "error":
        yield {**told, "kind": TurnFactKind.FAILED, "text": "".join(texts)}
    elif role == "assistant":
        yield {**told, "kind": TurnFactKind.MODEL if uses else TurnFactKind.ANSWER, "text": "".join(texts)}
    elif role == "user" and (prompt := next(filter(None, map(_PROMPT.match, texts)), None)):
        yield {**told, "kind": TurnFactKind.PROMPT, "text": _NOTICE.sub("", prompt["text"])}
    for one in uses:
        calls[one.get("id")] = one
        yield {"id": f"{one.get('id')} begins", "tool": one.get("name"), "given": one.get("input")}
    for one in parts:
        call = calls.get(one.get("tool_use_id")) if one.get("type") == "tool_result" else None
        if call is not None and not one.get("is_error"):
            ended = {"id": f"{call.get('id')} ends", "ended": True}
            yield {**ended, "tool": call.get("name"), "given": call.get("input")}


def _role_of(message: Mapping[str, object]) -> str:
    """What it shows to its user; what its own program adds for the model counts as nobody's."""
    metadata = message.get("metadata")
    shown = metadata.get("displayRole") if isinstance(metadata, Mapping) else None
    return str(shown or message.get("role") or "")


def _parse_entry(entry: Entry) -> TurnFact | None:
    kind = _KINDS.get(str(entry.get("kind")))
    return TurnFact(kind, str(entry.get("text") or ""), source=EvidenceSource.TRANSCRIPT) if kind else None


def _parse_cost(entry: Entry) -> TokenCost | None:
    """Without tokens read from the vendor's cache, which are part of the input here."""
    spent = entry.get("cost")
    if not isinstance(spent, Mapping):
        return None
    tokens = sum_whole_numbers((spent.get("inputTokens"), spent.get("outputTokens")))
    return TokenCost(str(entry.get("id")), max(0, tokens - sum_whole_numbers((spent.get("cacheReadTokens"),))))


def _parse_tool(entry: Entry) -> ToolUse | None:
    tool, given = entry.get("tool"), entry.get("given")
    if not isinstance(tool, str):
        return None
    path = given.get("path") if isinstance(given, Mapping) else None
    paths = (path,) if isinstance(path, str) and path else ()
    ended = bool(entry.get("ended"))
    return ToolUse(tool[:MAX_NAME_CHARS], paths, ended, ended and bool(paths) and tool == _WRITING_TOOL)


def _parse_question(entry: Entry) -> HookQuestion | None:
    """A call is in the session before its dialog is drawn, and whole, while the dialog may be cut. There may be no
    dialog: by default, Cline asks about nothing."""
    tool, given = str(entry.get("tool") or ""), entry.get("given")
    if not tool or entry.get("ended") or not isinstance(given, Mapping):
        return None
    call = describe_tool_call(tool, _shown_input(tool, given))
    return question_about_call(tool, call, str(entry.get("id")), (given,), tentative=True)


def _shown_input(tool: str, given: Mapping[str, object]) -> Mapping[str, object]:
    """With the names that other agents use."""
    commands = given.get("commands")
    if isinstance(commands, list) and len(given) == 1:
        return {"command": "\n".join(one if isinstance(one, str) else json.dumps(one) for one in commands)}
    if tool == _WRITING_TOOL and isinstance(given.get("new_text"), str):
        old = given.get("old_text")
        change = {"old_string": old, "new_string": given["new_text"]} if old else {"content": given["new_text"]}
        rest = {name: one for name, one in given.items() if name not in ("old_text", "new_text") and one is not None}
        return {**rest, **change}
    return given


# Texts


def _guard_text(text: str, is_name: Callable[[str], bool]) -> str:
    """A file of the project is read when a word begins with an `@` and its path, a file from anywhere on the disk when
    an `@` anywhere is followed by a path with a root. Cline takes a backslash in a path for a slash, so it stands
    before the one and behind the other."""

    def guarded(match: re.Match[str]) -> str:
        word = match["word"].rstrip(ENDS_A_WORD)
        return "@" if word and is_name(word) else "\\@"

    return _BEGINS_WORD.sub(guarded, _READS_FILE.sub(r"@\\", text))


def _finish_text(text: str) -> str:
    """A last word with an `@` or a slash opens a list, of which Enter would take an entry. A space closes it, and is
    not submitted."""
    ended = f"{text} " if _OPENS_LIST.search(text) else text
    return collapse_if_disputed(ended, _COLLAPSES_FROM_LINES)


ADAPTER = Adapter(
    name="cline",
    rules=load_built_in_rules("cline"),
    launching=LaunchMethod(
        _is_for,
        _missing_setup,
        prepare=_prepare,
        launch=_plan_launch,
        resumed=_resume_command,
        is_written=_is_written,
    ),
    submit=SubmitMethod(pause=0.15, shown=0.05, collapses_from=(10**9, _COLLAPSES_FROM_LINES), begins_within=4.0),
    text=TextInput(_guard_text, _finish_text),
    interrupt=InterruptMethod(only_refuses=True),
    approvals=HookApprovals(_parse_question),
    stash=DraftStash(b"\x15", back=PASTE_KEY, undo=PASTE_KEY),
    transcript=TranscriptFormat(
        _parse_entry,
        _parse_cost,
        session=_session_of,
        find=_find_transcript,
        tool=_parse_tool,
        entries=_entries,
        conversations_in=_sessions_folder,
    ),
    status=StatusFormat(
        _status_file, _parse_status, conversations_in=_sessions_folder, look_interval_s=_LOOK_INTERVAL_S
    ),
)
