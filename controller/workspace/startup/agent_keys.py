"""Makes a key for each agent of a team with `encryption = true`, so that its sidecar can open and seal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from controller.workspace.team_location import PrintLine

if TYPE_CHECKING:
    from gateway.encryption.member_keys.key_records import PublishedKey

MADE_TEXT = (
    "keys were made for {names}, without a passphrase: nobody sits at a sidecar to type one. Each lies in a file that "
    "only you can read (0600); whoever copies it reads and writes as that agent. `groupchat key list` shows them"
)
LOCKED_TEXT = (
    "{names} cannot open what is sealed: the key has a passphrase, which a sidecar cannot type, or was revoked. "
    "`groupchat key list` shows it"
)


def make_agent_keys(state: Path, names: Sequence[str], tell: PrintLine) -> None:
    """A key that is there already is never touched."""
    made = [name for name in names if _make_first_key(state, name)]
    locked = [name for name in names if not _is_usable(state, name)]
    if made:
        tell(MADE_TEXT.format(names=", ".join(made)))
    if locked:
        tell(LOCKED_TEXT.format(names=", ".join(locked)))


def _make_first_key(state: Path, name: str) -> bool:
    from gateway.encryption.key_storage.key_files import (  # noqa: PLC0415 - only a team with encryption pays for it
        encode_key_file,
        list_keys,
        store_key,
    )
    from gateway.encryption.member_keys.private_keys import draw_keys  # noqa: PLC0415 - as above

    if list_keys(state, name):
        return False
    made = store_key(state, encode_key_file(draw_keys(name, int(time.time())), None))
    _trust_made_key(state, made.published)
    return True


def _trust_made_key(state: Path, made: PublishedKey) -> None:
    """Nobody needs to compare the fingerprint of a key that this machine has made itself."""
    from gateway.encryption.key_storage.pin_book import PinBook  # noqa: PLC0415 - as above
    from gateway.encryption.member_keys.pinned_keys import PinnedKey  # noqa: PLC0415 - as above

    PinBook(state).change(lambda pins: {made.record.name: PinnedKey(made.text, verified=True), **pins})


def _is_usable(state: Path, name: str) -> bool:
    from gateway.encryption.key_storage.key_files import newest_key  # noqa: PLC0415 - as above

    newest = newest_key(state, name)
    return newest.file.is_unattended and not newest.is_revoked
