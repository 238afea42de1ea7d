"""Signs that stand for a word on the screen."""

from __future__ import annotations

LOCK = "🔒"  # a direct message
UNREAD = "•"  # before the number of unread messages
