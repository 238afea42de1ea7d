"""Reports what the agent is at, at most once a second; while nothing changes, it does nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from gateway.protocol.types.agent_work import FileWrite, UnseenResult, Work
from gateway.protocol.types.core_types import Activity
from sidecar.connection.room_reporter import RoomReporter
from sidecar.evidence.escape_sequences import human_keys_in
from sidecar.evidence.turn_evidence import ToolUse
from sidecar.messages.sealed_turns import SealedPlace, SealedTurn
from sidecar.work.current_work import CurrentWork, WrittenPath
from sidecar.work.daily_token_usage import TokenDay, read_token_day, write_token_day
from sidecar.work.git_branch import branch_of
from sidecar.work.opaque_file_ids import file_key, machine_id
from sidecar.work.shown_paths import PlacedFile, shown_folder, shown_path

REPORT_INTERVAL_S = 1.0
FOCUS_IN = b"\x1b[I"  # only where the agent asks the terminal for it


@dataclass(frozen=True)
class WorkPlace:
    """The project of the agent, and the sidecar's own folder."""

    project: Path
    private: Path


@dataclass(frozen=True)
class _Look:
    """What the disk says of where the agent works."""

    folder: str
    branch: str
    file: PlacedFile | None


class WorkReporter:
    """`local_now` is the time in the zone of this machine: a day of tokens ends at its midnight. `sealed_turn`: whether
    the agent works on sealed messages."""

    def __init__(
        self,
        place: WorkPlace,
        reporter: RoomReporter,
        local_now: Callable[[], datetime],
        sealed_turn: SealedTurn | None = None,
    ) -> None:
        self._place, self._reporter, self._local_now = place, reporter, local_now
        self._sealed_turn = sealed_turn or SealedTurn()
        self._sealed_use: SealedPlace | None = None
        kept = read_token_day(place.private)
        self._kept, self._current = kept, CurrentWork(kept.day, kept.tokens)
        self._folder = place.project
        self._told: tuple[Work, UnseenResult, SealedPlace | None] | None = None
        self._machine = machine_id()
        self._news = asyncio.Event()

    # Events

    def activity(self, activity: Activity) -> None:
        if self._current.activity(activity):
            self._news.set()

    def used(self, use: ToolUse) -> None:
        """The files that it writes for a sealed conversation are told to nobody."""
        self._sealed_use = self._sealed_turn.place
        use = replace(use, written=use.written and self._sealed_use is None)
        if use.folder and os.path.isabs(use.folder):
            self._folder = Path(use.folder)
        self._current.used(use, self._folder)
        self._news.set()

    def count_tokens(self, tokens: int) -> None:
        self._current.count_tokens(tokens, self._today)
        self._news.set()

    def answered(self) -> None:
        """An answer of the agent goes to the room."""
        if self._current.answered():
            self._news.set()

    def pressed(self, keys: bytes) -> None:
        """Keys came from the person's terminal, or the report that it has the focus now."""
        if (human_keys_in(keys) or FOCUS_IN in keys) and self._current.looked():
            self._news.set()

    def watched(self, on: bool) -> None:
        if self._current.watched(on):
            self._news.set()

    def again(self) -> None:
        """The room has forgotten what it was told."""
        self._told = None
        self._news.set()

    @property
    def _today(self) -> str:
        return self._local_now().date().isoformat()

    # Reports

    async def run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await self._report()
            await asyncio.sleep(REPORT_INTERVAL_S)

    async def _report(self) -> None:
        """The disk is read in a thread: it may be slow, and a person's keys must not wait for it."""
        look = await asyncio.to_thread(self._look, self._current.use)
        work = self._current.work(self._today, look.folder, look.branch, look.file)
        told = (work, self._current.unseen, self._sealed_turn.place or self._sealed_use)
        if told != self._told:
            self._told = told
            self._reporter.work(*told)
        if written := self._current.take_written():
            self._reporter.wrote(await asyncio.to_thread(self._files, written))
        await self._keep_tokens()

    def _look(self, use: ToolUse | None) -> _Look:
        project, folder = _real(self._place.project), _real(self._folder)
        file = _placed(use.paths[0], folder, project) if use and use.paths else None
        return _Look(shown_folder(folder, project), branch_of(folder), file)

    def _files(self, written: Iterable[WrittenPath]) -> list[FileWrite]:
        project = _real(self._place.project)
        placed = (_placed(one.path, _real(Path(one.folder)), project) for one in written)
        return [FileWrite(file_key(self._machine, one.path), one.shown) for one in placed]

    async def _keep_tokens(self) -> None:
        """Written when a turn has ended, not for each call of a tool."""
        newest = TokenDay(self._current.day, self._current.day_tokens)
        if newest != self._kept and not self._current.works:
            self._kept = newest
            await asyncio.to_thread(write_token_day, self._place.private, newest)


def _real(path: Path) -> Path:
    """The path without links. One that cannot be followed stays as it is."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return path


def _placed(name: str, folder: Path, project: Path) -> PlacedFile:
    path = _real(Path(os.path.normpath(folder / name.replace("\x00", ""))))
    return PlacedFile(str(path), shown_path(path, project))
