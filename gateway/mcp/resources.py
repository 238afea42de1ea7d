"""What can be read of the room besides calling tools: its newest messages, who is here, its shared documents."""

from __future__ import annotations

from asyncio import to_thread as aside

import mcp_types as types
import msgspec

from gateway.mcp import context_text, result_text
from gateway.mcp.caller import Caller
from gateway.protocol.contexts import Contexts, GetContext
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests import History
from gateway.protocol.results import ContextDocument, ContextList, MessageList
from gateway.protocol.text.printable_text import in_line, json_text, lines_of

RECENT, ROSTER = "groupchat://recent", "groupchat://roster"
TEXT, JSON = "text/plain", "application/json"
ALWAYS = (
    types.Resource(name="recent", uri=RECENT, description="The newest messages.", mime_type=TEXT),
    types.Resource(name="roster", uri=ROSTER, description="Who is here.", mime_type=TEXT),
)


async def listed(caller: Caller) -> list[types.Resource]:
    found = (await caller.ask(Contexts(), ContextList)).contexts
    shared = [
        types.Resource(
            name=f"{one.name} of {one.scope}",
            uri=context_text.address_of(one),
            description=f"A shared document, version {one.version} by {one.by}.",
            mime_type=JSON,
            size=one.size,
        )
        for one in found
    ]
    return [*ALWAYS, *shared]


async def read(caller: Caller, uri: str) -> types.TextResourceContents:
    try:
        kind, text = await _text_of(caller, uri)
    except GroupChatError as error:
        raise ValueError(in_line(error.message)) from None
    return types.TextResourceContents(uri=uri, text="\n".join(lines_of(text)), mime_type=kind)


async def _text_of(caller: Caller, uri: str) -> tuple[str, str]:
    if uri == ROSTER:
        return TEXT, result_text.peers((await caller.members()).values(), "")
    if uri == RECENT:
        page = await caller.ask(History(limit=20), MessageList)
        return TEXT, await aside(result_text.messages, page.messages[::-1], await caller.members())
    if (place := context_text.place_of(uri)) is not None:
        found = await caller.ask(GetContext(scope=place[0], name=place[1]), ContextDocument)
        return JSON, json_text(msgspec.json.encode(found.document).decode())
    raise ValueError(f"There is no resource {uri!r}; there are {RECENT}, {ROSTER} and {context_text.ADDRESS}/…")
