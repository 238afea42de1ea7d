"""When a limit ends, in the words that vendors print."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from sidecar.conditions.reset_times import find_reset_time

NOW = datetime(2026, 11, 30, 14, 5, 30, tzinfo=timezone(timedelta(hours=1)))  # a Monday; 13:05:30 in UTC

TIMES = (
    # as claude prints it
    ("You've hit your 5-hour limit · resets 5:42pm (UTC)", "2026-11-30T17:42:00Z"),
    ("You've hit your 5-hour limit · resets 11:09am (UTC)", "2026-12-01T11:09:00Z"),
    ("You've hit your weekly limit · resets Dec 4, 11:10am (UTC)", "2026-12-04T11:10:00Z"),
    ("You've hit your session limit · resets 5pm (Europe/Berlin)", "2026-11-30T16:00:00Z"),
    ("You've hit your session limit · resets 12am (America/New_York)", "2026-12-01T05:00:00Z"),
    ("Request rejected (429) · spend limit reached · resets Dec 8, 11:11am (UTC)", "2026-12-08T11:11:00Z"),
    ("spend limit reached · resets Dec 8", "2026-12-07T23:00:00Z"),
    ("Usage limit reached · limit resets 5:42pm", "2026-11-30T16:42:00Z"),
    ("Usage limit reached · continuing automatically at 11:09am · esc to cancel", "2026-12-01T10:09:00Z"),
    ("Claude usage limit reached. Your limit will reset at 3pm (America/Los_Angeles).", "2026-11-30T23:00:00Z"),
    ("limit reached ∙ resets 12pm", "2026-12-01T11:00:00Z"),
    # as codex prints it
    ("purchase more credits or try again at 11:11 PM.", "2026-11-30T22:11:00Z"),
    ("or try again at Dec 4th, 2026 11:11 AM.", "2026-12-04T10:11:00Z"),
    ("wait for your limit to reset on December 20, 2026 at 2:00 AM or switch to auto", "2026-12-20T01:00:00Z"),
    ("Your limit resets at 5:42pm or when you upgrade.", "2026-11-30T16:42:00Z"),
    ("Try again in 3 hours 12 minutes.", "2026-11-30T16:17:30Z"),
    ("try again in 2 days 3 hours 5 minutes.", "2026-12-02T16:10:30Z"),
    ("try again in less than a minute", None),
    ("try again later.", None),
    ("Please try again in 11.054s. Visit", "2026-11-30T13:05:41Z"),
    # as gemini prints it
    ("Your quota will reset after 9h27m54s.", "2026-11-30T22:33:24Z"),
    ("Access resets at 5:00 PM PST.", "2026-12-01T01:00:00Z"),
    ("Please retry in 34.5s.", "2026-11-30T13:06:04Z"),
    # others
    ("resets 2026-11-30T17:42:00Z", "2026-11-30T17:42:00Z"),
    ("resets at 2026-11-30T17:42:00+02:00", "2026-11-30T15:42:00Z"),
    ("until 2026-12-01 08:00 UTC", "2026-12-01T08:00:00Z"),
    ("until 2026-12-01 08:00", "2026-12-01T07:00:00Z"),
    ("resets at 17:42", "2026-11-30T16:42:00Z"),
    ("resets Thu 9am", "2026-12-03T08:00:00Z"),
    ("resets Monday at 1pm (UTC)", "2026-11-30T13:00:00Z"),
    ("resets Monday at 9am (UTC)", "2026-12-07T09:00:00Z"),
    ("resets Jan 2, 8am (UTC)", "2027-01-02T08:00:00Z"),
    ("resets 2:03pm", "2026-11-30T13:03:00Z"),  # a moment ago
    # nothing that may be believed
    ("", None),
    ("resets", None),
    ("resets 5", None),
    ("resets 25:99", None),
    ("resets 13pm", None),
    ("resets Feb 30, 5pm", None),
    ("resets 5pm (Mars/Olympus)", None),
    ("resets 5pm (../../etc/passwd)", "2026-11-30T16:00:00Z"),
    ("resets 2031-01-01T00:00:00Z", None),
    ("try again in 99999999999999999999 hours", None),
    ("You have used 5 hours of 8", None),
    ("the file was changed at 17:42", None),
)


@pytest.mark.parametrize(("text", "end"), TIMES)
def test_when_a_limit_ends(text: str, end: str | None) -> None:
    found = find_reset_time(text, NOW)
    assert (found and found.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")) == end


def test_a_text_made_to_take_long_does_not() -> None:
    hostile = ("try again in " + "1 h " * 600, "resets " * 4000, "in " + "9" * 5000, "resets Dec " + " " * 5000)
    began = time.process_time()
    for text in hostile:
        find_reset_time(text, NOW)
    assert time.process_time() - began < 60
