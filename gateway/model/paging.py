"""Cuts a list into pages, bounded by entries and by the bytes that a client accepts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
V = TypeVar("V", bound=msgspec.Struct)

MAX_LIST_BYTES = 1024 * 1024
MAX_WELCOME_LIST_BYTES = 128 * 1024  # of each list in a welcome
MAX_WELCOME_ENTRIES = 1000


def cut_page(
    entries: Iterable[T], key: Callable[[T], Any], after: object, limit: int, view: Callable[[T], V]
) -> tuple[tuple[V, ...], bool]:
    """The entries after a given one, in order, and whether there are more. An entry larger than a page gets its own
    page."""
    wanted = sorted((one for one in entries if not after or key(one) > after), key=key)
    return fit_into_page((view(one) for one in wanted), limit, MAX_LIST_BYTES)


def fit_into_page(views: Iterable[V], limit: int, most_bytes: int) -> tuple[tuple[V, ...], bool]:
    found: list[V] = []
    size = 0
    for view in views:
        size += len(msgspec.json.encode(view))
        if found and (len(found) >= limit or size > most_bytes):
            return tuple(found), True
        found.append(view)
    return tuple(found), False


def identity(view: V) -> V:
    return view
