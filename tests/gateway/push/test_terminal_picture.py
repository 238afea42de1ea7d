"""What a watcher is still to be sent, and when."""

from __future__ import annotations

import pytest

from gateway.protocol.requests.agent_requests import ShowTerminal
from gateway.protocol.types.terminal_types import Cursor, Run, ScreenRow
from gateway.push.terminal_picture import (
    CONFIRM_TIMEOUT_S,
    FRAME_INTERVAL_S,
    PictureChange,
    ScreenPicture,
    WatcherDebt,
    WatcherPace,
)


def row(y: int, text: str) -> ScreenRow:
    return ScreenRow(y, (Run(text),))


def whole(*rows: ScreenRow, size: tuple[int, int] = (80, 4)) -> ShowTerminal:
    return ShowTerminal(columns=size[0], rows=size[1], changed=rows, cursor=Cursor(1, 0), whole=True)


def changed(*rows: ScreenRow, size: tuple[int, int] = (80, 4), cursor: Cursor | None = None) -> ShowTerminal:
    return ShowTerminal(columns=size[0], rows=size[1], changed=rows, cursor=cursor)


@pytest.mark.parametrize(
    ("shown", "change"),
    [
        pytest.param([whole(row(0, "a"))], PictureChange(True, frozenset({0})), id="a whole picture"),
        pytest.param([changed(row(0, "a"))], None, id="changes of nothing"),
        pytest.param([whole(), changed(row(1, "b"))], PictureChange(False, frozenset({1})), id="a changed row"),
        pytest.param([whole(), changed(cursor=Cursor(2, 2))], PictureChange(False), id="the cursor alone"),
        pytest.param([whole(), changed(row(1, "b"), size=(81, 4))], None, id="changes of another size"),
        pytest.param([whole(), changed(row(4, "b"))], PictureChange(False), id="a row below the last one"),
    ],
)
def test_what_a_sidecar_shows(shown: list[ShowTerminal], change: PictureChange | None) -> None:
    picture = ScreenPicture()
    assert [picture.apply(one) for one in shown][-1] == change


def test_a_whole_picture_leaves_nothing_of_the_one_before() -> None:
    picture = ScreenPicture()
    picture.apply(whole(row(0, "a"), row(3, "d")))
    picture.apply(whole(row(1, "b"), size=(40, 2)))
    event = picture.event("claude", None)
    assert (event.columns, event.rows, event.whole) == (40, 2, True)
    assert event.changed == (row(1, "b"),)


def test_a_part_of_the_picture_holds_the_rows_as_they_are_now() -> None:
    picture = ScreenPicture()
    picture.apply(whole(row(0, "a"), row(1, "b")))
    picture.apply(changed(row(1, "c"), cursor=Cursor(5, 1)))
    event = picture.event("claude", frozenset({1}))
    assert (event.changed, event.cursor, event.whole) == ((row(1, "c"),), Cursor(5, 1), False)


ONE, TWO, ALL = PictureChange(False, frozenset({1})), PictureChange(False, frozenset({2})), PictureChange(True)


@pytest.mark.parametrize(
    ("told", "rows"),
    [
        pytest.param([ONE], None, id="a new watcher gets all"),
        pytest.param(["paid", ONE], {1}, id="then what has changed"),
        pytest.param(["paid", ONE, TWO, ONE], {1, 2}, id="changes that have met are sent once"),
        pytest.param(["paid", ONE, ALL, TWO], None, id="a new size, and then more"),
        pytest.param(["paid", ONE, "paid", TWO], {2}, id="what was sent is owed no more"),
        pytest.param(["paid", PictureChange(False)], set(), id="the cursor alone"),
    ],
)
def test_what_a_watcher_is_owed(told: list[PictureChange | str], rows: set[int] | None) -> None:
    debt = WatcherDebt()
    for one in told:
        if isinstance(one, str):
            debt.pay()
        else:
            debt.add(one)
    assert debt.due
    assert debt.pay() == rows
    assert not debt.due


def test_the_pace_of_a_watcher() -> None:
    pace = WatcherPace()
    assert pace.next_at() < 0
    pace.sent(100.0, b"t1")
    assert pace.next_at() == 100.0 + CONFIRM_TIMEOUT_S
    assert not pace.confirm(b"t2")
    assert not pace.confirm(b"")
    assert pace.confirm(b"t1")
    assert pace.next_at() == 100.0 + FRAME_INTERVAL_S
    assert not pace.confirm(b"t1")
