"""Share JSON documents with a room (default: general), with one member, or with everyone.

Examples:
  groupchat context push main notes.json
  groupchat context pull main
  groupchat context list
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from controller.cli.run_request import asked, chosen
from gateway.protocol.contexts import ContextChanges, Contexts, DeleteContext, GetContext, MergeContext, PutContext
from gateway.protocol.results import ContextDocument, ContextHistory, ContextList, ContextSaved, Done
from gateway.protocol.types import DEFAULT_DOCUMENT

if TYPE_CHECKING:
    from gateway.client import Client

T = TypeVar("T")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name of the document.")]
OptionalName = Annotated[str, typer.Argument(metavar="NAME", help="The name of the document.")]
FileArgument = Annotated[str | None, typer.Argument(metavar="FILE", help="A JSON file; - is stdin.")]
TemplateOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Use a template instead of a file: planner, researcher or coder.")
]
RoomOption = Annotated[str | None, typer.Option(metavar="ROOM", help="A document of this room (default: general).")]
MemberOption = Annotated[str | None, typer.Option(metavar="NAME", help="A document of this member.")]
GlobalOption = Annotated[bool, typer.Option("--global", help="A document of everyone.")]
ExpectedOption = Annotated[
    int | None,
    typer.Option("--version", metavar="N", min=0, help="Only if N is still the newest version; 0: if there is none."),
]
VersionOption = Annotated[
    int | None, typer.Option("--version", metavar="N", min=1, help="Read version N (default: the newest).")
]


def push(
    ctx: typer.Context,
    name: NameArgument,
    file: FileArgument = None,
    template: TemplateOption = None,
    room: RoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    version: ExpectedOption = None,
) -> None:
    """Write a document and replace the previous version.

    Examples:
      groupchat context push main notes.json
      jq . notes.json | groupchat context push main -
      groupchat context push plan --template planner
    """
    from controller.output import context_output as show
    from controller.requests import context_files as files

    async def work(client: Client) -> ContextSaved:
        scope, document = files.scope_of(room, member, everywhere), files.read(file, template)
        request = PutContext(scope=scope, name=name, document=document, version=version)
        return await client.request(request, ContextSaved)

    _shown(ctx, work, show.saved)


def merge(
    ctx: typer.Context,
    name: NameArgument,
    file: FileArgument = None,
    template: TemplateOption = None,
    room: RoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    version: ExpectedOption = None,
) -> None:
    """Merge a file into a document.

    Objects are merged recursively and lists by union; other values are replaced by the file's.

    Example:
      groupchat context merge main more.json
    """
    from controller.output import context_output as show
    from controller.requests import context_files as files

    async def work(client: Client) -> ContextSaved:
        scope, patch = files.scope_of(room, member, everywhere), files.read(file, template)
        request = MergeContext(scope=scope, name=name, patch=patch, version=version)
        return await client.request(request, ContextSaved)

    _shown(ctx, work, show.saved)


def pull(
    ctx: typer.Context,
    name: OptionalName = DEFAULT_DOCUMENT,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Write it to this file (default: print it).")
    ] = None,
    room: RoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    version: VersionOption = None,
) -> None:
    """Read a document, or an older version of it.

    Examples:
      groupchat context pull main
      groupchat context pull main old.json --version 3
    """
    from controller.output import context_output as show
    from controller.requests import context_files as files

    async def work(client: Client) -> ContextDocument:
        request = GetContext(scope=files.scope_of(room, member, everywhere), name=name, version=version)
        found = await client.request(request, ContextDocument)
        if file is not None:
            files.write(found.document, file)
        return found

    _shown(ctx, work, lambda found, as_json: show.document(found, file, as_json))


def diff(
    ctx: typer.Context,
    name: NameArgument,
    file: FileArgument = None,
    template: TemplateOption = None,
    room: RoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    version: VersionOption = None,
) -> None:
    """Compare a file with the stored document: added (+), missing (-), changed (~).

    Example:
      groupchat context diff main notes.json
    """
    from controller.output import context_output as show
    from controller.output.context_diff import differences
    from controller.requests import context_files as files

    async def work(client: Client) -> show.Compared:
        mine = files.read(file, template)
        request = GetContext(scope=files.scope_of(room, member, everywhere), name=name, version=version)
        found = await client.request(request, ContextDocument)
        return show.Compared(found.scope, found.name, found.version, tuple(differences(found.document, mine)))

    _shown(ctx, work, show.compared)


def history(
    ctx: typer.Context,
    name: OptionalName = DEFAULT_DOCUMENT,
    room: RoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=1, max=1000, help="At most this many changes.")
    ] = 20,
    before: Annotated[int | None, typer.Option(metavar="N", min=1, help="Only changes before version N.")] = None,
) -> None:
    """List the changes of a document, oldest first.

    Example:
      groupchat context history main -n 5
    """
    from controller.output import context_output as show
    from controller.requests import context_files as files

    async def work(client: Client) -> ContextHistory:
        scope = files.scope_of(room, member, everywhere)
        request = ContextChanges(scope=scope, name=name, before=before, limit=limit)
        return await client.request(request, ContextHistory)

    _shown(ctx, work, show.history)


def list_(
    ctx: typer.Context,
    room: RoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
) -> None:
    """List the documents that you may read.

    Examples:
      groupchat context list
      groupchat context list --room lab
    """
    from controller.output import context_output as show
    from controller.requests import context_files as files
    from gateway.client.pages import whole

    async def work(client: Client) -> ContextList:
        one_scope = room is not None or member is not None or everywhere
        scope = files.scope_of(room, member, everywhere) if one_scope else None
        return await whole(client.request, Contexts(scope=scope), ContextList)

    _shown(ctx, work, show.listed)


def delete(
    ctx: typer.Context,
    name: NameArgument,
    room: RoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    version: ExpectedOption = None,
) -> None:
    """Delete a document. Its versions stay readable.

    Example:
      groupchat context delete main
    """
    from controller.output import context_output as show
    from controller.requests import context_files as files

    async def work(client: Client) -> Done:
        scope = files.scope_of(room, member, everywhere)
        return await client.request(DeleteContext(scope=scope, name=name, version=version), Done)

    _shown(ctx, work, lambda found, as_json: show.deleted(found, name, as_json))


def _shown(ctx: typer.Context, work: Callable[[Client], Awaitable[T]], shown: Callable[[T, bool], None]) -> None:
    context = chosen(ctx)
    shown(asked(context, work), context.as_json)
