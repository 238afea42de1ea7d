"""Requests about shared documents. `scope` is the owner of a document: `#ROOM`, `@MEMBER` or `global`.

In a request that changes a document, `version` is the version you expect; 0 means "no document yet". If the document
has another version, the request is refused as a conflict. Without `version` the last writer wins.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from gateway.protocol.requests.request import MAX_SEQ, Limit, Request, Seq
from gateway.protocol.types.core_types import DEFAULT_DOCUMENT

Version = Annotated[int, Meta(ge=1, le=MAX_SEQ)]


class PutContext(Request, frozen=True, tag="context.put"):
    """Replace a whole shared document, or create it."""

    scope: str
    document: dict[str, Any]
    name: str = DEFAULT_DOCUMENT
    version: Seq | None = None


class MergeContext(Request, frozen=True, tag="context.merge"):
    """Merge into a shared document: objects recursively, lists by union in order, other values replaced. No keys and
    no list items are removed. If the document does not exist, it is created."""

    scope: str
    patch: dict[str, Any]
    name: str = DEFAULT_DOCUMENT
    version: Seq | None = None


class DeleteContext(Request, frozen=True, tag="context.delete"):
    """Delete a shared document. Its history stays; if it is written again, its version numbers continue."""

    scope: str
    name: str = DEFAULT_DOCUMENT
    version: Seq | None = None


class GetContext(Request, frozen=True, tag="context.get"):
    """Get the current version of a shared document, or an earlier one."""

    scope: str
    name: str = DEFAULT_DOCUMENT
    version: Version | None = None


class ContextChanges(Request, frozen=True, tag="context.history"):
    """List who changed a shared document, when and how: newest first, before a version."""

    scope: str
    name: str = DEFAULT_DOCUMENT
    before: Version | None = None
    limit: Limit = 50


class Contexts(Request, frozen=True, tag="context.list"):
    """List the shared documents that you can read, of one scope or of all. `after` is scope and name of the last one of
    the previous page, separated by a blank."""

    scope: str | None = None
    after: Annotated[str, Meta(max_length=200)] = ""
    limit: Limit = 1000
