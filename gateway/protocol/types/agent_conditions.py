"""What keeps an agent from working beside what it is doing, as its vendor shows it: a usage limit, a missing login."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

MAX_CONDITION_CHARS = 300


class ConditionKind(StrEnum):
    """LIMITED: the vendor answers nothing until a usage or rate limit is over. LOGIN: it wants a login. COMPACTING: it
    shortens its conversation. UPDATE: it offers a newer version of itself. CONTEXT: its conversation is nearly full.
    The strongest is the first."""

    LIMITED = "limited"
    LOGIN = "login"
    COMPACTING = "compacting"
    UPDATE = "update"
    CONTEXT = "context"


class Condition(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`text` is what the vendor says. `until` is when it ends (ISO 8601 in UTC), if the vendor says so."""

    kind: ConditionKind
    text: Annotated[str, Meta(max_length=MAX_CONDITION_CHARS)] = ""
    until: Annotated[str, Meta(max_length=40)] = ""


# With these the vendor gives no answers, so messages wait.
HOLDING_KINDS = (ConditionKind.LIMITED, ConditionKind.LOGIN)
_WORDS = {
    ConditionKind.LIMITED: "limited",
    ConditionKind.LOGIN: "login needed",
    ConditionKind.COMPACTING: "compacting",
    ConditionKind.UPDATE: "update offered",
    ConditionKind.CONTEXT: "context nearly full",
}


def condition_text(condition: Condition, today: datetime | None = None) -> str:
    """The condition in few words: `limited until 17:42`, in the time zone of `today` (default: now, here). A time that
    has passed is left out."""
    today = today or datetime.now(UTC).astimezone()
    words, until = _WORDS[condition.kind], _time_of(condition.until)
    if until is None or until <= today:
        return words
    return f"{words} until {end_text(until.astimezone(today.tzinfo), today)}"


def end_text(moment: datetime, today: datetime) -> str:
    """`17:42`, or `Dec 4 17:42` on another day."""
    clock = f"{moment:%H:%M}"
    return clock if moment.date() == today.date() else f"{moment:%b} {moment.day} {clock}"


def _time_of(stamp: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
