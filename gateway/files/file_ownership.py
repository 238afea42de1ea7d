"""Decides from owner and mode whether a folder, a file or a socket may be trusted with a secret. Pure.

`FileOwnership` holds the facts; the answer is a sentence that says what is wrong and what to do, or an empty one.
"""

from __future__ import annotations

import stat
from collections.abc import Collection
from dataclasses import dataclass

ROOT_UID = 0
GROUP_OR_OTHER_BITS = 0o077
CHOOSE_OTHER_FOLDER = "choose a folder of your own with --state DIR or GROUPCHAT_STATE"


@dataclass(frozen=True)
class FileOwnership:
    """The facts about a path. `owner` is the name of `uid`; `alone`: the file's group has no member but its owner."""

    path: str
    uid: int
    owner: str
    mode: int
    alone: bool = False

    @property
    def others_write(self) -> bool:
        by_group = bool(self.mode & stat.S_IWGRP) and not self.alone
        return by_group or bool(self.mode & stat.S_IWOTH)

    @property
    def permissions(self) -> str:
        return f"{stat.S_IMODE(self.mode):o}"


def distrust_of_ancestor(found: FileOwnership, trusted: Collection[int]) -> str:
    """Check a folder or link above a private path: whoever owns or can write it can replace the private one."""
    if found.uid not in trusted:
        return (
            f"{found.path} belongs to {found.owner}, who could put other files in the place of yours. "
            f"Have it given to you, or {CHOOSE_OTHER_FOLDER}."
        )
    if stat.S_ISLNK(found.mode) or not found.others_write or found.mode & stat.S_ISVTX:
        return ""
    return (
        f"Others may write in {found.path} (mode {found.permissions}), and put other files in the place of yours. "
        f"`chmod go-w {found.path}`, or {CHOOSE_OTHER_FOLDER}."
    )


def distrust_of_private_path(found: FileOwnership, us: int, our_name: str) -> str:
    """Check the private folder, file or socket itself."""
    if stat.S_ISLNK(found.mode):
        return f"{found.path} is a link; a private file is none. Remove it, or {CHOOSE_OTHER_FOLDER}."
    if found.uid != us:
        return (
            f"{found.path} belongs to {found.owner}, and you are {our_name}. Run this as {found.owner}, have it given "
            f"to you (`chown -R {our_name}`), or {CHOOSE_OTHER_FOLDER}."
        )
    return ""


def distrust_of_team_file(file: FileOwnership, folders: Collection[FileOwnership], trusted: Collection[int]) -> str:
    """Why a team file may be written by another user; empty if it is trusted. In a folder where others can write,
    anybody could have placed it, even as a link to one of our own files, and the sticky bit does not prevent that."""
    if file.uid not in trusted:
        return f"it belongs to {file.owner}"
    if file.others_write:
        return f"others may write to it (mode {file.permissions})"
    for folder in folders:
        if folder.others_write:
            return f"others may write in {folder.path} (mode {folder.permissions})"
    return ""


def has_too_wide_mode(found: FileOwnership) -> bool:
    return bool(found.mode & GROUP_OR_OTHER_BITS)


def distrust_of_peer(uid: int, us: int) -> bool:
    """Whether to refuse the process at the other end of a local socket. The same user's is accepted, and root's, since
    root can read everything anyway."""
    return uid in (us, ROOT_UID)
