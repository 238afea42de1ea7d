"""Prints the answers of the commands about shared documents."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from controller.output import json_diff
from controller.requests import shared_document_files
from gateway.console.console_output import print_document, print_json, print_lines, print_table
from gateway.protocol.events import ContextEvent
from gateway.protocol.results import ContextDocument, ContextHistory, ContextList, ContextSaved, Done
from gateway.protocol.text.printable_text import local_time_text

MAX_LINE_CHARS = 120


class Compared(msgspec.Struct, frozen=True):
    scope: str
    name: str
    version: int
    differences: tuple[json_diff.Difference, ...]


def print_saved(done: ContextSaved, as_json: bool) -> None:
    if as_json:
        print_json(done)
        return
    where = f"{done.name!r} of {done.scope}"
    same = "" if done.seq is not None else ", as before: nothing was changed"
    print_lines(f"{where} has version {done.version} ({done.size} bytes){same}.")


def print_document_found(found: ContextDocument, file: Path | None, as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif file is not None:
        print_lines(f"Version {found.version} of {found.name!r} of {found.scope} is in {file}.")
    else:
        print_document(shared_document_files.format_json(found.document))


def print_compared(found: Compared, as_json: bool) -> None:
    if as_json:
        print_json({**msgspec.to_builtins(found), "same": not found.differences})
        return
    for one in found.differences:
        print_lines(json_diff.difference_line(one))
    if not found.differences:
        print_lines(f"The same as version {found.version} of {found.name!r} of {found.scope}.")


def print_history(found: ContextHistory, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for one in reversed(found.changes):
        print_lines(change_line(one))
    if found.more:
        print_lines("There are more changes; use --before and --limit.", dim=True, err=True)


def change_line(one: ContextEvent) -> str:
    what = one.document if one.document is not None else one.patch
    text = "" if what is None else f"  {json.dumps(what, ensure_ascii=False)}"
    short = text if len(text) <= MAX_LINE_CHARS else f"{text[:MAX_LINE_CHARS]}..."
    return f"{one.version:>4}  {one.timestamp[:10]} {local_time_text(one.timestamp)}  {one.by}  {one.action}{short}"


def print_contexts(found: ContextList, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = (
        (one.scope, one.name, str(one.version), str(one.size), one.by, f"{one.at[:10]} {local_time_text(one.at)}")
        for one in found.contexts
    )
    print_table(rows, columns=("scope", "name", "version", "bytes", "by", "at"), nothing="No shared documents.")


def print_deleted(done: Done, name: str, as_json: bool) -> None:
    print_json(done) if as_json else print_lines(
        f"{name!r} is gone. `groupchat context history {name}` shows what it was."
    )
