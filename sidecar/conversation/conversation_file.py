"""The file in an agent's private folder that keeps the ids of its conversations, and the history of replaced ones."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import structlog

from gateway.files.private_files import open_private, write_private
from sidecar.conversation.conversation_rules import GivenUp, KnownConversation, ProjectConversations

CONVERSATION_FILE = "conversation.json"
HISTORY_FILE = "conversations.log"
UNREADABLE_SUFFIX = ".unreadable"
FIRST_TIME_S, LAST_TIME_S = 1e9, 7e9  # 2001, 2191
log = structlog.get_logger("sidecar")


class _KeptFile(msgspec.Struct, frozen=True):
    projects: tuple[ProjectConversations, ...]


class _EarlierFile(msgspec.Struct, frozen=True):
    """As an earlier version wrote it: one conversation, in whichever project."""

    agent: str
    session: str


def read_conversations(folder: Path) -> tuple[ProjectConversations, ...]:
    """What was kept. A file that cannot be read counts as none."""
    try:
        return _parse((folder / CONVERSATION_FILE).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return ()


def _parse(text: bytes) -> tuple[ProjectConversations, ...]:
    with contextlib.suppress(msgspec.ValidationError):
        return msgspec.json.decode(text, type=_KeptFile).projects
    earlier = msgspec.json.decode(text, type=_EarlierFile)
    return (ProjectConversations(earlier.agent, kept=KnownConversation(earlier.session)),) if earlier.session else ()


def write_conversations(folder: Path, known: tuple[ProjectConversations, ...]) -> None:
    """If this fails, the next start only knows less."""
    try:
        write_private(folder / CONVERSATION_FILE, msgspec.json.encode(_KeptFile(known)).decode())
    except OSError as error:
        log.warning("cannot keep the conversation's id", error=str(error))


def put_unreadable_aside(folder: Path) -> None:
    """A file that cannot be read may hold ids that a person still wants."""
    path = folder / CONVERSATION_FILE
    try:
        _parse(path.read_bytes())
    except msgspec.MsgspecError:
        log.warning("cannot read the kept conversations; they are put aside", file=str(path) + UNREADABLE_SUFFIX)
        with contextlib.suppress(OSError):
            os.replace(path, str(path) + UNREADABLE_SUFFIX)
    except OSError:
        return


def add_to_history(folder: Path, own: ProjectConversations, gone: GivenUp, now: float) -> None:
    """One line for each id to which no start comes back any more. Its conversation may still be on disk."""
    one = gone.conversation
    line: dict[str, Any] = {"at": iso_time(now), "agent": own.agent, "project": own.project, "session": one.session}
    line |= {"since": iso_time(one.since), "used": iso_time(one.used), "why": gone.why}
    try:
        with os.fdopen(open_private(folder / HISTORY_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
    except OSError as error:
        log.warning("cannot write the history of conversations", error=str(error))


def iso_time(seconds: float) -> str:
    """In UTC. Empty if it is not known, or comes from a clock that was not set."""
    if not FIRST_TIME_S <= seconds < LAST_TIME_S:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
