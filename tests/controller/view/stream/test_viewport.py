"""Which rows are seen, and how one moves among them."""

from __future__ import annotations

from controller.view.stream.viewport import Viewport

Key = tuple[int, int]


class Stream:
    """Entry n has n % 3 + 1 rows; counts how often rows are asked for."""

    def __init__(self, count: int) -> None:
        self.keys = [(number, 0) for number in range(1, count + 1)]
        self.port: Viewport[Key, str] = Viewport()
        self.asked = 0

    def rows_of(self, place: int) -> list[str]:
        self.asked += 1
        number = self.keys[place][0]
        return [f"{number}.{row}" for row in range(number % 3 + 1)]

    def rows(self, height: int = 5) -> list[str]:
        return self.port.visible_rows(self.keys, self.rows_of, height).rows

    def scroll(self, by: int, height: int = 5) -> list[str]:
        self.port.scroll(by, self.keys, self.rows_of, height)
        return self.rows(height)

    @property
    def all(self) -> list[str]:
        return [row for place in range(len(self.keys)) for row in self.rows_of(place)]


def test_it_follows_the_newest() -> None:
    stream = Stream(20)
    assert stream.rows() == stream.all[-5:]
    stream.keys.append((21, 0))
    assert stream.rows() == stream.all[-5:]


def test_every_row_can_be_reached_and_only_those() -> None:
    stream = Stream(20)
    rows = stream.all
    for up in range(1, len(rows) + 5):
        found = stream.scroll(1)
        top = max(0, len(rows) - 5 - up)
        assert found == rows[top : top + 5]
    for down in range(1, len(rows) + 5):
        top = min(down, len(rows) - 5)
        assert stream.scroll(-1) == rows[top : top + 5]
    assert stream.port.is_following


def test_pages_up_and_down_meet() -> None:
    stream = Stream(30)
    rows = stream.all
    assert stream.scroll(7) == rows[-12:-7]
    assert stream.scroll(-7) == rows[-5:]
    assert stream.scroll(10_000) == rows[:5]
    assert stream.scroll(-10_000) == rows[-5:]


def test_what_arrives_does_not_move_what_is_read() -> None:
    stream = Stream(20)
    before = stream.scroll(6)
    stream.keys += [(number, 0) for number in range(21, 40)]
    assert stream.rows() == before
    stream.port.follow()
    assert stream.rows() == stream.all[-5:]


def test_older_pages_do_not_move_what_is_read() -> None:
    stream = Stream(20)
    before = stream.scroll(10_000)
    stream.keys[:0] = [(number, -1) for number in (0,)]
    assert stream.rows() == before


def test_the_top_is_told() -> None:
    stream = Stream(3)
    assert stream.port.visible_rows(stream.keys, stream.rows_of, 50).at_top
    assert not stream.port.visible_rows(stream.keys, stream.rows_of, 2).at_top


def test_a_jump_shows_the_entry_with_what_follows() -> None:
    stream = Stream(40)
    stream.port.jump((10, 0), stream.keys, stream.rows_of, 9)
    rows = stream.rows(9)
    assert "10.0" in rows
    assert rows.index("10.0") <= 6
    stream.port.jump((40, 0), stream.keys, stream.rows_of, 9)
    assert stream.port.is_following


def test_each_row_knows_its_entry() -> None:
    stream = Stream(9)
    seen = stream.port.visible_rows(stream.keys, stream.rows_of, 6)
    assert [f"{key[0]}." == row[: row.index(".") + 1] for key, row in zip(seen.owners, seen.rows, strict=True)]
    assert all(row.startswith(f"{key[0]}.") for key, row in zip(seen.owners, seen.rows, strict=True))


def test_a_million_entries_cost_what_is_seen() -> None:
    stream = Stream(1_000_000)
    stream.rows(40)
    stream.scroll(40, 40)
    assert stream.asked < 300


def test_nothing_is_there() -> None:
    stream = Stream(0)
    assert stream.rows() == []
    assert stream.scroll(3) == []
