"""Shared documents of a room (general, unless said otherwise), of a member, or of everybody: what all should know."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import typer

from controller.cli.run_request import asked
from controller.output import context_output as show
from controller.output.context_diff import differences
from controller.requests import context_files as files
from gateway.client import Client
from gateway.client.console.cli_options import Context, GatewayOption, JsonOption, StateOption
from gateway.client.pages import whole
from gateway.protocol.contexts import ContextChanges, Contexts, DeleteContext, GetContext, MergeContext, PutContext
from gateway.protocol.results import ContextDocument, ContextHistory, ContextList, ContextSaved, Done
from gateway.protocol.types import DEFAULT_DOCUMENT

T = TypeVar("T")

PUSH_EXAMPLES = (
    "Examples: `groupchat context push main notes.json`, `jq . notes.json | groupchat context push main -`, "
    "`groupchat context push plan --template planner`."
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The document's name.")]
OptionalName = Annotated[str, typer.Argument(metavar="[NAME]", help="The document's name.")]
FileArgument = Annotated[str | None, typer.Argument(metavar="[FILE]", help="A JSON file; - is standard input.")]
TemplateOption = Annotated[str | None, typer.Option(metavar="NAME", help="Begin with planner, researcher or coder.")]
RoomOption = Annotated[str | None, typer.Option(help="Of this room.")]
MemberOption = Annotated[str | None, typer.Option(help="Of this member.")]
GlobalOption = Annotated[bool, typer.Option("--global", help="Of everybody.")]
ExpectedOption = Annotated[
    int | None, typer.Option("--version", min=0, help="Only if this version still holds; 0: if there is none.")
]
VersionOption = Annotated[int | None, typer.Option("--version", min=1, help="As it was in this version.")]


def push(
    ctx: typer.Context,
    name: NameArgument,
    file: FileArgument = None,
    template: TemplateOption = None,
    room: RoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    version: ExpectedOption = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a whole document, in place of what was there."""

    async def work(client: Client) -> ContextSaved:
        scope, document = files.scope_of(room, member, everywhere), files.read(file, template)
        request = PutContext(scope=scope, name=name, document=document, version=version)
        return await client.request(request, ContextSaved)

    show.saved(asked(ctx, Context(gateway, state), work, as_json), as_json)


def merge(
    ctx: typer.Context,
    name: NameArgument,
    file: FileArgument = None,
    template: TemplateOption = None,
    room: RoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    version: ExpectedOption = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add to a document: objects key by key, lists united; of all else the file's value holds. Nothing is lost."""

    async def work(client: Client) -> ContextSaved:
        scope, patch = files.scope_of(room, member, everywhere), files.read(file, template)
        request = MergeContext(scope=scope, name=name, patch=patch, version=version)
        return await client.request(request, ContextSaved)

    show.saved(asked(ctx, Context(gateway, state), work, as_json), as_json)


def pull(
    ctx: typer.Context,
    name: OptionalName = DEFAULT_DOCUMENT,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where to write it; else it is shown.")] = None,
    room: RoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    version: VersionOption = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a document, as it is or as it was in a version."""

    async def work(client: Client) -> ContextDocument:
        request = GetContext(scope=files.scope_of(room, member, everywhere), name=name, version=version)
        found = await client.request(request, ContextDocument)
        if file is not None:
            files.write(found.document, file)
        return found

    show.document(asked(ctx, Context(gateway, state), work, as_json), file, as_json)


def diff(
    ctx: typer.Context,
    name: NameArgument,
    file: FileArgument = None,
    template: TemplateOption = None,
    room: RoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    version: VersionOption = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """What a file has (+), lacks (-) or says otherwise (~) than the stored document."""

    async def work(client: Client) -> show.Compared:
        mine = files.read(file, template)
        request = GetContext(scope=files.scope_of(room, member, everywhere), name=name, version=version)
        found = await client.request(request, ContextDocument)
        return show.Compared(found.scope, found.name, found.version, tuple(differences(found.document, mine)))

    show.compared(asked(ctx, Context(gateway, state), work, as_json), as_json)


def history(
    ctx: typer.Context,
    name: OptionalName = DEFAULT_DOCUMENT,
    room: RoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000)] = 20,
    before: Annotated[int | None, typer.Option(min=1, help="Only older than this version.")] = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who changed a document when, and what; the newest last."""

    async def work(client: Client) -> ContextHistory:
        scope = files.scope_of(room, member, everywhere)
        request = ContextChanges(scope=scope, name=name, before=before, limit=limit)
        return await client.request(request, ContextHistory)

    show.history(asked(ctx, Context(gateway, state), work, as_json), as_json)


def list_(
    ctx: typer.Context,
    room: RoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """The documents you may read."""

    async def work(client: Client) -> ContextList:
        chosen = room is not None or member is not None or everywhere
        scope = files.scope_of(room, member, everywhere) if chosen else None
        return await whole(client.request, Contexts(scope=scope), ContextList)

    show.listed(asked(ctx, Context(gateway, state), work, as_json), as_json)


def delete(
    ctx: typer.Context,
    name: NameArgument,
    room: RoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    version: ExpectedOption = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a document away. Its versions can still be read."""

    async def work(client: Client) -> Done:
        scope = files.scope_of(room, member, everywhere)
        return await client.request(DeleteContext(scope=scope, name=name, version=version), Done)

    show.deleted(asked(ctx, Context(gateway, state), work, as_json), name, as_json)
