"""A flood of notices about keys is told as one, and ends when it ends."""

from __future__ import annotations

from gateway.encryption.member_client.checked_messages import (
    FLOOD,
    MAX_NOTICES_PER_MINUTE,
    MINUTE_S,
    NoticeLimit,
    SealingNotice,
)


def test_too_many_notices_are_told_as_one() -> None:
    limit = NoticeLimit()
    notices = [SealingNotice(str(number)) for number in range(MAX_NOTICES_PER_MINUTE + 5)]
    shown = [limit.shown(one, 10.0) for one in notices]
    assert shown[:MAX_NOTICES_PER_MINUTE] == notices[:MAX_NOTICES_PER_MINUTE]
    assert shown[MAX_NOTICES_PER_MINUTE:] == [FLOOD, None, None, None, None]
    assert limit.shown(notices[0], 10.0 + MINUTE_S) == notices[0]
