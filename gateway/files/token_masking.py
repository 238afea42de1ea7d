"""Hides tokens in texts that are shown or logged. Pure."""

from __future__ import annotations

import re

MAX_TEXT_CHARS = 8000
HIDDEN_MARK = "(hidden)"
_SECRETS = re.compile(
    r"\bgc_[0-9a-f]{8,64}_[\w-]{1,128}"
    r"|(?<![\w-])ey[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*"
    r"|(?<=/t/)[^/\s?#\"']+"
    r"|(?<=[?&]token=)[^&\s\"'#]+"
    r"|(?<=bearer )[^\s\"',]+"
    r"|(?i:(?<=x-auth-token: )|(?<=x-auth-token', ')|(?<=x-auth-token': '))[^\s\"',]+",
    re.IGNORECASE,
)


def mask_tokens(text: str) -> str:
    """The text with tokens masked, recognised by their form or their place: in paths, queries and headers."""
    return shorten_middle(_SECRETS.sub(HIDDEN_MARK, text))


def shorten_middle(text: str) -> str:
    """Shorten a text in the middle: the end of a traceback names the error."""
    if len(text) <= MAX_TEXT_CHARS:
        return text
    half = MAX_TEXT_CHARS // 2
    return f"{text[:half]} ... {len(text) - 2 * half} characters ... {text[-half:]}"
