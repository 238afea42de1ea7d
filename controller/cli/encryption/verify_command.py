"""`groupchat verify`: checks the signatures of an export, or of a transcript in JSON, without a gateway."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.command_line.common_options import given
from gateway.console.client_options import ClientOptions
from gateway.console.console_output import print_json, print_lines, print_table
from gateway.protocol.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from controller.requests.encryption.export_check import Checker, ExportedRoom, ExportFinding, ExportReport
    from gateway.encryption.member_client.member_machine import MemberMachine

MAX_KEYS_FILE_BYTES = 4 * 1024 * 1024
EXIT_WRONG = 1
_ROWS = {
    "verified": "signed by a key that a person compared",
    "signed": "signed by a key that nobody compared",
    "unsigned": "without a signature that can be checked: only the file's word",
    "wrong": "WRONG: not what its writer wrote, or not by its writer",
    "unreadable": "sealed, and not to a key of this machine",
    "system": "notices of the gateway",
}


def verify_export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `export` or `transcript --json` wrote.")],
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys", metavar="FILE", help="Check with these keys, one `key export` a line (default: those known here)."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="Open what is sealed with this member's key (default: the only person's here).",
        ),
    ] = None,
) -> None:
    """Check who wrote the messages of an exported room, and whether any was changed, moved or left out.

    No gateway is asked. What is sealed is opened if the key is on this machine. The exit code is 1 if something is
    wrong or missing.

    Examples:
      groupchat export lab -o lab.jsonl && groupchat verify lab.jsonl
      groupchat verify lab.jsonl --keys members.keys --json
    """
    from controller.requests.encryption.export_check import check_export
    from controller.requests.encryption.export_file import read_exported

    context = given(ctx)
    exported = read_exported(file)
    report = check_export(exported, _checker(context, exported, keys, name))
    print_json(_report_fields(report)) if context.as_json else _print_report(report)
    if report.is_wrong:
        raise typer.Exit(EXIT_WRONG)


def _checker(context: ClientOptions, exported: ExportedRoom, keys: Path | None, name: str | None) -> Checker:
    from controller.requests.encryption.export_check import (
        Checker,
        own_pins,
        pins_of_file,
        pins_of_machine,
        room_keys_of_machine,
    )

    others = pins_of_file(_read_keys_file(keys)) if keys else pins_of_machine(context.folder)
    pins = {**others, **own_pins(context.folder)}
    machine = _own_machine(context, exported, name)
    if machine is None:
        return Checker(pins)
    opened = room_keys_of_machine(machine, exported.house, exported.room)
    return Checker(pins, machine.name, machine.keys, opened)


def _own_machine(context: ClientOptions, exported: ExportedRoom, name: str | None) -> MemberMachine | None:
    """The opened keys of the reader. A passphrase is asked only if the file holds anything that is sealed."""
    from controller.requests.encryption.known_keys import only_reader
    from controller.requests.encryption.member_client import KeyAccess, open_own_machine
    from gateway.encryption.key_storage.key_files import list_keys

    names = sorted({one.published.record.name for one in list_keys(context.folder)})
    if name is not None and name not in names:
        raise NotFound(f"There is no key of {name} on this machine.", nearest=names)
    if not any(one.sealed is not None for one in exported.messages):
        return None
    chosen = name or only_reader(context.folder)
    return open_own_machine(chosen, KeyAccess.of(context)) if chosen else None


def _read_keys_file(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_KEYS_FILE_BYTES + 1)
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.") from None
    if len(content) > MAX_KEYS_FILE_BYTES:
        raise BadRequest(f"{path} is too large for a list of keys.")
    return content.decode(errors="replace")


def _report_fields(report: ExportReport) -> dict[str, Any]:
    return {
        "room": report.room,
        "counts": report.counts,
        "wrong": report.is_wrong,
        "problems": report.problems,
        "messages": [_finding_fields(one) for one in report.findings],
    }


def _finding_fields(one: ExportFinding) -> dict[str, Any]:
    message = one.message
    return {
        "seq": message.seq,
        "from": message.from_,
        "proof": message.check.proof,
        "sealed": message.check.was_sealed,
        "missing_before": one.is_missing,
        "sentences": one.sentences,
    }


def _print_report(report: ExportReport) -> None:
    rows = [(str(count), kind, _ROWS[kind]) for kind, count in report.counts.items() if count]
    print_table(rows, columns=("messages", "proof", "what that means"), nothing="The file holds no messages.")
    for one in report.findings:
        for sentence in one.sentences:
            print_lines(f"#{one.message.seq} {one.message.from_}: {sentence}", fg=_colour_of(one))
    print_lines(*report.problems, fg=typer.colors.RED)
    if not report.is_wrong:
        print_lines("Nothing is wrong or missing, as far as there are signatures.")
    if closed := report.counts["unreadable"]:
        print_lines(f"{closed} could not be opened, so they were not checked. --name NAME says whose key opens them.")


def _colour_of(one: ExportFinding) -> str | None:
    return typer.colors.RED if one.is_wrong else None
