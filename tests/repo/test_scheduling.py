"""Which worker of a run gets which tests next."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]

from tests.support.ordering import TESTS, longest_first
from tests.support.scheduling import FromBothEnds, unit_of

STOP = "tests/real_clis/test_stop.py"


@pytest.mark.parametrize(
    ("nodeid", "unit"),
    [
        (f"{STOP}::test_one[claude]", f"{STOP} claude"),
        (f"{STOP}::test_two[claude-True]", f"{STOP} claude"),
        (f"{STOP}::test_two[claude-197-False]", f"{STOP} claude-197"),
        (f"{STOP}::test_one[codex]", f"{STOP} codex"),
        ("tests/real_clis/test_three.py::test_all", "tests/real_clis/test_three.py"),
        ("tests/end_to_end/test_cli.py::test_tokens", "tests/end_to_end/test_cli.py::test_tokens"),
        ("tests/gateway/test_text.py::test_to[@all]", "tests/gateway/test_text.py"),
        ("tests/gateway/test_text.py::test_from", "tests/gateway/test_text.py"),
    ],
)
def test_what_goes_to_one_worker_as_a_whole(nodeid: str, unit: str) -> None:
    assert unit_of(nodeid) == unit


class FakeTest:
    """A test of a file with one mark, or with none."""

    def __init__(self, file: str, mark: str = "") -> None:
        self.path, self.mark = TESTS / file, mark

    def get_closest_marker(self, name: str) -> str | None:
        return name if name == self.mark else None


def test_what_takes_longest_goes_out_first() -> None:
    pure, process, slow = FakeTest("a/test_pure.py"), FakeTest("b/test_it.py", "processes"), FakeTest("c.py", "slow")
    product, cli = FakeTest("end_to_end/test_it.py", "processes"), FakeTest("real_clis/test_it.py")
    items: list[Any] = [pure, process, slow, product, cli]
    longest_first(items)
    assert items == [cli, product, slow, process, pure]


class FakeWorker:
    """Remembers the tests that it was sent, as their numbers in the collection."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.sent: list[int] = []
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        self.sent += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def test_one_worker_begins_at_the_end_and_the_others_at_the_beginning_until_all_is_done() -> None:
    config: Any = SimpleNamespace(
        getvalue=lambda name: ["2*popen"], option=SimpleNamespace(loadscopereorder=False), rootpath="/"
    )
    groups = [f"tests/real_clis/test_stop.py::test_{test}[{cli}]" for cli in "ab" for test in range(3)]
    collection = [*groups, *(f"tests/gateway/test_{file}.py::test_{test}" for file in "xyz" for test in range(3))]
    scheduler = FromBothEnds(config, Producer("test", enabled=False))
    workers: list[Any] = [FakeWorker("gw0"), FakeWorker("gw1")]
    for worker in workers:
        scheduler.add_node(worker)
        scheduler.add_node_collection(worker, collection)
    scheduler.schedule()
    assert [worker.sent for worker in workers] == [[12, 13, 14], [0, 1, 2]]
    done = [0, 0]
    while not scheduler.tests_finished:
        for number, worker in enumerate(workers):
            if done[number] < len(worker.sent):
                scheduler.mark_test_complete(worker, worker.sent[done[number]])
                done[number] += 1
    assert [worker.sent for worker in workers] == [[12, 13, 14, 9, 10, 11, 6, 7, 8], [0, 1, 2, 3, 4, 5]]
    assert [worker.shutting_down for worker in workers] == [True, True]
