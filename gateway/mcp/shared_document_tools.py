"""The tools for shared documents: read one, list its versions or all documents, write one or merge into it."""

from __future__ import annotations

from asyncio import to_thread

from gateway.mcp import arguments, shared_document_text
from gateway.mcp.tool_caller import Caller
from gateway.protocol.requests.member_requests import WhoAmI
from gateway.protocol.requests.shared_document_requests import (
    ContextChanges,
    Contexts,
    GetContext,
    MergeContext,
    PutContext,
)
from gateway.protocol.results import ContextDocument, ContextHistory, ContextList, ContextSaved, Identity
from gateway.protocol.types.core_types import DEFAULT_DOCUMENT

OWN_SCOPE_NAMES = ("@me", "me")


async def context_get(caller: Caller, given: arguments.ContextGet) -> str:
    if not given.name and not given.history:
        scope = await _scope_argument(caller, given.scope) if given.scope else None
        return shared_document_text.document_list_text((await caller.ask(Contexts(scope=scope), ContextList)).contexts)
    scope, name = await _scope_argument(caller, given.scope), given.name or DEFAULT_DOCUMENT
    if given.history:
        past = await caller.ask(ContextChanges(scope=scope, name=name, limit=given.history), ContextHistory)
        return await to_thread(shared_document_text.changes_text, past.changes, more=past.more)
    found = await caller.ask(GetContext(scope=scope, name=name, version=given.version), ContextDocument)
    return await to_thread(shared_document_text.document_text, found, given.at)


async def context_put(caller: Caller, given: arguments.ContextPut) -> str:
    scope, name = await _scope_argument(caller, given.scope), given.name or DEFAULT_DOCUMENT
    request: MergeContext | PutContext = (
        PutContext(scope=scope, name=name, document=given.document, version=given.version)
        if given.replace
        else MergeContext(scope=scope, name=name, patch=given.document, version=given.version)
    )
    saved = await caller.ask(request, ContextSaved)
    happened = "is unchanged at" if saved.seq is None else "is now"
    return f"{saved.name} of {saved.scope} {happened} version {saved.version}, {saved.size} bytes."


async def _scope_argument(caller: Caller, given: str) -> str:
    """The scope that is given, or the member's room. A name without a prefix is a room."""
    if given in OWN_SCOPE_NAMES:
        return f"@{(await caller.ask(WhoAmI(), Identity)).name}"
    wanted = given or shared_document_text.DEFAULT_SCOPE
    return wanted if wanted[0] in "#@" or wanted == "global" else f"#{wanted}"
