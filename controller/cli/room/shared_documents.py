"""Share JSON documents with a room (default: general), with one member, or with everyone.

Examples:
  groupchat context push main notes.json
  groupchat context pull main
  groupchat context list
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from controller.cli.room.run_request import merge_options, run_with_client
from gateway.protocol.requests.shared_document_requests import (
    ContextChanges,
    Contexts,
    DeleteContext,
    GetContext,
    MergeContext,
    PutContext,
)
from gateway.protocol.results import ContextDocument, ContextHistory, ContextList, ContextSaved, Done
from gateway.protocol.types.core_types import DEFAULT_DOCUMENT

if TYPE_CHECKING:
    from controller.requests.shared_document_files import Json
    from gateway.client import Client

T = TypeVar("T")

DocumentArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name of the document.")]
FileArgument = Annotated[str | None, typer.Argument(metavar="FILE", help="A JSON file; - is stdin.")]
TemplateOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Use a template instead of a file: planner, researcher or coder.")
]
ContextRoomOption = Annotated[
    str | None, typer.Option(metavar="ROOM", help="A document of this room (default: general).")
]
MemberOption = Annotated[str | None, typer.Option(metavar="NAME", help="A document of this member.")]
GlobalOption = Annotated[bool, typer.Option("--global", help="A document of everyone.")]
ExpectedOption = Annotated[
    int | None,
    typer.Option("--version", metavar="N", min=0, help="Only if N is still the newest version; 0: if there is none."),
]
VersionOption = Annotated[
    int | None, typer.Option("--version", metavar="N", min=1, help="Read version N (default: the newest).")
]


@dataclass(frozen=True)
class DocumentOwner:
    """The options that say whose document it is. Without any, it is one of the room `general`."""

    room: str | None
    member: str | None
    everywhere: bool


@dataclass(frozen=True)
class DocumentSource:
    """The options that say where the new content comes from."""

    file: str | None
    template: str | None


def push(
    ctx: typer.Context,
    name: DocumentArgument,
    file: FileArgument = None,
    template: TemplateOption = None,
    room: ContextRoomOption = None,
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
    _save(
        ctx,
        DocumentOwner(room, member, everywhere),
        DocumentSource(file, template),
        lambda scope, document: PutContext(scope=scope, name=name, document=document, version=version),
    )


def merge(
    ctx: typer.Context,
    name: DocumentArgument,
    file: FileArgument = None,
    template: TemplateOption = None,
    room: ContextRoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    version: ExpectedOption = None,
) -> None:
    """Merge a file into a document.

    Objects are merged recursively and lists by union; other values are replaced by the file's.

    Example:
      groupchat context merge main more.json
    """
    _save(
        ctx,
        DocumentOwner(room, member, everywhere),
        DocumentSource(file, template),
        lambda scope, patch: MergeContext(scope=scope, name=name, patch=patch, version=version),
    )


def pull(
    ctx: typer.Context,
    name: DocumentArgument = DEFAULT_DOCUMENT,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Write it to this file (default: print it).")
    ] = None,
    room: ContextRoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    version: VersionOption = None,
) -> None:
    """Read a document, or an older version of it.

    Examples:
      groupchat context pull main
      groupchat context pull main old.json --version 3
    """
    from controller.output import shared_document_output
    from controller.requests import shared_document_files

    async def work(client: Client) -> ContextDocument:
        request = GetContext(
            scope=shared_document_files.scope_from_options(room, member, everywhere), name=name, version=version
        )
        found = await client.request(request, ContextDocument)
        if file is not None:
            shared_document_files.write_document(found.document, file)
        return found

    _shown(ctx, work, lambda found, as_json: shared_document_output.print_document_found(found, file, as_json))


def diff(
    ctx: typer.Context,
    name: DocumentArgument,
    file: FileArgument = None,
    template: TemplateOption = None,
    room: ContextRoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    version: VersionOption = None,
) -> None:
    """Compare a file with the stored document: added (+), missing (-), changed (~).

    Example:
      groupchat context diff main notes.json
    """
    from controller.output import shared_document_output
    from controller.output.json_diff import find_differences
    from controller.requests import shared_document_files

    async def work(client: Client) -> shared_document_output.Compared:
        mine = shared_document_files.read_document(file, template)
        request = GetContext(
            scope=shared_document_files.scope_from_options(room, member, everywhere), name=name, version=version
        )
        found = await client.request(request, ContextDocument)
        return shared_document_output.Compared(
            found.scope, found.name, found.version, tuple(find_differences(found.document, mine))
        )

    _shown(ctx, work, shared_document_output.print_compared)


def document_history(
    ctx: typer.Context,
    name: DocumentArgument = DEFAULT_DOCUMENT,
    room: ContextRoomOption = None,
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
    from controller.output import shared_document_output
    from controller.requests import shared_document_files

    async def work(client: Client) -> ContextHistory:
        scope = shared_document_files.scope_from_options(room, member, everywhere)
        request = ContextChanges(scope=scope, name=name, before=before, limit=limit)
        return await client.request(request, ContextHistory)

    _shown(ctx, work, shared_document_output.print_history)


def show_contexts(
    ctx: typer.Context,
    room: ContextRoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
) -> None:
    """List the documents that you may read.

    Examples:
      groupchat context list
      groupchat context list --room lab
    """
    from controller.output import shared_document_output
    from controller.requests import shared_document_files
    from gateway.client.paged_requests import fetch_all_pages

    async def work(client: Client) -> ContextList:
        one_scope = room is not None or member is not None or everywhere
        scope = shared_document_files.scope_from_options(room, member, everywhere) if one_scope else None
        return await fetch_all_pages(client.request, Contexts(scope=scope), ContextList)

    _shown(ctx, work, shared_document_output.print_contexts)


def delete(
    ctx: typer.Context,
    name: DocumentArgument,
    room: ContextRoomOption = None,
    member: MemberOption = None,
    everywhere: GlobalOption = False,
    version: ExpectedOption = None,
) -> None:
    """Delete a document. Its versions stay readable.

    Example:
      groupchat context delete main
    """
    from controller.output import shared_document_output
    from controller.requests import shared_document_files

    async def work(client: Client) -> Done:
        scope = shared_document_files.scope_from_options(room, member, everywhere)
        return await client.request(DeleteContext(scope=scope, name=name, version=version), Done)

    _shown(ctx, work, lambda found, as_json: shared_document_output.print_deleted(found, name, as_json))


def _save(
    ctx: typer.Context,
    owner: DocumentOwner,
    source: DocumentSource,
    request: Callable[[str, Json], PutContext | MergeContext],
) -> None:
    from controller.output import shared_document_output
    from controller.requests import shared_document_files

    async def work(client: Client) -> ContextSaved:
        scope = shared_document_files.scope_from_options(owner.room, owner.member, owner.everywhere)
        document = shared_document_files.read_document(source.file, source.template)
        return await client.request(request(scope, document), ContextSaved)

    _shown(ctx, work, shared_document_output.print_saved)


def _shown(ctx: typer.Context, work: Callable[[Client], Awaitable[T]], shown: Callable[[T, bool], None]) -> None:
    context = merge_options(ctx)
    shown(run_with_client(context, work), context.as_json)
