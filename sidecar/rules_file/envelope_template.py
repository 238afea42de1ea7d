"""What an envelope may look like. Pure."""

from __future__ import annotations

import re

DEFAULT_ENVELOPE = "[{sender} -> {recipient} #{number}]"
NO_ENVELOPE = "none"
MAX_TEMPLATE_CHARS = 120
_TEMPLATE = re.compile(r"\[[^\[\]{}\n]*(?:\{(?:sender|recipient|room)\}[^\[\]{}\n]*)+ #\{number\}\]")


def problem_of_template(text: str) -> str:
    """What keeps a template from being safe to use: it must name the sender and end in the number. Empty if nothing."""
    if text == NO_ENVELOPE or (_TEMPLATE.fullmatch(text) and "{sender}" in text and len(text) <= MAX_TEMPLATE_CHARS):
        return ""
    return (
        f"{text[:60]!r} is not an envelope. An envelope looks like {DEFAULT_ENVELOPE!r}, "
        "contains {sender} and ends in ' #{number}]'. {recipient} and {room} may stand in it. "
        f"{NO_ENVELOPE!r} types the bare text."
    )
