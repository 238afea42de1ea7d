"""Lets the person edit the draft in their own editor, which has the terminal meanwhile."""

from __future__ import annotations

import asyncio
import shlex
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from prompt_toolkit.application import in_terminal

from gateway.protocol.errors import BadRequest, Unavailable

DRAFT_FILE = "message.md"


def editor_command(env: Mapping[str, str]) -> list[str]:
    """$VISUAL, or $EDITOR. No other is guessed: it could be one that the person cannot leave."""
    for name in ("VISUAL", "EDITOR"):
        if command := env.get(name, "").strip():
            try:
                return shlex.split(command)
            except ValueError:
                raise BadRequest(f"${name} cannot be read as a command: {command}") from None
    raise BadRequest("Neither $VISUAL nor $EDITOR is set. Set one before the chat starts: `export EDITOR=nano`.")


async def edit_text(text: str, command: Sequence[str]) -> str:
    """The text as the editor left it. The file is in a folder that only its owner may read."""
    with tempfile.TemporaryDirectory(prefix="groupchat-") as folder:
        file = Path(folder) / DRAFT_FILE
        file.write_text(text, encoding="utf-8", errors="replace")
        async with in_terminal():
            code = await _run_editor([*command, str(file)])
        if code:
            raise Unavailable(f"{command[0]} ended with code {code}; your text is as it was.")
        return file.read_text(encoding="utf-8", errors="replace").removesuffix("\n")


async def _run_editor(command: Sequence[str]) -> int:
    with _ctrl_c_is_the_editors():
        try:
            process = await asyncio.create_subprocess_exec(*command)
        except OSError as error:
            raise Unavailable(f"{command[0]} cannot be started: {error.strerror}.") from None
        return await process.wait()


@contextmanager
def _ctrl_c_is_the_editors() -> Iterator[None]:
    """Ctrl-C reaches every program of the terminal. A handler of ours is not inherited, so the editor has its own."""
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
