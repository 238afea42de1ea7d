"""Gemini CLI. Its hooks can only be named in the user's own settings, so none is added: its session file tells of each
turn, and we know the session by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from sidecar.agents.agent import PASTE, Agent, Child, Launch, Place, Stash, Submit, Transcript, program, rules_of
from sidecar.signals import Source, Turn, TurnFact

_OWN_SESSION = ("--session-id", "--resume", "-r", "--list-sessions", "--delete-session")
_NOT_A_CHAT = (
    *("-p", "--prompt", "-h", "--help", "-v", "--version", "--acp", "--experimental-acp"),
    *("mcp", "extensions", "extension", "skills", "skill", "hooks", "hook", "gemma"),
)
_UNSAFE_END = re.compile(r"\\\Z")


def _is_for(command: Sequence[str]) -> bool:
    return program(command) == "gemini"


def _launch(command: Sequence[str], place: Place) -> Launch:
    given = tuple(command)
    words = [word.partition("=")[0] for word in given[1:]]
    if any(word in (*_OWN_SESSION, *_NOT_A_CHAT) for word in words):
        return Launch(given)
    return Launch((given[0], "--session-id", place.session, *given[1:]))


def _find(child: Child) -> Transcript | None:
    """The file is named after its minute and the first eight of its id; it is made at the first turn."""
    home = Path(child.place.env.get("GEMINI_CLI_HOME") or Path(child.place.env.get("HOME", "~")).expanduser())
    chats = (home / ".gemini" / "tmp").glob(f"*/chats/session-*-{child.place.session[:8]}.jsonl")
    return next((Transcript(path, fresh=True) for path in chats), None)


def _finish(text: str) -> str:
    """A last backslash would turn Enter into a newline; the blank after it is trimmed."""
    return f"{text} " if _UNSAFE_END.search(text) else text


def _line(entry: Mapping[str, object]) -> TurnFact | None:
    """An entry that calls a tool is not the last of its turn; the answer is what was said last when it is idle."""
    content = entry.get("content")
    match entry.get("type"):
        case "user":
            return TurnFact(Turn.PROMPT, _text(content), source=Source.TRANSCRIPT)
        case "gemini":
            return TurnFact(Turn.MODEL, _text(content), source=Source.TRANSCRIPT)
        case "error":
            return TurnFact(Turn.FAILED, _text(content), source=Source.TRANSCRIPT)
        case "info" if _text(content).startswith("Request cancelled"):
            return TurnFact(Turn.INTERRUPTED, source=Source.TRANSCRIPT)
    return None


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, Mapping))


AGENT = Agent(
    name="gemini",
    rules=rules_of("gemini"),
    is_for=_is_for,
    launch=_launch,
    submit=Submit(pause=0.15, collapses_from=(500, 6)),
    finish=_finish,
    transcript_line=_line,
    find_transcript=_find,
    stash=Stash(b"\x15", back=PASTE, undo=PASTE),
)
