"""Take, list and verify snapshots.

A snapshot is a folder: a copy of the log as one moment saw it, the tokens of this folder, and a manifest with
checksums.
`groupchat serve --snapshots DIR --every 30m --keep 10` takes them by itself; `groupchat restore` brings one back.

Examples:
  groupchat snapshot now --to /backup/groupchat
  groupchat snapshot list
  groupchat snapshot verify /backup/groupchat/groupchat-20270301T101500.000Z
"""

from __future__ import annotations

import os
import shlex
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.command_line.common_options import given
from gateway.console.client_options import ClientOptions
from gateway.console.console_output import print_json, print_table, show_done
from gateway.console.login_name import login_name
from gateway.console.progress_bar import progress_bar
from gateway.console.run_command import run, run_plainly
from gateway.protocol.errors import GroupChatError
from gateway.protocol.text.printable_text import local_time_text

if TYPE_CHECKING:
    from gateway.maintenance.snapshots.restoring import Restored, RestoreWish
    from gateway.maintenance.snapshots.snapshot_opening import SnapshotOpening
    from gateway.snapshots.manifest import Manifest
    from gateway.snapshots.taking import SnapshotWish

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--to",
        metavar="DIR",
        help="The folder of the snapshots (default: that of `serve --snapshots`, or beside the state folder).",
    ),
]
LOW_PRIORITY = 10
SnapshotArgument = Annotated[
    Path, typer.Argument(metavar="SNAPSHOT", help="Its folder, or its name in `groupchat snapshot list`.")
]


def take_now(
    ctx: typer.Context,
    to: FolderOption = None,
    seal: Annotated[
        Path | None,
        typer.Option(
            "--seal",
            metavar="FILE",
            help="Seal it to this public key (see `groupchat key export`): only its owner opens it.",
        ),
    ] = None,
) -> None:
    """Take a snapshot now. The gateway may be running, and goes on meanwhile.

    Ctrl-C leaves nothing behind.

    Examples:
      groupchat snapshot now
      groupchat snapshot now --to /backup/groupchat
      groupchat snapshot now --seal boss.key
    """
    context = given(ctx)
    path = run_plainly(lambda: _take(context, to, seal), as_json=context.as_json)
    show_done({"snapshot": str(path)}, f"Taken: {path}", context.as_json)


def _take(context: ClientOptions, to: Path | None, seal: Path | None) -> Path:
    from gateway.snapshots.taking import take_snapshot

    wish = _wish_for(context, to, seal)
    os.nice(LOW_PRIORITY)  # a gateway that runs here comes first
    with progress_bar("snapshot", "bytes", as_json=context.as_json) as bar:

        def show(done: int, total: int) -> None:
            bar.expect(total)
            bar.reach(done)

        return take_snapshot(wish, time.time(), show)


def _wish_for(context: ClientOptions, to: Path | None, seal: Path | None) -> SnapshotWish:
    from gateway.maintenance.snapshots.snapshot_check import usual_folder
    from gateway.server.config_options import offline_config
    from gateway.server.state_folder.snapshot_source import snapshot_source

    config = offline_config(context.folder, os.environ, login_name())
    return snapshot_source(config, to or usual_folder(config.state), seal)


def list_all(ctx: typer.Context, to: FolderOption = None) -> None:
    """List the snapshots, oldest first, and those that are damaged.

    Example:
      groupchat snapshot list --to /backup/groupchat
    """
    from gateway.maintenance.snapshots.snapshot_check import usual_folder
    from gateway.snapshots.snapshot_folder import list_snapshots

    context = given(ctx)

    folder = run_plainly(lambda: to or usual_folder(context.folder), as_json=context.as_json)
    snapshots = run_plainly(lambda: list_snapshots(folder), as_json=context.as_json)
    if context.as_json:
        print_json({"snapshots": [_fields_of(*one) for one in snapshots]})
        return
    nothing = f"No snapshots in {folder}. `groupchat snapshot now` takes one; `--to DIR` looks elsewhere."
    rows = (_row_of(*one) for one in snapshots)
    columns = ("snapshot", "taken", "ends at", "size")
    print_table(rows, columns=columns, title=f"Snapshots in {folder}:" if snapshots else "", nothing=nothing)


def _fields_of(path: Path, found: Manifest | GroupChatError) -> dict[str, Any]:
    if isinstance(found, GroupChatError):
        return {"snapshot": str(path), "error": found.body()}
    shown = {"snapshot": str(path), "made": found.made, "last_seq": found.last_seq, "size": found.size}
    return {**shown, "schema": found.schema, "program": found.program, "sealed_to": found.sealed_to}


def _row_of(path: Path, found: Manifest | GroupChatError) -> tuple[str, ...]:
    if isinstance(found, GroupChatError):
        return path.name, "", "", found.message
    sealed = " (sealed)" if found.sealed_to else ""
    when = local_time_text(found.made, "%Y-%m-%d %H:%M", found.made)
    return path.name, when, f"#{found.last_seq}", f"{found.size / 1e6:,.1f} MB{sealed}"


def verify(ctx: typer.Context, snapshot: SnapshotArgument) -> None:
    """Check every file of a snapshot against its checksum, and its database. The exit code is 1 if it is damaged.

    Example:
      groupchat snapshot verify /backup/groupchat/groupchat-20270301T101500.000Z
    """
    from gateway.maintenance.snapshots.snapshot_check import find_snapshot
    from gateway.maintenance.snapshots.verification import verify_snapshot

    context = given(ctx)

    def checked() -> Manifest:
        with progress_bar("verify", "bytes", as_json=context.as_json) as bar:
            return verify_snapshot(find_snapshot(snapshot, context.folder), bar)

    found = run_plainly(checked, as_json=context.as_json)
    sealed = " Its database is sealed, so only the sealed files were checked." if found.sealed_to else ""
    words = f"{snapshot} is sound: {len(found.files)} files, the log up to #{found.last_seq}.{sealed}"
    show_done({"ok": True, **_fields_of(snapshot, found)}, words, context.as_json)


def restore(
    ctx: typer.Context,
    snapshot: SnapshotArgument,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put the log that is in the state folder aside, and restore in its place.")
    ] = False,
    copy: Annotated[
        bool,
        typer.Option("--copy", help="Give the log a new id, to use it beside the original; clients start over."),
    ] = False,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="The private key of a sealed snapshot.")
    ] = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Read the key's passphrase from a private file (default: ask for it)."),
    ] = None,
) -> None:
    """Restore a snapshot into a state folder. The gateway must not be running.

    Everything is checked before anything is replaced. Clients that saw later messages resume: no number is used twice,
    and a line in each room says what is lost.

    Examples:
      groupchat restore /backup/groupchat/groupchat-20270301T101500.000Z
      groupchat restore SNAPSHOT --replace
      groupchat restore SNAPSHOT --copy --state /tmp/trial
      groupchat restore SNAPSHOT --key boss-private.json
    """
    context = given(ctx)

    def restored() -> Restored:
        from gateway.maintenance.snapshots.restoring import RestoreWish
        from gateway.maintenance.snapshots.snapshot_check import find_snapshot
        from gateway.maintenance.snapshots.snapshot_opening import AS_IT_IS

        opening = _opening_with(key, passphrase_file) if key else AS_IT_IS
        found = find_snapshot(snapshot, context.folder)
        return _restore(RestoreWish(found, context.folder, replace, copy, opening), as_json=context.as_json)

    done = run_plainly(restored, as_json=context.as_json)
    run(lambda: _announce(context, done), as_json=context.as_json)
    option = f" --state {shlex.quote(context.state)}" if context.state else ""
    lines = [
        f"Restored the log up to #{done.numbers.last_seq}, as of {local_time_text(done.made, '%Y-%m-%d %H:%M')}, into "
        f"{done.state}. New messages are numbered above #{done.numbers.given}.",
        *([f"The log that was there is now in {done.put_aside}."] if done.put_aside else ()),
        f"Start it with `groupchat up{option}` or `groupchat serve{option}`.",
    ]
    show_done(asdict(done), " ".join(lines), context.as_json)


def _opening_with(key: Path, passphrase_file: Path | None) -> SnapshotOpening:
    from gateway.files.private_files import read_private
    from gateway.maintenance.snapshots.key_opening import read_opening

    def passphrase() -> str:
        if passphrase_file:
            return read_private(passphrase_file).decode(errors="surrogateescape").partition("\n")[0]
        return str(typer.prompt(f"Passphrase of {key}", hide_input=True, err=True))

    return read_opening(key, passphrase)


def _restore(wish: RestoreWish, *, as_json: bool) -> Restored:
    from gateway.maintenance.snapshots.restoring import restore_files

    with progress_bar("restore", "bytes", as_json=as_json) as bar:
        return restore_files(wish, time.time(), bar)


async def _announce(context: ClientOptions, done: Restored) -> None:
    from gateway.maintenance.snapshots.restoring import announce
    from gateway.server import log_setup
    from gateway.server.config_options import offline_config

    log_setup.configure_logging("error")  # that numbers are skipped is what was asked for
    await announce(offline_config(context.folder, os.environ, login_name()), done)
