"""Keeps in the agent's private folder whether its conversation has seen sealed messages, so that a restart of the
sidecar, which comes back to the same conversation, does not forget it."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import structlog

from gateway.files.private_files import write_private
from sidecar.messages.sealed_turns import SealedPlace, SealedTurn

FILE = "sealed.json"
log = structlog.get_logger("sidecar.run_files.sealed_turn_file")


def open_sealed_turn(folder: Path, *, begins_anew: bool) -> SealedTurn:
    """`begins_anew`: the agent certainly begins a new conversation. A damaged file counts as sealed, in no room."""
    note = partial(_write, folder / FILE)
    place, has_been = (None, False) if begins_anew else _read(folder / FILE)
    return SealedTurn(place, has_been, note)


def _read(path: Path) -> tuple[SealedPlace | None, bool]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        place = found["place"]
        return (SealedPlace(str(place[0]), str(place[1])) if place else None), bool(found["has_been"])
    except FileNotFoundError:
        return None, False
    except (OSError, ValueError, LookupError, TypeError) as error:
        log.warning("cannot read whether sealed messages were typed", error=str(error))
        return SealedPlace(""), True


def _write(path: Path, place: SealedPlace | None, has_been: bool) -> None:
    """If this fails, a later run only knows less."""
    try:
        write_private(path, json.dumps({"place": place, "has_been": has_been}))
    except OSError as error:
        log.warning("cannot keep whether sealed messages were typed", error=str(error))
