"""Ids for messages: unique, and growing with time, so that the gateway writes its index of ids in one place."""

from __future__ import annotations

import os
import time


def new_id() -> str:
    return f"{time.time_ns():016x}{os.urandom(8).hex()}"
