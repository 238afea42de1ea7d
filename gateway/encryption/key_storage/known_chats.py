"""Which logs each gateway has shown to this machine. A gateway that shows another one has begun anew, was restored from
a copy, or pretends to: then a person must know, and rooms that were sealed stay sealed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.encryption.key_storage.key_files import key_folder
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.files.private_files import read_private, write_private

CHATS_FILE = "chats.json"
MAX_LOGS = 50  # of one gateway; each has a file of its own here, and a lying one must not fill the disk

Logs = dict[str, Annotated[tuple[str, ...], Meta(max_length=MAX_LOGS)]]


@dataclass(frozen=True)
class LogHistory:
    """The ids of the logs that a gateway showed before the one that it shows now, oldest first; none if it is known by
    this one alone, or not at all."""

    earlier: tuple[str, ...] = ()
    is_new: bool = False


def note_log(state: Path, name: str, address: str, log: str) -> LogHistory:
    """Remember that the gateway at this address shows this log to this member."""
    path = key_folder(state, name) / CHATS_FILE
    known = _read(path)
    logs = known.get(address, ())
    earlier = tuple(one for one in logs if one != log)
    if logs[-1:] == (log,):
        return LogHistory(earlier)
    if len(earlier) >= MAX_LOGS:
        raise SealingRefused(
            SealingFault.OTHER_CHAT,
            f"This gateway has shown {MAX_LOGS} different logs to {name}, so nothing can be sealed for it. If that is "
            f"right, remove its address from {path}.",
        )
    write_private(path, msgspec.json.encode({**known, address: (*earlier, log)}).decode() + "\n")
    return LogHistory(earlier, is_new=bool(earlier))


def _read(path: Path) -> Logs:
    try:
        return msgspec.json.decode(read_private(path), type=Logs)
    except FileNotFoundError:
        return {}
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise SealingRefused(
            SealingFault.DAMAGED,
            f"{path}, which holds which chats you know, is damaged. Restore it from a backup, or remove it.",
        ) from None
