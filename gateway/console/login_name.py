"""The name under which the person at this terminal has logged in."""

from __future__ import annotations

import getpass


def login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "operator"
