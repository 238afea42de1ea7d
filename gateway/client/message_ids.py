"""Message ids: unique, and increasing with time, so that the gateway writes its id index in one place."""

from __future__ import annotations

import os
import time


def new_id() -> str:
    return f"{time.time_ns():016x}{os.urandom(8).hex()}"
