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


def admitted_text(room: str, names: Iterable[str]) -> str:
    return f"{', '.join(names)} may join {room}; what was said there before stays closed."


def kicked_text(room: str, name: str, *, sealed: bool) -> str:
    later = " The next message there has a new key: what follows stays closed to it." if sealed else ""
    return f"{name} is out of {room}.{later}"
