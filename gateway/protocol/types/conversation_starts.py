"""How an agent began its present run: in its earlier conversation with its model, or in a new one."""

from __future__ import annotations

from enum import StrEnum


class ConversationStart(StrEnum):
    """NEW: in a new conversation. RESUMED: in its earlier one. LOST: in a new one, because it could not resume the
    earlier one."""

    NEW = "new"
    RESUMED = "resumed"
    LOST = "lost"
