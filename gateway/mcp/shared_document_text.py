"""Renders shared documents compactly, with their content quoted like all text of members; and parses their addresses.
Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import msgspec

from gateway.mcp.result_text import MAX_NAME_CHARS, MAX_TEXT_CHARS, quote_text, short_time
from gateway.protocol.errors import NotFound
from gateway.protocol.events import ContextEvent
from gateway.protocol.results import ContextDocument
from gateway.protocol.text.printable_text import escape_json, printable_line, shorten_line
from gateway.protocol.types.core_types import DEFAULT_ROOM, GLOBAL_SCOPE, ContextInfo

DEFAULT_SCOPE = f"#{DEFAULT_ROOM}"
MAX_CHANGE_CHARS = 500
ADDRESS_PREFIX = "groupchat://context"
_FOLDER_BY_SIGN = {"#": "room", "@": "member"}
_SIGN_BY_FOLDER = {folder: sign for sign, folder in _FOLDER_BY_SIGN.items()}


def document_list_text(found: Iterable[ContextInfo]) -> str:
    lines = [
        f"{one.name} of {one.scope}: version {one.version}, {one.size} bytes, {one.by} {short_time(one.at)}"
        for one in found
    ]
    return "\n".join(lines) or "There are no shared documents yet. Use context_put to create one."


def document_text(found: ContextDocument, at: str = "") -> str:
    """The document as compact JSON, which costs few tokens. With `at`, only the value at that path."""
    part = found.document if not at else value_at(found.document, at)
    where = f" at {printable_line(at)}" if at else ""
    head = f"{found.name} of {found.scope}, version {found.version}, by {found.by} {short_time(found.at)}{where}:"
    text = escape_json(msgspec.json.encode(part).decode())
    if len(text) <= MAX_TEXT_CHARS:
        return f"{head}\n{quote_text(text)}"
    rest = f"… {len(text) - MAX_TEXT_CHARS} more characters. Read a part: {_paths_below(part, at)}"
    return f"{head}\n{quote_text(text[:MAX_TEXT_CHARS])}\n{rest}"


def _paths_below(part: Any, at: str) -> str:
    """The paths below this value that a reader can ask for next."""
    names = list(part) if isinstance(part, dict) else [str(one) for one in range(len(part))]
    return "at=" + " or ".join(shorten_line(f"{at}.{one}".removeprefix("."), MAX_NAME_CHARS) for one in names[:10])


def value_at(document: Any, at: str) -> Any:
    """The value at a path such as `plan.steps.0`."""
    here = document
    for step in at.split("."):
        if isinstance(here, dict) and step in here:
            here = here[step]
        elif isinstance(here, list) and step.isdecimal() and int(step) < len(here):
            here = here[int(step)]
        else:
            there = (
                ", ".join(shorten_line(one, MAX_NAME_CHARS) for one in list(here)[:20])
                if isinstance(here, dict)
                else type(here).__name__
            )
            raise NotFound(f"{at!r} does not exist: {step!r} is not in {there}.")
    return here


def changes_text(found: Sequence[ContextEvent], *, more: bool = False) -> str:
    """The changes, newest first: version, time, author and content."""
    lines = [_change_line(one) for one in found]
    return "\n".join([*lines, "There are older changes."] if more else lines)


def _change_line(one: ContextEvent) -> str:
    body = one.patch if one.patch is not None else one.document
    head = f"version {one.version}: {one.action} by {one.by} {short_time(one.timestamp)}"
    if body is None:
        return f"{head}, {one.size} bytes" if one.size else head
    text = escape_json(msgspec.json.encode(body).decode())
    cut = text if len(text) <= MAX_CHANGE_CHARS else f"{text[:MAX_CHANGE_CHARS]}…"
    return f"{head}\n{quote_text(cut)}"


def address_of_document(one: ContextInfo) -> str:
    folder = _FOLDER_BY_SIGN.get(one.scope[0])
    place = f"{folder}/{quote(one.scope[1:])}" if folder else GLOBAL_SCOPE
    return f"{ADDRESS_PREFIX}/{place}/{quote(one.name)}"


def parse_address_of_document(address: str) -> tuple[str, str] | None:
    """The scope and name in an address, if it is the address of a shared document."""
    parts = urlsplit(address)
    if f"{parts.scheme}://{parts.netloc}" != ADDRESS_PREFIX:
        return None
    match [unquote(one) for one in parts.path.split("/")[1:]]:
        case [folder, owner, name] if folder in _SIGN_BY_FOLDER:
            return _SIGN_BY_FOLDER[folder] + owner, name
        case [scope, name] if scope == GLOBAL_SCOPE:
            return GLOBAL_SCOPE, name
    return None
