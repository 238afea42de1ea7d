"""What survives a crash of any process."""

from pathlib import Path

import pytest

from sidecar.messages.duplicate_guard import TWICE, Done, refusal
from sidecar.process.delivery_journal import KEPT, Journal


def reopened(path: Path) -> Journal:
    return Journal(path)


def test_each_number_is_where_it_came_to(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.mark((1, 2), Done.TYPING)
    journal.mark((2,), Done.SUBMITTING)
    again = reopened(path)
    assert [again.reached(number) for number in (1, 2, 3)] == [Done.TYPING, Done.SUBMITTING, None]
    assert path.stat().st_mode & 0o777 == 0o600
    journal.close()


def test_a_line_that_was_cut_off_takes_no_other_with_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('[1, 1]\n[2, \nnonsense\n{"a": 1}\n[3, 99]\n[4, 3]\n')
    journal = Journal(path)
    assert [journal.reached(number) for number in (1, 2, 3, 4)] == [Done.TYPING, None, None, Done.ACCEPTED]


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    first = Journal(path)
    first.mark(range(KEPT + 50), Done.CONSUMED)
    first.close()
    journal = reopened(path)
    assert journal.reached(KEPT + 49) is Done.CONSUMED
    assert len(path.read_text().splitlines()) == KEPT


def test_what_could_not_be_written_is_an_error_and_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").mkdir()
    journal = Journal(tmp_path / "journal.jsonl")
    with pytest.raises(OSError):
        journal.mark((1,), Done.TYPING)
    assert journal.reached(1) is None


@pytest.mark.parametrize(
    ("numbers", "pressed", "steps", "refused"),
    [
        pytest.param({7}, {7}, [Done.CONSUMED], True, id="typed by us, and read before"),
        pytest.param({7}, {7}, [Done.CONSUMED, Done.TYPING, Done.SUBMITTING], True, id="and typed a second time"),
        pytest.param({7}, {7}, [Done.SUBMITTING], False, id="typed by us for the first time"),
        pytest.param({7}, {7}, [Done.SUBMITTING, Done.OVER], False, id="it had failed, and was never read"),
        pytest.param({7}, {7}, [Done.ACCEPTED], False, id="accepted but not consumed: released"),
        pytest.param({7}, {7}, [Done.CONSUMED, Done.RELEASED], False, id="a person ordered it again"),
        pytest.param({7}, set(), [Done.CONSUMED], False, id="recalled by a person"),
        pytest.param({7, 8}, {7}, [Done.CONSUMED], False, id="a person put more to it"),
        pytest.param(set(), {7}, [Done.CONSUMED], False, id="no number at all"),
    ],
)
def test_what_the_submit_hook_refuses(
    tmp_path: Path, numbers: set[int], pressed: set[int], steps: list[Done], refused: bool
) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    for done in steps:
        journal.mark((7,), done)
    journal.close()
    again = Journal(tmp_path / "journal.jsonl")
    for one in (journal, again):
        assert refusal(frozenset(numbers), frozenset(pressed), one.was_consumed) == (TWICE if refused else "")


def test_what_is_known_of_another_house_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text("[7, 5]\n")
    adopting = Journal(path, "first")
    assert (adopting.reached(7), adopting.moved) == (Done.OVER, False), "written before houses had names"
    again = Journal(path, "first")
    assert (again.reached(7), again.moved) == (Done.OVER, False)
    other = Journal(path, "second")
    assert (other.reached(7), other.moved, other.unfinished()) == (None, True, [])
    assert (tmp_path / "journal.jsonl.old").read_text() == "[7, 5]\n"
    assert not Journal(path, "second").moved
    assert not Journal(path, "").moved, "a gateway that does not tell"


def test_another_house_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, "first")
    journal.mark((7,), Done.OVER)
    assert [journal.move(house) for house in ("first", "", "second", "second")] == [False, False, True, False]
    assert journal.reached(7) is None
    journal.mark((7,), Done.TYPING)
    journal.close()
    assert Journal(path, "second").reached(7) is Done.TYPING
