"""Keys by name, as a person orders them: `^C`, `esc`, `enter`, `1`. Pure. The gateway refuses an order
with an unknown name at once; the sidecar writes the bytes."""

from __future__ import annotations

from gateway.protocol.errors import BadRequest

_KEY_BYTES = {
    "esc": b"\x1b",
    "escape": b"\x1b",
    "enter": b"\r",
    "return": b"\r",
    "tab": b"\t",
    "space": b" ",
    "backspace": b"\x7f",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "shift-tab": b"\x1b[Z",
}
KEY_NAMES = ("^C", *_KEY_BYTES)


def key_bytes(text: str) -> list[bytes]:
    """One entry per key, so that each can be written by itself."""
    return [_parse_key(word) for word in text.split()]


def check_named_key(text: str) -> None:
    """Refuse what is no key with a name: a single character may choose an option of a dialog."""
    if text.lower() in _KEY_BYTES or (len(text) > 1 and len(key_bytes(text)) == 1):
        return
    raise BadRequest(f"{text[:20]!r} is not a named key; use ^C or another key with Ctrl, {', '.join(_KEY_BYTES)}.")


def _parse_key(word: str) -> bytes:
    if word.lower() in _KEY_BYTES:
        return _KEY_BYTES[word.lower()]
    control = word[1:] if word.startswith("^") else word[2:] if word.lower().startswith("c-") else ""
    if len(control) == 1 and control.isascii() and 64 <= ord(control.upper()) <= 95:
        return bytes([ord(control.upper()) - 64])
    if len(word) == 1 and word.isprintable():
        return word.encode()
    raise BadRequest(f"{word[:20]!r} is not a key; use ^C, {', '.join(_KEY_BYTES)}, or one character.")
