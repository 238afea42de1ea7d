"""All processes that a crashed run left are ended, and no others, whatever their numbers."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sidecar.run_files.agent_folder import hold_name
from sidecar.run_files.run_record_writer import RunJournal
from sidecar.supervision.orphan_reaping import left_over_processes, reap_if_name_is_free, reap_orphans
from sidecar.supervision.process_table import ProcessInfo, boot_id, find_process
from sidecar.supervision.run_record import MARK_VARIABLE, RUN_FILE, RunRecord, read_run
from tests.fakes.retry import retry_until

RUN = RunRecord("m", "b", 100, "t", ())
LEADER = ProcessInfo(100, 1, 100, 100, "t")
IN_GROUP = ProcessInfo(101, 100, 100, 100, "t1")
OTHER_GROUP = ProcessInfo(102, 100, 102, 100, "t2")
ESCAPED = ProcessInfo(103, 1, 103, 103, "t3", marked=True)
CHILD_OF_ESCAPED = ProcessInfo(104, 103, 104, 104, "t4")
STRANGER = ProcessInfo(7, 1, 7, 7, "t")


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ([LEADER, IN_GROUP, OTHER_GROUP, STRANGER], {100, 101, 102}),
        ([ESCAPED, CHILD_OF_ESCAPED, STRANGER], {103, 104}),
        ([LEADER._replace(started="later"), IN_GROUP, OTHER_GROUP], set()),
        ([IN_GROUP, OTHER_GROUP], set()),
        ([IN_GROUP._replace(marked=True), OTHER_GROUP, STRANGER], {101, 102}),
        ([LEADER._replace(pid=8, parent=1, group=8, session=8), STRANGER], set()),
        ([], set()),
    ],
)
def test_what_belongs_to_a_run(there: list[ProcessInfo], found: set[int]) -> None:
    assert {one.pid for one in left_over_processes(RUN, frozenset(), there, ())} == found


def test_the_group_of_a_leader_that_has_gone_is_known_by_a_member_seen_before() -> None:
    seen = frozenset({(101, "t1")})
    assert {one.pid for one in left_over_processes(RUN, seen, [IN_GROUP, OTHER_GROUP], ())} == {101, 102}
    assert not left_over_processes(RUN, frozenset({(101, "t0")}), [IN_GROUP, OTHER_GROUP], ())


def test_we_ourselves_are_spared() -> None:
    assert {one.pid for one in left_over_processes(RUN, frozenset(), [LEADER, IN_GROUP], {101})} == {100}


STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
    elif len(sys.argv) > 2:
        os._exit(0)
with open(sys.argv[1], 'a') as file: file.write(f'{os.getpid()}\\n')
time.sleep(600)
"""


def is_alive(pid: int) -> bool:
    return find_process(pid) is not None


@contextlib.contextmanager
def running(*command: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """In a session of its own, as an agent is; it never outlives the test."""
    with subprocess.Popen(command, env={**os.environ, **(env or {})}, start_new_session=True) as one:
        try:
            yield one
        finally:
            one.kill()


@contextlib.contextmanager
def all_dead(numbers: Callable[[], list[int]]) -> Iterator[None]:
    try:
        yield
    finally:
        for pid in numbers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


async def test_a_stubborn_tree_is_ended_with_all_that_left_it(tmp_path: Path) -> None:
    run_journal = RunJournal(tmp_path)
    env = dict(run_journal.environment_mark(("agent",)))
    names = tmp_path / "pids"

    def pids() -> list[int]:
        return [int(line) for line in names.read_text().split()] if names.exists() else []

    with all_dead(pids), running(sys.executable, "-c", STUBBORN, str(names), "leave", env=env) as agent:
        run_journal.record_start(agent.pid)
        await retry_until(lambda: len(pids()) == 2)
        assert reap_orphans(tmp_path) >= 2
        assert agent.wait(5) == -signal.SIGKILL
        assert not any(map(is_alive, pids()))
    assert read_run(tmp_path) is None


async def test_who_forgot_the_mark_is_found_by_its_parents(tmp_path: Path) -> None:
    run_journal = RunJournal(tmp_path)
    run_journal.environment_mark(("agent",))
    names = tmp_path / "pids"

    def pids() -> list[int]:
        return [int(line) for line in names.read_text().split()] if names.exists() else []

    with all_dead(pids), running(sys.executable, "-c", STUBBORN, str(names)) as agent:
        run_journal.record_start(agent.pid)
        await retry_until(lambda: len(pids()) == 3)
        reap_orphans(tmp_path)
        assert agent.wait(5) == -signal.SIGKILL
        assert not any(map(is_alive, pids()))


@pytest.mark.parametrize("lie", [{"started": "1"}, {"boot": "another"}])
def test_a_process_that_reuses_the_number_is_never_signalled(tmp_path: Path, lie: dict[str, str]) -> None:
    with running("sleep", "600") as innocent:
        found = find_process(innocent.pid)
        assert found is not None
        record = RunRecord(str(uuid.uuid4()), boot_id(), innocent.pid, found.started, ())._asdict() | lie
        (tmp_path / RUN_FILE).write_text(json.dumps(record))
        assert reap_orphans(tmp_path) == 0
        assert innocent.poll() is None
    assert not (tmp_path / RUN_FILE).exists()


def test_the_mark_of_another_run_does_not_count(tmp_path: Path) -> None:
    with running("sleep", "600", env={MARK_VARIABLE: str(uuid.uuid4())}) as innocent:
        (tmp_path / RUN_FILE).write_text(RunRecord(str(uuid.uuid4()), boot_id(), 0, "", ()).as_text())
        assert reap_orphans(tmp_path) == 0
        assert innocent.poll() is None


async def test_whose_name_is_held_lives_by_right(tmp_path: Path) -> None:
    run_journal = RunJournal(tmp_path)
    with running("sleep", "600", env=dict(run_journal.environment_mark(("sleep",)))) as agent:
        run_journal.record_start(agent.pid)
        async with hold_name(tmp_path, "demo"):
            assert reap_if_name_is_free(tmp_path) == 0
            assert agent.poll() is None
        assert reap_if_name_is_free(tmp_path) == 1
        assert agent.wait(5) == -signal.SIGHUP


@pytest.mark.parametrize("text", ["", "{", "[]", '{"mark": 1}', '{"mark": "m", "boot": "b", "pid": "x"}'])
def test_an_unreadable_record_belongs_to_no_run(tmp_path: Path, text: str) -> None:
    (tmp_path / RUN_FILE).write_text(text)
    assert read_run(tmp_path) is None
    assert reap_orphans(tmp_path) == 0


def test_a_run_that_ended_leaves_no_record_and_its_files_are_private(tmp_path: Path) -> None:
    run_journal = RunJournal(tmp_path)
    run_journal.environment_mark(("agent",))
    run_journal.record_start(os.getpid())
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "run.json": 0o600,
    }
    run_journal.record_end()
    assert not list(tmp_path.iterdir())


def test_a_successors_record_is_not_removed(tmp_path: Path) -> None:
    earlier, later = RunJournal(tmp_path), RunJournal(tmp_path)
    earlier.environment_mark(("agent",))
    later.environment_mark(("agent",))
    earlier.record_end()
    assert read_run(tmp_path) is not None
