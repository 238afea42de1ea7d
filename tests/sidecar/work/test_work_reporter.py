"""What is reported of the agent's work, how often, and what outlives the sidecar."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.protocol.types.agent_work import FileWrite, UnseenResult, Work
from gateway.protocol.types.core_types import Activity
from sidecar.evidence.turn_evidence import ToolUse
from sidecar.messages.sealed_turns import SealedPlace, SealedTurn
from sidecar.work import work_reporter
from sidecar.work.daily_token_usage import FILE, TokenDay, read_token_day
from sidecar.work.work_reporter import WorkPlace, WorkReporter
from tests.fakes.retry import retry_until

TODAY = datetime(2026, 11, 30, 12, tzinfo=UTC)


@dataclass
class Told:
    works: list[Work] = field(default_factory=list)
    unseen: list[UnseenResult] = field(default_factory=list)
    files: list[FileWrite] = field(default_factory=list)
    places: list[SealedPlace | None] = field(default_factory=list)

    def work(self, work: Work, unseen: UnseenResult, place: SealedPlace | None = None) -> None:
        self.works.append(work)
        self.unseen.append(unseen)
        self.places.append(place)

    def wrote(self, files: Iterable[FileWrite]) -> None:
        self.files += files


@contextlib.asynccontextmanager
async def reporting(folder: Path, told: Told, sealed_turn: SealedTurn | None = None) -> AsyncIterator[WorkReporter]:
    (folder / "website").mkdir(exist_ok=True)
    (folder / "private").mkdir(exist_ok=True)
    anyone: Any = told
    one = WorkReporter(WorkPlace(folder / "website", folder / "private"), anyone, lambda: TODAY, sealed_turn)
    task = asyncio.get_running_loop().create_task(one.run(), name="work")
    try:
        yield one
    finally:
        task.cancel()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_reporter, "REPORT_INTERVAL_S", 0.05)


async def test_folder_branch_tool_and_file_are_told(tmp_path: Path) -> None:
    told = Told()
    async with reporting(tmp_path, told) as one:
        (tmp_path / "website" / ".git").mkdir()
        (tmp_path / "website" / ".git" / "HEAD").write_text("ref: refs/heads/main")
        (tmp_path / "website" / "api").mkdir()
        one.activity(Activity.BUSY)
        one.used(ToolUse("Edit", ("../src/a.py",), folder=str(tmp_path / "website" / "api")))
        await retry_until(lambda: told.works[-1:] == [Work("website/api", "main", "Edit", "src/a.py")])
        one.activity(Activity.IDLE)
        await retry_until(lambda: told.works[-1] == Work("website/api", "main"))


async def test_many_calls_are_one_report_and_no_change_is_none(tmp_path: Path) -> None:
    told = Told()
    async with reporting(tmp_path, told) as one:
        one.activity(Activity.BUSY)
        for number in range(200):
            one.used(ToolUse("Read", (f"{number}.py",)))
        await retry_until(lambda: told.works[-1:] == [Work("website", tool="Read", file="199.py")])
        one.used(ToolUse("Read", ("199.py",)))
        await asyncio.sleep(0.2)
        assert len(told.works) <= 2
        one.again()
        await retry_until(lambda: len(told.works) == 3 or (len(told.works) == 2 and told.works[0] == told.works[1]))


async def test_the_tokens_of_a_day_outlive_the_sidecar_and_are_written_when_a_turn_ends(tmp_path: Path) -> None:
    told = Told()
    async with reporting(tmp_path, told) as one:
        one.activity(Activity.BUSY)
        one.count_tokens(300)
        await retry_until(lambda: bool(told.works) and told.works[-1].turn_tokens == 300)
        assert not (tmp_path / "private" / FILE).exists()
        one.activity(Activity.IDLE)
        await retry_until(lambda: read_token_day(tmp_path / "private") == TokenDay("2026-11-30", 300))
    async with reporting(tmp_path, told) as one:
        one.activity(Activity.BUSY)
        one.count_tokens(5)
        await retry_until(lambda: (told.works[-1].turn_tokens, told.works[-1].day_tokens) == (5, 305))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"day": 1, "tokens": 2}', '{"day": "x", "tokens": -1}', "\x00"])
def test_a_damaged_file_counts_as_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert read_token_day(tmp_path) == TokenDay()


@pytest.mark.parametrize("keys", [b"x", b"\r", b"\x1b[I", b"\x1b[A"])
async def test_a_person_at_the_terminal_has_looked(tmp_path: Path, keys: bytes) -> None:
    told = Told()
    async with reporting(tmp_path, told) as one:
        one.activity(Activity.BUSY)
        one.activity(Activity.IDLE)
        one.answered()
        await retry_until(lambda: told.unseen[-1:] == [UnseenResult.ROOM])
        one.pressed(b"\x1b[O\x1b[<0;1;1M\x1b[?1;2c")  # it lost the focus, the mouse, an answer of the terminal
        one.pressed(keys)
        await retry_until(lambda: told.unseen[-1] is UnseenResult.NOTHING)


async def test_what_was_written_is_told_by_the_same_key_by_whichever_way_it_is_named(tmp_path: Path) -> None:
    first, second = Told(), Told()
    async with reporting(tmp_path, first) as one, reporting(tmp_path, second) as other:
        (tmp_path / "website" / "a.py").write_text("")
        (tmp_path / "website" / "link.py").symlink_to("a.py")
        one.used(ToolUse("Edit", (str(tmp_path / "website" / "a.py"),), ended=True, written=True))
        one.used(ToolUse("Read", ("b.py",)))
        other.used(ToolUse("Edit", ("x/../link.py", "c.py"), ended=True, written=True))
        await retry_until(lambda: bool(first.files) and len(second.files) == 2)
        assert [(one.name, two.name) for one, two in zip(first.files, second.files, strict=False)] == [("a.py", "a.py")]
        assert first.files[0].key == second.files[0].key != second.files[1].key
        assert str(tmp_path) not in repr((first.files, second.files))


async def test_what_a_sealed_turn_writes_is_told_to_nobody_and_what_it_uses_only_as_sealed(tmp_path: Path) -> None:
    told, turn = Told(), SealedTurn(SealedPlace("lab"), True)
    async with reporting(tmp_path, told, turn) as one:
        one.activity(Activity.BUSY)
        one.used(ToolUse("Edit", ("secret.py",), ended=True, written=True))
        await retry_until(lambda: bool(told.works))
        turn.place = None
        one.used(ToolUse("Edit", ("open.py",), ended=True, written=True))
        await retry_until(lambda: [file.name for file in told.files] == ["open.py"])
        await retry_until(lambda: told.places[-1] is None)
        assert told.places[0] == SealedPlace("lab")
