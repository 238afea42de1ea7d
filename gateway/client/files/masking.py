"""Hides tokens in texts that are shown or logged. Pure."""

from __future__ import annotations

import re

MAX_TEXT_CHARS = 8000
HIDDEN_MARK = "(hidden)"
_SECRETS = re.compile(
    r"\bgc_[0-9a-f]{8,64}_[\w-]{1,128}"
    r"|(?<=/t/)[^/\s?#\"']+"
    r"|(?<=[?&]token=)[^&\s\"'#]+"
    r"|(?<=bearer )[^\s\"',]+"
    r"|(?i:(?<=x-auth-token: )|(?<=x-auth-token', ')|(?<=x-auth-token': '))[^\s\"',]+",
    re.IGNORECASE,
)


def mask_tokens(text: str) -> str:
    """Without tokens, by what they look like and by where they stand: in paths, queries and headers."""
    return shorten_middle(_SECRETS.sub(HIDDEN_MARK, text))


def shorten_middle(text: str) -> str:
    """Its beginning and its end: of a traceback the end says what it is."""
    if len(text) <= MAX_TEXT_CHARS:
        return text
    half = MAX_TEXT_CHARS // 2
    return f"{text[:half]} ... {len(text) - 2 * half} characters ... {text[-half:]}"
