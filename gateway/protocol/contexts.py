"""What a client may ask about shared documents. `scope` says where one belongs: `#ROOM`, `@MEMBER` or `global`.

`version`, where something is changed, is the version that you believe holds: another one is a conflict. 0 is "there is
none". Without it the last writer wins.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from gateway.protocol.requests import MAX_SEQ, Limit, Request, Seq
from gateway.protocol.types import DEFAULT_DOCUMENT

Version = Annotated[int, Meta(ge=1, le=MAX_SEQ)]


class PutContext(Request, frozen=True, tag="context.put"):
    """Write a whole shared document, in place of what it was."""

    scope: str
    document: dict[str, Any]
    name: str = DEFAULT_DOCUMENT
    version: Seq | None = None


class MergeContext(Request, frozen=True, tag="context.merge"):
    """Merge into a shared document: objects key by key, lists united in order, of all else the new value holds.
    Nothing is taken away. One that is not there yet is made."""

    scope: str
    patch: dict[str, Any]
    name: str = DEFAULT_DOCUMENT
    version: Seq | None = None


class DeleteContext(Request, frozen=True, tag="context.delete"):
    """Take a shared document away. Its history stays, and its versions go on if it is written again."""

    scope: str
    name: str = DEFAULT_DOCUMENT
    version: Seq | None = None


class GetContext(Request, frozen=True, tag="context.get"):
    """A shared document, as it is or as it was in an earlier version."""

    scope: str
    name: str = DEFAULT_DOCUMENT
    version: Version | None = None


class ContextChanges(Request, frozen=True, tag="context.history"):
    """Who changed a shared document when, and what: newest first, before a version."""

    scope: str
    name: str = DEFAULT_DOCUMENT
    before: Version | None = None
    limit: Limit = 50


class Contexts(Request, frozen=True, tag="context.list"):
    """The shared documents you may read, of one scope or of all. `after` is scope and name of the last one of the page
    before, with a blank between."""

    scope: str | None = None
    after: Annotated[str, Meta(max_length=200)] = ""
    limit: Limit = 1000
