"""Describes a tool call of an agent for a person, from its hook: the whole command, path or change. Pure.

Nothing is cut here. A tool of unknown shape is shown as the hook reported it, each field with its name.
"""

from __future__ import annotations

import difflib
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.protocol.types.core_types import AskAbout
from sidecar.agents.adapter.adapter import HookQuestion

_PATH_FIELDS = ("file_path", "filePath", "notebook_path", "path", "fileName")
_UNTOLD_FIELDS = (
    "description",
    "timeout",
)  # the first is part of the question, the second changes nothing of what is done
_PATCH_BEGIN = "*** Begin Patch"
_FILE_LABEL = re.compile(r"^((?:---|\+\+\+) [^\t\n]+)\t[^\n]*", re.MULTILINE)
_FIRST_HUNK = re.compile(r"^@@", re.MULTILINE)


@dataclass(frozen=True)
class ToolCall:
    """`question` is used if the dialog's own words cannot be read. `detail` is what `about` says."""

    question: str
    detail: str
    about: AskAbout


def describe_tool_call(tool: str, given: Mapping[str, object]) -> ToolCall:
    """A tool with its input."""
    named = f"Use {tool}" if tool else "Do this"
    path = next((str(given[name]) for name in _PATH_FIELDS if given.get(name)), "")
    if command := _command_text(given.get("command")):
        if command.startswith(_PATCH_BEGIN):
            return ToolCall("Make this change?", command, AskAbout.DIFF)
        return ToolCall(_question_text("Run this command", given, ("command",)), command, AskAbout.COMMAND)
    if path and (change := _diff_text(path, given)):
        return ToolCall(f"Change {path}?", change, AskAbout.DIFF)
    if path and not set(given) - {*_PATH_FIELDS, *_UNTOLD_FIELDS}:
        return ToolCall(_question_text(f"{named} on this path", given, _PATH_FIELDS), path, AskAbout.PATH)
    return ToolCall(_question_text(named, given, tuple(given)), _fields_text(given), AskAbout.TEXT)


def question_about_call(
    tool: str, call: ToolCall, turn: str, shown: Sequence[object], *, tentative: bool = False
) -> HookQuestion:
    """`shown`: texts of the call, some of which its dialog shows."""
    texts = tuple(text for one in shown for text in texts_in(one))
    return HookQuestion(
        tool, call.detail, about=call.about, question=call.question, texts=texts, turn=turn, tentative=tentative
    )


def _question_text(what: str, given: Mapping[str, object], shown: Sequence[str]) -> str:
    """The question with each field that the detail does not show. The agent's own words come last, because they may be
    long."""
    rest = [f"{name}: {_plain_text(one)}" for name, one in given.items() if name not in (*shown, *_UNTOLD_FIELDS)]
    word = [str(given["description"])] if given.get("description") else []
    more = " ".join("; ".join([*rest, *word]).split())  # no rows of its own beside those of the card
    return f"{what}? ({more})" if more else f"{what}?"


def _command_text(given: object) -> str:
    if isinstance(given, list):
        return shlex.join(map(str, given))
    return given if isinstance(given, str) else ""


def _diff_text(path: str, given: Mapping[str, object]) -> str:
    """A unified diff. Line numbers are left out if the agent reports none: the file is not read for them."""
    if isinstance(told := given.get("fileDiff"), str) and told:
        return f"{path}\n{_without_file_labels(told)}"
    edits = _as_list(given.get("edits")) or [given]
    pieces = [piece for one in edits if isinstance(one, Mapping) for piece in _diff_pieces(one)]
    return "\n".join([f"--- {path}", f"+++ {path}", *pieces]) if pieces else ""


def _without_file_labels(diff: str) -> str:
    """Without what stands after a tab beside a file's name, as in `+++ a.py<tab>Proposed`: a tab is later shown as
    blanks, and the label would look like a part of the name. A changed line may look the same, so only the head of the
    diff is touched."""
    hunk = _FIRST_HUNK.search(diff)
    head = diff[: hunk.start()] if hunk else ""
    return _FILE_LABEL.sub(r"\1", head) + diff[len(head) :]


def _diff_pieces(edit: Mapping[str, object]) -> Iterator[str]:
    old, new = edit.get("old_string"), edit.get("new_string")
    if isinstance(old, str) and isinstance(new, str):
        where = " everywhere" if edit.get("replace_all") else ""
        yield f"@@{where} @@"
        before, after = _diff_lines(old, new), _diff_lines(new, old)
        yield from list(difflib.unified_diff(before, after, n=len(before), lineterm=""))[3:]
    elif isinstance(content := edit.get("content"), str):
        yield "@@ the whole file @@"
        yield from (f"+{line}" for line in _diff_lines(content))


def _diff_lines(text: str, other: str = "") -> list[str]:
    """Without an empty line at the end, unless only one of the two texts ends with a newline."""
    ended = not text or not other or text.endswith("\n") == other.endswith("\n")
    return (text.removesuffix("\n").split("\n") if text else []) if ended else text.split("\n")


def _fields_text(given: Mapping[str, object]) -> str:
    return "\n".join(f"{name}: {_plain_text(one)}" for name, one in given.items() if name not in _UNTOLD_FIELDS)


def _plain_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def describe_choice(given: Mapping[str, object]) -> ToolCall | None:
    """The agent's own questions, with their options."""
    asked = [one for one in _as_list(given.get("questions")) if isinstance(one, Mapping)]
    if not asked:
        return None
    lines = [
        line
        for one in asked
        for line in (str(one.get("question") or ""), *map(_choice_text, _as_list(one.get("options"))))
    ]
    return ToolCall(str(asked[0].get("question") or ""), "\n".join(lines), AskAbout.TEXT)


def _choice_text(option: object) -> str:
    if not isinstance(option, Mapping):
        return f"- {_plain_text(option)}"
    about = option.get("description")
    return f"- {option.get('label') or ''}{f': {about}' if about else ''}"


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def texts_in(value: object) -> Iterator[str]:
    """Every text that a hook reported, at any depth. The dialog shows some of them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from texts_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts_in(one)
