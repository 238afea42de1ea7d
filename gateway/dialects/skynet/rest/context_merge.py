"""Merges a context update into a context, as Skynet means it: nothing is lost that the update does not name. Pure.

Objects are merged key by key. Lists are united: the order stays, and items of any type are compared by value. Every
other value replaces the old one with its type. `null` removes a field, which Skynet's own server could not do.
"""

from __future__ import annotations

from typing import Any

from gateway.model.records.shared_document_records import JsonObject, items_not_in


def merge_context_update(stored: JsonObject, update: JsonObject) -> JsonObject:
    merged = dict(stored)
    for key, new in update.items():
        if new is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge_value(merged.get(key), new)
    return merged


def _merge_value(old: Any, new: Any) -> Any:
    match old, new:
        case dict(), dict():
            return merge_context_update(old, new)
        case _, dict():
            return merge_context_update({}, new)
        case list(), list():
            return [*old, *items_not_in(old, new)]
    return new
