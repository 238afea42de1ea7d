"""The requests that need permission: commands, edits and fetches of many shapes, chosen by a seed. Pure.

Each question has its own mark of four digits, so that "don't ask again" for one of them covers no other. The files that
it leaves show whether it was carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.fakes.models.script import ToolCall


class About(StrEnum):
    COMMAND = "command"
    EDIT = "edit"
    FETCH = "fetch"
    DEMO = "demo"


@dataclass(frozen=True)
class Ground:
    """The agent's working folder, and a folder beside it that it may write to only with permission."""

    work: Path
    beside: Path

    @property
    def ran(self) -> Path:
        return self.work / "ran"


@dataclass(frozen=True)
class Question:
    """`calls` are the tool calls of the model, the last of which needs permission. `told` is what the card must show:
    the command, the address, or the whole text of the demo agent's dialog. An edit changes the content of `path` from
    `before` to `after`."""

    mark: str
    about: About
    shape: str
    calls: tuple[ToolCall, ...]
    told: str = ""
    path: Path | None = None
    before: str = ""
    after: str = ""

    @property
    def name(self) -> str:
        return f"{self.about} {self.shape}"

    @property
    def result(self) -> str:
        """A text that a result contains and a refusal does not."""
        return f"host-{self.mark}"


_OPTIONS = "1. Yes\n2. Yes, and don't ask again\n3. No, and tell me what to do differently (esc)"
_LINE = "--option-{0}=value-{1}"

COMMANDS: Mapping[str, str] = {
    "short": "{do} alpha",
    "quotes": "{do} 'single' \"double $HOME\" back\\ slash",
    "substitution": '{do} "$(echo one)" `echo two`',
    "like options": "{do} '2. Yes, and do not ask again' '3. No' ' ❯ 1. Yes'",
    "like a dialog": "{do} 'Do you want to proceed?' '› 1. Yes, proceed (y)' '│ ● 1. Allow once │'",
    "unicode": "{do} 'grüße 日本語の文章' '한국어 Ω≈ç√∫' 'naïve'",
    "joined emoji": "{do} '👩‍👩‍👧‍👦 and 🏳️‍🌈'",
    "blanks": "{do} 'a  b   c'    --two  '  ends  '",
    "one word": "{do} " + "/".join(["a-very-long-path-without-a-blank"] * 6),
    "chain": "{do} a && {do} b | cat > out-{mark}.txt; {do} c",
    "variable": "VALUE='a b' {do} \"$VALUE\"",
    "two lines": "{do} 'one\ntwo  three'",
    "three commands": "{do} one\n{do} two\n{do} three",
    "lines like options": "{do} <<'END'\n" + _OPTIONS + "\nEND",
    "many lines": "{do} <<'END'\n" + "\n".join(f"line {n} of many" for n in range(40)) + "\nEND",
    "3 kB in a line": "{do} " + " ".join(_LINE.format(n, n * 7919) for n in range(106)),
    "3 kB in lines": "{do} \\\n" + " \\\n".join(_LINE.format(n, f"{n * 7919:040}") for n in range(48)),
}
_TEXT = "".join(f"line {n}\n" for n in range(60))
EDITS: Mapping[str, tuple[str, str]] = {
    "new file": ("", "alpha\nbeta\n2. Yes\n"),
    "new long file": ("", "".join(f"a new line, number {n}, which is not short\n" for n in range(70))),
    "one line": ("one\ntwo\nthree\n", "one\nzwei\nthree\n"),
    "like options": ("one\ntwo\nthree\n", f"one\n{_OPTIONS}\nthree\n"),
    "deep in a file": (_TEXT, _TEXT.replace("line 30\nline 31\n", "Zeile 30 grüßt\n  eingerückt\n+ plus\n- minus\n")),
    "a long line": ("short\n", "long" + " and longer" * 60 + "\n"),
}
FETCHES: Mapping[str, str] = {
    "short address": "https://host-{mark}.example/a/b?c=d",
    "long address": "https://host-{mark}.example/" + "/".join(f"part-{n}" for n in range(40)) + "?q=1%202#end",
}


@dataclass(frozen=True)
class Tools:
    """How the model of one CLI asks: `command(text)`, `edit(path, before, after)`, `fetch(address)` build the calls.
    The CLI itself refuses `blocked` calls, whatever the answer."""

    command: Callable[[str], ToolCall]
    edit: Callable[[Path, str, str], tuple[ToolCall, ...]] | None = None
    fetch: Callable[[str], ToolCall] | None = None
    edits_beside: bool = False
    blocked: frozenset[str] = frozenset()


def _claude_edit(path: Path, before: str, after: str) -> tuple[ToolCall, ...]:
    if not before:
        return (ToolCall("Write", {"file_path": str(path), "content": after}),)
    old, new = _changed(before, after)
    change = {"file_path": str(path), "old_string": old, "new_string": new}
    return ToolCall("Read", {"file_path": str(path)}), ToolCall("Edit", change)


def _gemini_edit(path: Path, before: str, after: str) -> tuple[ToolCall, ...]:
    if not before:
        return (ToolCall("write_file", {"file_path": str(path), "content": after}),)
    old, new = _changed(before, after)
    return (
        ToolCall(
            "replace", {"file_path": str(path), "old_string": old, "new_string": new, "instruction": "Change it."}
        ),
    )


def _codex_edit(path: Path, before: str, after: str) -> tuple[ToolCall, ...]:
    return (ToolCall("exec_command", {"cmd": f"apply_patch <<'PATCH'\n{patch(path, before, after)}\nPATCH"}),)


def patch(path: Path, before: str, after: str) -> str:
    """In Codex's own notation."""
    if not before:
        lines = [f"*** Add File: {path}", *(f"+{line}" for line in after.splitlines())]
    else:
        old, new = _changed(before, after)
        lines = [f"*** Update File: {path}", "@@"]
        lines += [*(f"-{line}" for line in old.splitlines()), *(f"+{line}" for line in new.splitlines())]
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch"])


def _changed(before: str, after: str) -> tuple[str, str]:
    """The differing lines, without equal lines at both ends."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    first = next(n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    last = next(n for n, (a, b) in enumerate(zip(reversed(old), reversed(new), strict=False)) if a != b)
    return "".join(old[first : len(old) - last]), "".join(new[first : len(new) - last])


TOOLS: Mapping[str, Tools] = {
    "claude": Tools(
        lambda text: ToolCall("Bash", {"command": text, "description": "Do what was asked"}),
        _claude_edit,
        lambda address: ToolCall("WebFetch", {"url": address, "prompt": "What is it?"}),
    ),
    "codex": Tools(
        lambda text: ToolCall(
            "exec_command",
            {"cmd": text, "sandbox_permissions": "require_escalated", "justification": "Do what was asked"},
        ),
        _codex_edit,
        edits_beside=True,
    ),
    "gemini": Tools(
        lambda text: ToolCall("run_shell_command", {"command": text, "description": "Do what was asked"}),
        _gemini_edit,
        lambda address: ToolCall("web_fetch", {"prompt": f"What is at {address}"}),
        blocked=frozenset({"substitution"}),
    ),
}


DEMO = "demo yes or no"


def shapes(cli: str) -> list[str]:
    """By name; the demo agent knows one."""
    if cli not in TOOLS:
        return [DEMO]
    tools = TOOLS[cli]
    names = [f"{About.COMMAND} {shape}" for shape in COMMANDS if shape not in tools.blocked]
    names += [f"{About.EDIT} {shape}" for shape in EDITS] if tools.edit else []
    return names + ([f"{About.FETCH} {shape}" for shape in FETCHES] if tools.fetch else [])


def question(cli: str, name: str, mark: str, ground: Ground) -> Question:
    kind, _, shape = name.partition(" ")
    about = About(kind)
    if about is About.DEMO:
        return Question(mark, about, shape, (), "Do you want to run this?")
    tools = TOOLS[cli]
    if about is About.COMMAND:
        command = COMMANDS[shape].replace("{do}", f"./do-{mark}").replace("{mark}", mark)
        return Question(mark, about, shape, (tools.command(command),), command)
    if about is About.FETCH:
        assert tools.fetch is not None
        address = FETCHES[shape].replace("{mark}", mark)
        return Question(mark, about, shape, (tools.fetch(address),), address)
    assert tools.edit is not None
    before, after = EDITS[shape]
    path = (ground.beside if tools.edits_beside else ground.work) / f"file-{mark}.txt"
    calls = tools.edit(path, before, after)
    return Question(mark, about, shape, calls, path=path, before=before, after=after)


def prepare(ground: Ground, asked: Question) -> None:
    """Create the files that it needs and remove those of earlier runs. The program writes a line each time it runs."""
    ground.ran.mkdir(parents=True, exist_ok=True)
    ground.beside.mkdir(parents=True, exist_ok=True)
    if asked.about is About.COMMAND:
        program = ground.work / f"do-{asked.mark}"
        program.write_text(f"#!/bin/sh\necho ran >> {ground.ran / asked.mark}\n")
        program.chmod(0o755)
    elif asked.path is not None:
        asked.path.unlink(missing_ok=True)
        if asked.before:
            asked.path.write_text(asked.before)


def times_in(command: str, mark: str) -> int:
    """How often the program runs when the command does."""
    return command.count(f"./do-{mark}")


def done(ground: Ground, asked: Question) -> int:
    """How often it was carried out, counted from the files that it left."""
    if asked.about is About.COMMAND:
        record = ground.ran / asked.mark
        lines = record.read_text().count("\n") if record.exists() else 0
        return -(-lines // times_in(asked.told, asked.mark))
    if asked.path is None:
        return 0
    return int(asked.path.exists() and asked.path.read_text() == asked.after)
