"""The pins of a member's machine, in one private file. A damaged one is refused and never begun anew: that would
forget whom this machine trusts, and take any key as a first one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from gateway.encryption.key_storage.key_locations import KEYS_FOLDER
from gateway.encryption.member_keys.pinned_keys import PinnedKey
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.files.private_files import read_private, write_private

PINS_FILE = "peers.json"


def read_pins(state: Path) -> dict[str, PinnedKey]:
    path = state / KEYS_FOLDER / PINS_FILE
    try:
        pins = msgspec.json.decode(read_private(path), type=dict[str, PinnedKey])
        if any(pin.record.name != name for name, pin in pins.items()):
            raise ValueError
    except FileNotFoundError:
        return {}
    except (msgspec.MsgspecError, ValueError, SealingRefused):
        raise SealingRefused(
            SealingFault.DAMAGED,
            f"{path}, which holds the keys that you trust, is damaged. Restore it from a backup. Without it, every "
            "key would be taken as it comes.",
        ) from None
    return pins


def write_pins(state: Path, pins: Mapping[str, PinnedKey]) -> None:
    text = msgspec.json.format(msgspec.json.encode(dict(sorted(pins.items())))).decode()
    write_private(state / KEYS_FOLDER / PINS_FILE, text + "\n")
