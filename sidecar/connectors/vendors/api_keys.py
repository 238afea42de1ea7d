"""Finds the key of a connector: in a file that only we can read, or in the environment. It is never an argument."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.files.private_files import read_private
from gateway.files.token_masking import HIDDEN_MARK, mask_tokens
from gateway.protocol.errors import GroupChatError
from gateway.protocol.text.secret_masking import mask_secrets
from sidecar.errors import SidecarError

MAX_KEY_CHARS = 4096
MIN_HIDDEN_CHARS = 4


def find_key(file: Path | None, variables: Sequence[str], env: Mapping[str, str], *, needed: bool) -> str:
    """The file counts before the environment."""
    if file is not None:
        return _key_in_file(file)
    found = next((env[name].strip() for name in variables if env.get(name, "").strip()), "")
    if needed and not found:
        raise SidecarError(f"There is no key. Set {' or '.join(variables)}, or name a file that holds it: --key-file.")
    return _checked(found, "The variable") if found else ""


def _key_in_file(file: Path) -> str:
    try:
        text = read_private(file.expanduser()).decode(errors="replace").strip()
    except FileNotFoundError:
        raise SidecarError(f"There is no key file {file}.") from None
    except (OSError, GroupChatError) as error:
        words = error.message if isinstance(error, GroupChatError) else error.strerror
        raise SidecarError(f"The key file {file} cannot be read: {words}") from None
    return _checked(text, f"The key file {file}")


def _checked(key: str, what: str) -> str:
    """A key with a line end or a blank would break the header that it is sent in, and the error would show it."""
    if not key or len(key) > MAX_KEY_CHARS or not key.isascii() or not key.isprintable() or " " in key:
        raise SidecarError(f"{what} holds no key: a key is one word of printable characters.")
    return key


def hide_key(text: str, key: str) -> str:
    """A text that others see, without the key, even if a server has put it into its error."""
    shown = text.replace(key, HIDDEN_MARK) if len(key) >= MIN_HIDDEN_CHARS else text
    return mask_secrets(mask_tokens(shown))
