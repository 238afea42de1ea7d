"""How the commands about shared documents answer."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from controller import context_diff, context_files
from controller.show import clock, printable
from gateway.client.terminal import show_json
from gateway.protocol.events import ContextEvent
from gateway.protocol.results import ContextDocument, ContextHistory, ContextList, ContextSaved, Done

LONGEST = 120


class Compared(msgspec.Struct, frozen=True):
    scope: str
    name: str
    version: int
    differences: tuple[context_diff.Difference, ...]


def saved(done: ContextSaved, as_json: bool) -> None:
    if as_json:
        show_json(done)
        return
    where = f"{done.name!r} of {done.scope}"
    same = "" if done.seq is not None else ", as before: nothing was changed"
    typer.echo(f"{where} has version {done.version} ({done.size} bytes){same}.")


def document(found: ContextDocument, file: Path | None, as_json: bool) -> None:
    if as_json:
        show_json(found)
    elif file is not None:
        typer.echo(f"Version {found.version} of {found.name!r} of {found.scope} is in {file}.")
    else:
        typer.echo(context_files.pretty(found.document))


def compared(found: Compared, as_json: bool) -> None:
    if as_json:
        show_json({**msgspec.to_builtins(found), "same": not found.differences})
        return
    for one in found.differences:
        typer.echo(printable(context_diff.line(one)))
    if not found.differences:
        typer.echo(f"The same as version {found.version} of {found.name!r} of {found.scope}.")


def history(found: ContextHistory, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    for one in reversed(found.changes):
        typer.echo(printable(change_line(one)))
    if found.more:
        typer.secho("There is more; --before and --limit reach it.", dim=True, err=True)


def change_line(one: ContextEvent) -> str:
    what = one.document if one.document is not None else one.patch
    text = "" if what is None else f"  {json.dumps(what, ensure_ascii=False)}"
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return f"{one.version:>4}  {one.timestamp[:10]} {clock(one.timestamp)}  {one.by}  {one.action}{short}"


def listed(found: ContextList, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    table = Table("scope", "name", "version", "bytes", "by", "at")
    for one in found.contexts:
        at = f"{one.at[:10]} {clock(one.at)}"
        table.add_row(one.scope, one.name, str(one.version), str(one.size), one.by, at)
    Console().print(table)


def deleted(done: Done, name: str, as_json: bool) -> None:
    show_json(done) if as_json else typer.echo(
        f"{name!r} is gone. `groupchat context history {name}` shows what it was."
    )
