"""Answers that wait for a key outlive the sidecar, in a file of the agent's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.messages.replies import Reply
from sidecar.run_files.kept_answers_file import KEPT_ANSWERS_FILE, MAX_KEPT_ANSWERS, open_kept_answers


def answer(number: int, content: str = "forty-two") -> Reply:
    return Reply(content, ("@alice",), "lab", number, f"reply-{number}", (number,), 5, is_answer=True, sealed=True)


def test_they_are_read_again_as_they_were(tmp_path: Path) -> None:
    kept = open_kept_answers(tmp_path, moved=False)
    assert (kept.keep(answer(1)), kept.keep(answer(2)), kept.keep(answer(1))) == (True, True, False)
    assert (tmp_path / KEPT_ANSWERS_FILE).stat().st_mode & 0o777 == 0o600
    again = open_kept_answers(tmp_path, moved=False)
    assert again.answers == (answer(1), answer(2))
    again.remove(answer(1))
    assert open_kept_answers(tmp_path, moved=False).answers == (answer(2),)
    again.remove(answer(2))
    assert not (tmp_path / KEPT_ANSWERS_FILE).exists()


def test_another_answer_to_the_same_message_takes_its_place(tmp_path: Path) -> None:
    kept = open_kept_answers(tmp_path, moved=False)
    kept.keep(answer(1))
    assert not kept.keep(answer(1, "better"))
    assert open_kept_answers(tmp_path, moved=False).answers == (answer(1, "better"),)


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    kept = open_kept_answers(tmp_path, moved=False)
    for number in range(MAX_KEPT_ANSWERS + 2):
        kept.keep(answer(number))
    again = open_kept_answers(tmp_path, moved=False).answers
    assert (len(again), again[0]) == (MAX_KEPT_ANSWERS, answer(2))


def test_in_another_store_nobody_waits_for_them(tmp_path: Path) -> None:
    open_kept_answers(tmp_path, moved=False).keep(answer(1))
    assert open_kept_answers(tmp_path, moved=True).answers == ()
    assert not (tmp_path / KEPT_ANSWERS_FILE).exists()


@pytest.mark.parametrize("text", ["", "{", "[3]", '[{"content": "x"}]', "\x00"])
def test_a_damaged_file_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / KEPT_ANSWERS_FILE).write_text(text)
    assert open_kept_answers(tmp_path, moved=False).answers == ()


def test_a_disk_that_takes_nothing_keeps_them_for_this_run(tmp_path: Path) -> None:
    (tmp_path / KEPT_ANSWERS_FILE).mkdir()
    kept = open_kept_answers(tmp_path, moved=False)
    kept.keep(answer(1))
    assert kept.answers == (answer(1),)
