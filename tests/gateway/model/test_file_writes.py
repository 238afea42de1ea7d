"""When two agents collide on a file, and how often they are told."""

from __future__ import annotations

import pytest

from gateway.model.file_writes import (
    MAX_COLLISIONS_OF_A_PAIR,
    MAX_KEPT_FILES,
    MAX_WRITERS_OF_A_FILE,
    EarlierWrite,
    FileWrites,
)

WINDOW = 600.0
Write = tuple[float, str, str]


@pytest.mark.parametrize(
    ("writes", "told"),
    [
        ([(0, "ada", "a"), (1, "ada", "a")], []),
        ([(0, "ada", "a"), (1, "ben", "b")], []),
        ([(0, "ada", "a"), (1, "ben", "a")], [(1, "ben", "ada", 0)]),
        ([(0, "ada", "a"), (600, "ben", "a")], []),
        ([(0, "ada", "a"), (599, "ada", "a"), (700, "ben", "a")], [(700, "ben", "ada", 599)]),
        ([(0, "ada", "a"), (1, "ben", "a"), (2, "ada", "a"), (3, "ben", "a")], [(1, "ben", "ada", 0)]),
        (
            [(0, "ada", "a"), (1, "ben", "a"), (500, "ada", "a"), (700, "ben", "a")],
            [(1, "ben", "ada", 0), (700, "ben", "ada", 500)],
        ),
        (
            [(0, "ada", "a"), (0, "ada", "b"), (1, "ben", "a"), (2, "ben", "b")],
            [(1, "ben", "ada", 0), (2, "ben", "ada", 0)],
        ),
        (
            [(0, "ada", "a"), (1, "ben", "a"), (2, "cleo", "a")],
            [(1, "ben", "ada", 0), (2, "cleo", "ada", 0), (2, "cleo", "ben", 1)],
        ),
    ],
)
def test_once_for_each_pair_and_file_in_a_window(
    writes: list[Write], told: list[tuple[float, str, str, float]]
) -> None:
    files = FileWrites()
    found = [(at, agent, *one) for at, agent, key in writes for one in files.note_write(agent, key, at, WINDOW)]
    assert found == told


def test_a_pair_that_collides_everywhere_is_told_of_some(count: int = 100) -> None:
    files = FileWrites()
    for number in range(count):
        files.note_write("ada", str(number), 0, WINDOW)
    told = [files.note_write("ben", str(number), 1, WINDOW) for number in range(count)]
    assert sum(map(len, told)) == MAX_COLLISIONS_OF_A_PAIR
    files.note_write("ada", "later", 601, WINDOW)
    assert files.note_write("ben", "later", 602, WINDOW) == (EarlierWrite("ada", 601),)


def test_what_is_kept_is_bounded_and_follows_the_clock() -> None:
    files = FileWrites()
    for number in range(MAX_KEPT_FILES + 1):
        files.note_write("ada", str(number), 0, WINDOW)
    assert files.note_write("ben", "0", 1, WINDOW) == ()
    for number in range(50):
        files.note_write(f"a{number}", "crowd", 0, 0)
    assert len(files.note_write("ben", "crowd", 1, WINDOW)) == MAX_WRITERS_OF_A_FILE
    files.shift_times(10_000)
    assert files.note_write("ben", "5", 10_001, WINDOW) == (EarlierWrite("ada", 10_000),)
