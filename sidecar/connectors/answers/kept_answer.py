"""Keeps a whole answer on disk until the room has it, so that a connector that dies meanwhile posts the same one when
it comes back, and does not ask again."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from gateway.files.private_files import write_private

ANSWER_FILE = "answer.json"
log = structlog.get_logger("sidecar.connectors.answers.kept_answer")


class KeptAnswer(msgspec.Struct, frozen=True):
    """`store` is the id of the gateway's store to which the numbers belong."""

    store: str
    numbers: tuple[int, ...]
    text: str
    tokens: int = 0


def keep_answer(folder: Path, answer: KeptAnswer) -> None:
    """If this fails, a crash only costs another request."""
    try:
        write_private(folder / ANSWER_FILE, msgspec.json.encode(answer).decode())
    except OSError as error:
        log.warning("cannot keep an answer", error=str(error))


def read_kept_answer(folder: Path, store: str, numbers: Sequence[int]) -> KeptAnswer | None:
    """The answer to exactly these messages, if there is one. What is damaged counts as nothing."""
    try:
        found = msgspec.json.decode((folder / ANSWER_FILE).read_bytes(), type=KeptAnswer)
    except (OSError, msgspec.MsgspecError):
        return None
    return found if (found.store, found.numbers) == (store, tuple(numbers)) else None


def drop_kept_answer(folder: Path) -> None:
    with contextlib.suppress(OSError):
        (folder / ANSWER_FILE).unlink(missing_ok=True)
