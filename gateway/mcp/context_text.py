"""Shared documents in few words, quoted as all that members said; and the addresses they can be read at. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import msgspec

from gateway.mcp.result_text import LONGEST, LONGEST_NAME, moment, quoted
from gateway.protocol.errors import NotFound
from gateway.protocol.events import ContextEvent
from gateway.protocol.results import ContextDocument
from gateway.protocol.text.printable_text import in_line, json_text, short
from gateway.protocol.types import DEFAULT_ROOM, GLOBAL, ContextInfo

HERE = f"#{DEFAULT_ROOM}"
LONGEST_CHANGE = 500
ADDRESS = "groupchat://context"
_FOLDERS = {"#": "room", "@": "member"}
_SIGNS = {folder: sign for sign, folder in _FOLDERS.items()}


def listed(found: Iterable[ContextInfo]) -> str:
    lines = [
        f"{one.name} of {one.scope}: version {one.version}, {one.size} bytes, {one.by} {moment(one.at)}"
        for one in found
    ]
    return "\n".join(lines) or "There are no shared documents yet; context_put makes one."


def shown(found: ContextDocument, at: str = "") -> str:
    """Compact, so that it costs few tokens; with `at` only what stands at that path."""
    part = found.document if not at else part_of(found.document, at)
    where = f" at {in_line(at)}" if at else ""
    head = f"{found.name} of {found.scope}, version {found.version}, by {found.by} {moment(found.at)}{where}:"
    text = json_text(msgspec.json.encode(part).decode())
    if len(text) <= LONGEST:
        return f"{head}\n{quoted(text)}"
    return f"{head}\n{quoted(text[:LONGEST])}\n… {len(text) - LONGEST} more characters. Read a part: {_ways(part, at)}"


def _ways(part: Any, at: str) -> str:
    """Where a reader can go on from here."""
    names = list(part) if isinstance(part, dict) else [str(one) for one in range(len(part))]
    return "at=" + " or ".join(short(f"{at}.{one}".removeprefix("."), LONGEST_NAME) for one in names[:10])


def part_of(document: Any, at: str) -> Any:
    """What stands at a path such as `plan.steps.0`."""
    here = document
    for step in at.split("."):
        if isinstance(here, dict) and step in here:
            here = here[step]
        elif isinstance(here, list) and step.isdecimal() and int(step) < len(here):
            here = here[int(step)]
        else:
            there = (
                ", ".join(short(one, LONGEST_NAME) for one in list(here)[:20])
                if isinstance(here, dict)
                else type(here).__name__
            )
            raise NotFound(f"There is nothing at {at!r}: {step!r} is not in {there}.")
    return here


def changes(found: Sequence[ContextEvent], *, more: bool = False) -> str:
    """Newest first: which version, who, when, and what."""
    lines = [_change(one) for one in found]
    return "\n".join([*lines, "There are older ones."] if more else lines)


def _change(one: ContextEvent) -> str:
    body = one.patch if one.patch is not None else one.document
    head = f"version {one.version}: {one.action} by {one.by} {moment(one.timestamp)}"
    if body is None:
        return f"{head}, {one.size} bytes" if one.size else head
    text = json_text(msgspec.json.encode(body).decode())
    cut = text if len(text) <= LONGEST_CHANGE else f"{text[:LONGEST_CHANGE]}…"
    return f"{head}\n{quoted(cut)}"


def address_of(one: ContextInfo) -> str:
    folder = _FOLDERS.get(one.scope[0])
    place = f"{folder}/{quote(one.scope[1:])}" if folder else GLOBAL
    return f"{ADDRESS}/{place}/{quote(one.name)}"


def place_of(address: str) -> tuple[str, str] | None:
    """The scope and the name behind an address, if it is one of a shared document."""
    parts = urlsplit(address)
    if f"{parts.scheme}://{parts.netloc}" != ADDRESS:
        return None
    match [unquote(one) for one in parts.path.split("/")[1:]]:
        case [folder, owner, name] if folder in _SIGNS:
            return _SIGNS[folder] + owner, name
        case [scope, name] if scope == GLOBAL:
            return GLOBAL, name
    return None
