"""Finds the branch of a folder by reading git's own files. git itself is never run: its configuration can run programs.

Everything read is small and bounded, and only regular files are opened: a project may hold anything under these names.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

MAX_FOLDERS_UP = 40
MAX_FILE_BYTES = 4096
SHORT_COMMIT_CHARS = 8
_BRANCH = "ref: refs/heads/"
_REFERENCE = "ref: "
_WORKTREE = "gitdir: "


def branch_of(folder: Path) -> str:
    """The branch that is checked out there, or the beginning of the commit; empty outside a repository."""
    for one in (folder, *folder.parents)[:MAX_FOLDERS_UP]:
        if head := _read_head(one / ".git"):
            return _name_of(head)
    return ""


def _read_head(git: Path) -> str:
    """The text of HEAD. In a worktree, `.git` is a file that names the folder with its HEAD."""
    if (head := _read_line(git / "HEAD")) or not (place := _read_line(git)).startswith(_WORKTREE):
        return head
    return _read_line(git.parent / place.removeprefix(_WORKTREE) / "HEAD")


def _name_of(head: str) -> str:
    if head.startswith(_REFERENCE):
        return head.removeprefix(_BRANCH).removeprefix(_REFERENCE)
    return head[:SHORT_COMMIT_CHARS]


def _read_line(path: Path) -> str:
    """The first line of a regular file; empty if there is none. A pipe is not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError):
        return ""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        return os.read(descriptor, MAX_FILE_BYTES).partition(b"\n")[0].decode(errors="replace").strip()
    except OSError:
        return ""
    finally:
        os.close(descriptor)
