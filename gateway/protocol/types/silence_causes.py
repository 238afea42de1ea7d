"""Why an agent says nothing now."""

from __future__ import annotations

from enum import StrEnum


class SilenceCause(StrEnum):
    """Why nothing comes from an agent now."""

    LEFT = "left"
    AWAY = "away"
    ASKS = "asks"
    DIALOG = "dialog"
    LIMITED = "limited"
    LOGIN = "login"
    PAUSED = "paused"
    STARTS = "starts"
    DRAFT = "draft"
    WORKS = "works"
    ERROR = "error"
    UNKNOWN_SCREEN = "unknown screen"
    SHELL = "shell"
    STALLED = "stalled"
    NOT_TYPED = "not typed"
    LOOP_GUARD = "loop guard"
    SOON = "soon"
    THINKS = "thinks"
    FAILED = "failed"
    IDLE = "idle"
