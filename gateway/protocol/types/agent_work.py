"""What an agent is at: where it works, with which tool on which file, and how many tokens that takes."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.protocol.types.core_types import SealedContent

MAX_WORK_TEXT_CHARS = 200
MAX_TOOL_CHARS = 60
MAX_TOKENS = 10**12
MAX_FILE_WRITES = 100
_MCP_PREFIX = "mcp__"

WorkText = Annotated[str, Meta(max_length=MAX_WORK_TEXT_CHARS)]
Tokens = Annotated[int, Meta(ge=0, le=MAX_TOKENS)]


class Work(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What an agent is at, as far as its sidecar knows. `folder` begins with the name of its project's folder. `tool`
    and `file` are those of the tool call that it began last in this turn; the path is relative to the project.
    `turn_tokens` are those of its current or last turn, and `day_tokens` those of today, where the agent runs. What is
    `sealed` says the rest; it is only in reports, and others get it beside the work."""

    folder: WorkText = ""
    branch: WorkText = ""
    tool: Annotated[str, Meta(max_length=MAX_TOOL_CHARS)] = ""
    file: WorkText = ""
    turn_tokens: Tokens = 0
    day_tokens: Tokens = 0
    sealed: SealedContent | None = None


class UnseenResult(StrEnum):
    """Where the result of an agent's last turn is, if nobody at its terminal has looked at it since: its answer is in
    the ROOM, or only its TERMINAL shows it. NOTHING: it has not worked, or somebody has looked."""

    NOTHING = "nothing"
    ROOM = "room"
    TERMINAL = "terminal"


class FileWrite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that an agent has written. `key` is the same for the same file on the same machine, and tells nothing else
    of it; `name` is shown."""

    key: Annotated[str, Meta(min_length=8, max_length=64)]
    name: WorkText


def tool_text(work: Work | None) -> str:
    """`Edit src/app.py`; empty if it uses no tool."""
    return f"{work.tool} {work.file}".strip() if work else ""


def short_tool_text(work: Work | None) -> str:
    """`Edit app.py`: without the folders, and without the server of a tool such as `mcp__chat__peer_send`."""
    if work is None:
        return ""
    tool = work.tool.rpartition("__")[2] if work.tool.startswith(_MCP_PREFIX) else work.tool
    return f"{tool} {work.file.rpartition('/')[2]}".strip()


def place_text(work: Work | None) -> str:
    """`website on main`."""
    return " on ".join(filter(None, (work.folder, work.branch))) if work else ""


def spent_text(work: Work | None) -> str:
    """`1.2k tokens, 48k today`; empty if it has spent none."""
    return ", ".join(_spent_parts(work)) if work else ""


def _spent_parts(work: Work) -> Iterator[str]:
    if work.turn_tokens:
        yield f"{tokens_text(work.turn_tokens)} tokens"
    if work.day_tokens > work.turn_tokens:
        yield f"{tokens_text(work.day_tokens)}{'' if work.turn_tokens else ' tokens'} today"


def work_text(work: Work | None) -> str:
    """All of it in one line: `Edit src/app.py, website on main, 1.2k tokens, 48k today`."""
    return ", ".join(filter(None, (tool_text(work), place_text(work), spent_text(work))))


def brief_work_text(work: Work | None) -> str:
    """As `work_text`, with the name of the file alone."""
    return ", ".join(filter(None, (short_tool_text(work), place_text(work), spent_text(work))))


def tokens_text(tokens: int) -> str:
    """`950`, `1.2k`, `48k`, `1.3M`."""
    for size, unit in ((10**6, "M"), (1000, "k")):
        if tokens >= size:
            scaled = tokens / size
            return f"{scaled:.1f}{unit}".replace(".0", "") if scaled < 10 else f"{int(scaled)}{unit}"
    return str(tokens)
