"""Answers that cannot be sealed at the moment, such as while a member's key has changed. They stay in the agent's
private folder, so that a restart of the sidecar loses none, until they have left sealed.

The file is readable to its owner alone, like the agent's own conversation, which holds the same text. It is gone when
nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import msgspec
import structlog

from gateway.files.private_files import write_private
from sidecar.messages.replies import Reply

KEPT_ANSWERS_FILE = "kept_answers.json"
MAX_KEPT_ANSWERS = 100
WriteAnswers = Callable[[tuple[Reply, ...]], None]
log = structlog.get_logger("sidecar.run_files.kept_answers_file")


def _write_nothing(_: tuple[Reply, ...]) -> None:
    """Nothing is kept for a later run."""


class KeptAnswers:
    """The newest answers that wait for a key, oldest first. `write` is called with all of them at each change."""

    def __init__(self, earlier: Iterable[Reply] = (), write: WriteAnswers = _write_nothing) -> None:
        self._answers = {one.id: one for one in earlier}
        self._write = write

    @property
    def answers(self) -> tuple[Reply, ...]:
        return tuple(self._answers.values())

    def keep(self, answer: Reply) -> bool:
        """Return whether it is new here."""
        is_new = answer.id not in self._answers
        if self._answers.get(answer.id) != answer:
            self._answers[answer.id] = answer
            for oldest in list(self._answers)[:-MAX_KEPT_ANSWERS]:
                del self._answers[oldest]
            self._write(self.answers)
        return is_new

    def remove(self, answer: Reply) -> None:
        if self._answers.pop(answer.id, None) is not None:
            self._write(self.answers)

    def clear(self) -> None:
        if self._answers:
            self._answers.clear()
            self._write(())


def open_kept_answers(folder: Path, *, moved: bool) -> KeptAnswers:
    """`moved`: the room has another store, where nobody waits for them."""
    path = folder / KEPT_ANSWERS_FILE
    kept = KeptAnswers(_read(path), partial(_write, path))
    if moved:
        kept.clear()
    return kept


def _read(path: Path) -> tuple[Reply, ...]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Reply, ...])
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.DecodeError) as error:
        log.error("cannot read the answers that wait for a key", error=type(error).__name__)
        return ()


def _write(path: Path, answers: tuple[Reply, ...]) -> None:
    """If this fails, they are kept as long as this run lasts."""
    try:
        if answers:
            write_private(path, msgspec.json.encode(answers).decode())
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        log.error("cannot keep the answers that wait for a key", error=str(error))
