"""A point of time as a person writes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from controller.requests.since_time import parse_since
from gateway.protocol.errors import BadRequest

NOW = datetime(2027, 1, 15, 9, 30, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("30m", NOW - timedelta(minutes=30)),
        (" 2H ", NOW - timedelta(hours=2)),
        ("3d", NOW - timedelta(days=3)),
        ("1w", NOW - timedelta(days=7)),
        ("today", datetime(2027, 1, 15, tzinfo=NOW.tzinfo)),
        ("2027-01-14", datetime(2027, 1, 14, tzinfo=NOW.tzinfo)),
        ("2027-01-14T08:00", datetime(2027, 1, 14, 8, tzinfo=NOW.tzinfo)),
        ("2027-01-14T08:00:00Z", datetime(2027, 1, 14, 8, tzinfo=UTC)),
    ],
)
def test_times(text: str, found: datetime) -> None:
    assert parse_since(text, NOW) == found


@pytest.mark.parametrize("text", ["", "yesterday", "2 h", "-2h", "2y", "2027-13-01", "999999w", "٣h"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(BadRequest, match="is no time"):
        parse_since(text, NOW)
