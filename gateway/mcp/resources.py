"""MCP resources: the newest messages, the members, and the shared documents."""

from __future__ import annotations

from asyncio import to_thread

import mcp_types
import msgspec

from gateway.mcp import result_text, shared_document_text
from gateway.mcp.tool_caller import Caller
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests.message_requests import History
from gateway.protocol.requests.shared_document_requests import Contexts, GetContext
from gateway.protocol.results import ContextDocument, ContextList, MessageList
from gateway.protocol.text.printable_text import escape_json, printable_line, printable_lines

RECENT_URI, ROSTER_URI = "groupchat://recent", "groupchat://roster"
TEXT_TYPE, JSON_TYPE = "text/plain", "application/json"
FIXED_RESOURCES = (
    mcp_types.Resource(name="recent", uri=RECENT_URI, description="The newest messages.", mime_type=TEXT_TYPE),
    mcp_types.Resource(name="roster", uri=ROSTER_URI, description="Who is here.", mime_type=TEXT_TYPE),
)


async def list_resources(caller: Caller) -> list[mcp_types.Resource]:
    found = (await caller.ask(Contexts(), ContextList)).contexts
    shared = [
        mcp_types.Resource(
            name=f"{one.name} of {one.scope}",
            uri=shared_document_text.address_of_document(one),
            description=f"A shared document, version {one.version} by {one.by}.",
            mime_type=JSON_TYPE,
            size=one.size,
        )
        for one in found
    ]
    return [*FIXED_RESOURCES, *shared]


async def read_resource(caller: Caller, uri: str) -> mcp_types.TextResourceContents:
    try:
        kind, text = await _resource_text(caller, uri)
    except GroupChatError as error:
        raise ValueError(printable_line(error.message)) from None
    return mcp_types.TextResourceContents(uri=uri, text="\n".join(printable_lines(text)), mime_type=kind)


async def _resource_text(caller: Caller, uri: str) -> tuple[str, str]:
    if uri == ROSTER_URI:
        return TEXT_TYPE, result_text.peers_text((await caller.members()).values(), "")
    if uri == RECENT_URI:
        page = await caller.ask(History(limit=20), MessageList)
        return TEXT_TYPE, await to_thread(result_text.messages_text, page.messages[::-1], await caller.members())
    if (place := shared_document_text.parse_address_of_document(uri)) is not None:
        found = await caller.ask(GetContext(scope=place[0], name=place[1]), ContextDocument)
        return JSON_TYPE, escape_json(msgspec.json.encode(found.document).decode())
    raise ValueError(
        f"There is no resource {uri!r}. Known resources: {RECENT_URI}, {ROSTER_URI} and "
        f"{shared_document_text.ADDRESS_PREFIX}/…"
    )
