"""The delivery journal survives a crash of any process."""

from pathlib import Path

import pytest

from sidecar.messages.duplicate_guard import ALREADY_READ_TEXT, MessageProgress, refusal_of_repeat
from sidecar.run_files.delivery_journal import MAX_KEPT_NUMBERS, DeliveryJournal


def reopened(path: Path) -> DeliveryJournal:
    return DeliveryJournal(path)


def test_each_number_is_where_it_came_to(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = DeliveryJournal(path)
    journal.mark((1, 2), MessageProgress.TYPING)
    journal.mark((2,), MessageProgress.SUBMITTING)
    again = reopened(path)
    assert [again.record_progress(number) for number in (1, 2, 3)] == [
        MessageProgress.TYPING,
        MessageProgress.SUBMITTING,
        None,
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    journal.close()


def test_a_line_that_was_cut_off_takes_no_other_with_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('[1, 1]\n[2, \nnonsense\n{"a": 1}\n[3, 99]\n[4, 3]\n')
    journal = DeliveryJournal(path)
    assert [journal.record_progress(number) for number in (1, 2, 3, 4)] == [
        MessageProgress.TYPING,
        None,
        None,
        MessageProgress.ACCEPTED,
    ]


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    first = DeliveryJournal(path)
    first.mark(range(MAX_KEPT_NUMBERS + 50), MessageProgress.CONSUMED)
    first.close()
    journal = reopened(path)
    assert journal.record_progress(MAX_KEPT_NUMBERS + 49) is MessageProgress.CONSUMED
    assert len(path.read_text().splitlines()) == MAX_KEPT_NUMBERS


def test_what_could_not_be_written_is_an_error_and_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").mkdir()
    journal = DeliveryJournal(tmp_path / "journal.jsonl")
    with pytest.raises(OSError):
        journal.mark((1,), MessageProgress.TYPING)
    assert journal.record_progress(1) is None


@pytest.mark.parametrize(
    ("numbers", "pressed", "steps", "refused"),
    [
        pytest.param({7}, {7}, [MessageProgress.CONSUMED], True, id="typed by us, and read before"),
        pytest.param(
            {7},
            {7},
            [MessageProgress.CONSUMED, MessageProgress.TYPING, MessageProgress.SUBMITTING],
            True,
            id="and typed a second time",
        ),
        pytest.param({7}, {7}, [MessageProgress.SUBMITTING], False, id="typed by us for the first time"),
        pytest.param(
            {7}, {7}, [MessageProgress.SUBMITTING, MessageProgress.OVER], False, id="it had failed, and was never read"
        ),
        pytest.param({7}, {7}, [MessageProgress.ACCEPTED], False, id="accepted but not consumed: released"),
        pytest.param(
            {7}, {7}, [MessageProgress.CONSUMED, MessageProgress.RELEASED], False, id="a person ordered it again"
        ),
        pytest.param({7}, set(), [MessageProgress.CONSUMED], False, id="recalled by a person"),
        pytest.param({7, 8}, {7}, [MessageProgress.CONSUMED], False, id="a person put more to it"),
        pytest.param(set(), {7}, [MessageProgress.CONSUMED], False, id="no number at all"),
    ],
)
def test_what_the_submit_hook_refuses(
    tmp_path: Path, numbers: set[int], pressed: set[int], steps: list[MessageProgress], refused: bool
) -> None:
    journal = DeliveryJournal(tmp_path / "journal.jsonl")
    for done in steps:
        journal.mark((7,), done)
    journal.close()
    again = DeliveryJournal(tmp_path / "journal.jsonl")
    for one in (journal, again):
        assert refusal_of_repeat(frozenset(numbers), frozenset(pressed), one.was_consumed) == (
            ALREADY_READ_TEXT if refused else ""
        )


def test_the_journal_of_another_store_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text("[7, 5]\n")
    adopting = DeliveryJournal(path, "first")
    assert (adopting.record_progress(7), adopting.moved) == (MessageProgress.OVER, False), (
        "written before houses had names"
    )
    again = DeliveryJournal(path, "first")
    assert (again.record_progress(7), again.moved) == (MessageProgress.OVER, False)
    other = DeliveryJournal(path, "second")
    assert (other.record_progress(7), other.moved, other.unfinished()) == (None, True, [])
    assert (tmp_path / "journal.jsonl.old").read_text() == "[7, 5]\n"
    assert not DeliveryJournal(path, "second").moved
    assert not DeliveryJournal(path, "").moved, "a gateway that does not tell"


def test_the_store_changes_while_the_journal_is_open(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = DeliveryJournal(path, "first")
    journal.mark((7,), MessageProgress.OVER)
    assert [journal.adopt_store(house) for house in ("first", "", "second", "second")] == [False, False, True, False]
    assert journal.record_progress(7) is None
    journal.mark((7,), MessageProgress.TYPING)
    journal.close()
    assert DeliveryJournal(path, "second").record_progress(7) is MessageProgress.TYPING
