"""The gateway's unix socket: its path, and the check of its owner. A token is never sent to a process of another user,
so neither the path nor the process behind it may belong to somebody else."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.files import file_ownership
from gateway.files.private_files import make_private_folder, ownership_of, user_name_of
from gateway.protocol.errors import Forbidden, GroupChatError, Unavailable

GATEWAY_SOCKET = "gateway.sock"
MAX_PATH_BYTES = 103  # every system accepts this; Linux accepts 107


def socket_path_for(folder: Path, name: str, env: Mapping[str, str]) -> Path:
    """A path for a socket of `folder`: in it or, if that path is too long, in a private folder elsewhere."""
    for path in _candidate_paths(folder, name, env):
        return path
    raise _no_socket_error(folder)


def listen_in_folder(folder: Path, name: str, env: Mapping[str, str]) -> tuple[socket.socket, Path]:
    """Listen at the first such path on a file system that supports sockets."""
    for path in _candidate_paths(folder, name, env):
        try:
            return listen_at_path(path), path
        except OSError:
            continue
    raise _no_socket_error(folder)


def _no_socket_error(folder: Path) -> Unavailable:
    return Unavailable(f"No socket can be made for {folder}. Choose a shorter path on a local disk with --state DIR.")


def _candidate_paths(folder: Path, name: str, env: Mapping[str, str]) -> Iterator[Path]:
    if _fits(folder / name):
        yield folder / name
    for other in _short_folders(folder, env):
        if _fits(other / name):
            try:
                yield make_private_folder(other) / name
            except (OSError, GroupChatError):
                continue


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= MAX_PATH_BYTES


def _short_folders(folder: Path, env: Mapping[str, str]) -> Iterator[Path]:
    """Folders with short paths. Another user may have taken the name in the temporary folder; then
    another one is made."""
    own = f"llm-groupchat-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
    if runtime := env.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / own
    for temporary in dict.fromkeys((tempfile.gettempdir(), "/tmp")):
        yield Path(temporary) / f"{own}-{os.geteuid()}"
        yield Path(tempfile.mkdtemp(prefix="llm-groupchat-", dir=temporary))


def listen_at_path(path: Path) -> socket.socket:
    """A listening socket for this user alone. It replaces the file that a killed process left."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
    except BaseException:
        listener.close()
        raise
    return listener


async def connect_to_own(path: Path) -> socket.socket:
    """Connect to a process of this user. Forbidden before any byte is sent to another's; OSError if nobody listens."""
    check_socket(path)
    end = socket.socket(socket.AF_UNIX)
    end.setblocking(False)
    try:
        await _connect(end, path)
        check_peer(end, path)
    except BaseException:
        end.close()
        raise
    return end


async def _connect(end: socket.socket, path: Path) -> None:
    """Connect. A unix socket connects at once or reports a full queue; then retry shortly after."""
    for pause in (0.01, 0.05, 0.25, 1.0):
        try:
            end.connect(str(path))
        except BlockingIOError:
            await asyncio.sleep(pause)
        else:
            return
    raise ConnectionRefusedError(errno.EAGAIN, f"too many connections wait at {path}")


def check_socket(path: Path) -> None:
    """Check the owner and mode of the socket file; FileNotFoundError if there is none."""
    seen = os.lstat(path)
    make_private_folder(path.parent)
    us = os.geteuid()
    if wrong := file_ownership.distrust_of_private_path(ownership_of(path, seen), us, user_name_of(us)):
        raise Forbidden(wrong)
    if not stat.S_ISSOCK(seen.st_mode):
        raise Forbidden(f"{path} is not a socket. Remove it, and start the gateway again.")


def check_peer(end: socket.socket, path: Path) -> None:
    uid = peer_uid(end)
    if not file_ownership.distrust_of_peer(uid, os.geteuid()):
        raise Forbidden(
            f"The process that listens at {path} is {user_name_of(uid)}'s and not yours; nothing was sent to it."
        )


def is_own_peer(end: socket.socket) -> bool:
    """Whether the process at the other end of an accepted connection may talk to us."""
    return file_ownership.distrust_of_peer(peer_uid(end), os.geteuid())


def peer_uid(end: socket.socket) -> int:
    if sys.platform == "linux":
        credentials = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[1])
    local_peercred = 1
    return int(struct.unpack("2I", end.getsockopt(0, local_peercred, struct.calcsize("2I")))[1])
