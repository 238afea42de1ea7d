"""Prints when something happened: the time, and the date if it was not today."""

from __future__ import annotations

from datetime import datetime

from gateway.protocol.text.printable_text import local_moment_text


def moment_text(stamp: str) -> str:
    return local_moment_text(stamp, datetime.now().date())
