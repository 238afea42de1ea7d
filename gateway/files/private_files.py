"""Folders and files that only their owner may read. Ownership is checked before a secret is read or written; a mode of
our own that is too open is corrected."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from gateway.files import file_ownership
from gateway.files.file_ownership import ROOT_UID, FileOwnership
from gateway.protocol.errors import BadRequest, Forbidden

PRIVATE_FOLDER_MODE, PRIVATE_FILE_MODE = 0o700, 0o600
MAX_LINKS = 40  # the system follows as many


def make_private_folder(path: Path) -> Path:
    """Make a folder for this user alone, or check it; Forbidden if somebody else could get at its content."""
    for one in reversed([path, *path.parents]):
        if not os.path.lexists(one):
            one.mkdir(mode=PRIVATE_FOLDER_MODE, exist_ok=True)
    check_path_owners(path)
    _check_ownership(path, os.stat(path), PRIVATE_FOLDER_MODE)
    return path


def check_path_owners(path: Path) -> None:
    """Check that nobody but us and root can replace what is at `path`."""
    trusted = trusted_users()
    for one in _path_steps(path):
        if wrong := file_ownership.distrust_of_ancestor(ownership_of(one, os.lstat(one)), trusted):
            raise Forbidden(wrong)


def make_own_file(path: Path) -> None:
    """Make a file of ours, if it is missing, that another library opens next. Its folder may be readable by others."""
    if not path.parent.exists():
        make_private_folder(path.parent)
    check_path_owners(path)
    os.close(open_private(path, os.O_RDWR | os.O_CREAT))


def check_own_file(path: Path) -> None:
    """Check that a file which another library opens is ours, if it exists."""
    if os.path.lexists(path):
        _check_ownership(path, os.lstat(path), PRIVATE_FILE_MODE)


def read_private(path: Path) -> bytes:
    """The content of a file of ours; FileNotFoundError if there is none."""
    check_path_owners(path)
    with os.fdopen(open_private(path, os.O_RDONLY), "rb") as file:
        return file.read()


def open_private(path: Path, flags: int) -> int:
    """A descriptor of a file of ours. If the flags create it, only we can read it."""
    try:
        handle = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE_MODE)
    except PermissionError:
        _check_ownership(path, os.lstat(path), None)
        raise
    except OSError:
        if path.is_symlink():
            _check_ownership(path, os.lstat(path), None)
        raise
    try:
        _check_ownership(path, os.fstat(handle), PRIVATE_FILE_MODE, handle)
    except BaseException:
        os.close(handle)
        raise
    return handle


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically; only its owner may read it."""
    if not path.parent.exists():
        make_private_folder(path.parent)
    check_path_owners(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_new_file(file: Path, text: str) -> None:
    """Write what somebody wants to keep into a file of its own name. Never replaces one."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE_MODE)
    except FileExistsError:
        raise BadRequest(f"{file} exists already; name a new file.") from None
    except OSError as error:
        raise BadRequest(f"{file} cannot be written: {error.strerror}.") from None
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as stream:
        stream.write(text)


def ownership_of(path: Path, seen: os.stat_result) -> FileOwnership:
    return FileOwnership(
        str(path), seen.st_uid, user_name_of(seen.st_uid), seen.st_mode, _is_private_group(seen.st_gid)
    )


@cache
def user_name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _check_ownership(path: Path, seen: os.stat_result, mode: int | None, handle: int | None = None) -> None:
    found = ownership_of(path, seen)
    if wrong := file_ownership.distrust_of_private_path(found, os.geteuid(), user_name_of(os.geteuid())):
        raise Forbidden(wrong)
    if (
        mode is not None
        and file_ownership.has_too_wide_mode(found)
        and (stat.S_ISREG(seen.st_mode) or stat.S_ISDIR(seen.st_mode))
    ):
        os.chmod(path if handle is None else handle, mode)


def _path_steps(path: Path) -> Iterator[Path]:
    """Every folder and link on the way to `path`, in order, and `path` itself if it is a link. The targets of links are
    walked too: whoever owns a folder between two links decides where the second one leads."""
    here, ahead, hops = Path("/"), list(reversed(path.absolute().parts[1:])), 0
    yield here
    while ahead:
        name = ahead.pop()
        if name == "..":
            here = here.parent
            continue
        one = here / name
        if one.is_symlink():
            yield one
            hops += 1
            if hops > MAX_LINKS:
                links = f"more than {MAX_LINKS} links, or in a circle"
                raise Forbidden(f"{path} leads through {links}: {file_ownership.CHOOSE_OTHER_FOLDER}.")
            target = one.readlink()
            here = Path("/") if target.is_absolute() else here
            ahead += reversed([part for part in target.parts if part != "/"])
            continue
        here = one
        if ahead:
            yield here


def trusted_users() -> frozenset[int]:
    """Us, root and, in a container with unmapped users, the user that stands for all outside it."""
    return frozenset({os.geteuid(), ROOT_UID, *_unmapped_users()})


@cache
def _unmapped_users() -> frozenset[int]:
    try:
        lines = Path("/proc/self/uid_map").read_text().splitlines()
        overflow = int(Path("/proc/sys/kernel/overflowuid").read_text())
    except (OSError, ValueError):
        return frozenset()
    ranges = [tuple(map(int, line.split())) for line in lines]
    mapped = any(first <= overflow < first + count for first, _, count in ranges)
    return frozenset() if mapped else frozenset({overflow})


@cache
def _is_private_group(gid: int) -> bool:
    """Whether this is the private group that many systems give each user, with no other member."""
    try:
        group, own = grp.getgrgid(gid), pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return group.gr_name == own.pw_name and set(group.gr_mem) <= {own.pw_name}
