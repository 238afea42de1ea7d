"""How the commands about shared documents answer."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from controller.output import context_diff
from controller.requests import context_files
from gateway.client.console.console_output import say, show_document, show_json, show_table
from gateway.protocol.events import ContextEvent
from gateway.protocol.results import ContextDocument, ContextHistory, ContextList, ContextSaved, Done
from gateway.protocol.text.printable_text import clock

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
    say(f"{where} has version {done.version} ({done.size} bytes){same}.")


def document(found: ContextDocument, file: Path | None, as_json: bool) -> None:
    if as_json:
        show_json(found)
    elif file is not None:
        say(f"Version {found.version} of {found.name!r} of {found.scope} is in {file}.")
    else:
        show_document(context_files.pretty(found.document))


def compared(found: Compared, as_json: bool) -> None:
    if as_json:
        show_json({**msgspec.to_builtins(found), "same": not found.differences})
        return
    for one in found.differences:
        say(context_diff.line(one))
    if not found.differences:
        say(f"The same as version {found.version} of {found.name!r} of {found.scope}.")


def history(found: ContextHistory, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    for one in reversed(found.changes):
        say(change_line(one))
    if found.more:
        say("There is more; --before and --limit reach it.", dim=True, err=True)


def change_line(one: ContextEvent) -> str:
    what = one.document if one.document is not None else one.patch
    text = "" if what is None else f"  {json.dumps(what, ensure_ascii=False)}"
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return f"{one.version:>4}  {one.timestamp[:10]} {clock(one.timestamp)}  {one.by}  {one.action}{short}"


def listed(found: ContextList, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    rows = (
        (one.scope, one.name, str(one.version), str(one.size), one.by, f"{one.at[:10]} {clock(one.at)}")
        for one in found.contexts
    )
    show_table(rows, columns=("scope", "name", "version", "bytes", "by", "at"))


def deleted(done: Done, name: str, as_json: bool) -> None:
    show_json(done) if as_json else say(f"{name!r} is gone. `groupchat context history {name}` shows what it was.")
