"""The form of what the gateway keeps and cannot read: base64, records of keys, and a message with a box for a text.
Pure."""

from __future__ import annotations

import binascii
import re

from gateway.protocol.errors import BadRequest, InvalidText
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.types.core_types import SealedContent

RECORD_PREFIX = "groupchat-key-1 "
REVOCATION_PREFIX = "groupchat-revocation-1 "
CONTEXT_FIELDS = frozenset({"answers", "tokens"})  # all that the gateway itself reads of a message's context

_BASE64_URL = re.compile(r"[A-Za-z0-9_-]+={0,2}")


def check_base64(text: str, what: str) -> None:
    """Refuse text that is no base64 in the standard alphabet with padding, so that nobody stores something readable."""
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        raise InvalidText(f"The {what} is not base64 (the standard alphabet, with padding).") from None


def check_key_text(text: str, prefix: str, what: str) -> None:
    """Refuse what cannot be a record of keys, or a revocation. Whether it is a good one only members can tell."""
    if not text.startswith(prefix) or not _BASE64_URL.fullmatch(text.removeprefix(prefix)):
        raise InvalidText(f"The {what} must be one line: {prefix.strip()!r}, a blank, and base64url.")


def check_sealed_content(sealed: SealedContent | None) -> None:
    if sealed is not None:
        check_base64(sealed.data, "data of a sealed text")


def check_sealed_message(request: Send, sealed: SealedContent) -> None:
    """Refuse a sealed message that tells readable things, too."""
    check_sealed_content(sealed)
    if request.content or request.parts:
        raise BadRequest(
            "A sealed message has its text and its parts inside `sealed`. Leave `content` and `parts` empty."
        )
    if extra := sorted(set(request.context or {}) - CONTEXT_FIELDS):
        shown = ", ".join(repr(one[:40]) for one in extra[:3])
        raise BadRequest(f"The context of a sealed message may hold only 'answers' and 'tokens', not {shown}.")
    if request.signed is not None:
        raise BadRequest("A sealed message is signed inside `sealed`. Leave out `signed`.")
    if sealed.room:
        raise BadRequest("The room of a sealed message is its `room`. Leave out `sealed.room`.")
