"""What happened in a room, in words. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def invited_text(room: str, names: Iterable[str], members: Collection[str]) -> str:
    """Those who are in the room now, and those who may join it."""
    names = list(names)
    inside = [one for one in names if one in members]
    invited = [one for one in names if one not in members]
    said = [f"{', '.join(inside)} {'is' if len(inside) == 1 else 'are'} in {room}."] if inside else []
    said += [f"{', '.join(invited)} may join {room}."] if invited else []
    return " ".join(said)
