"""Asks a person to agree to what a found team file would run: once per content of the file."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import msgspec
import typer

from controller.team.commands_to_approve import consent_lines, files_digest
from controller.team.team import Team
from controller.workspace.startup.rules_file_lookup import with_rules_files
from controller.workspace.startup.startup_facts import TeamFiles
from gateway.console.console_output import print_lines
from gateway.files.private_files import make_private_folder, read_private, write_private
from gateway.protocol.errors import Forbidden
from gateway.protocol.text.printable_text import shorten_line

AGREED_FILE = "agreed-teams.json"
MAX_LINE_CHARS = 300


def require_consent(state: Path, files: TeamFiles, yes: bool) -> None:
    """Ask for consent. A file that the person named needs none; one that was found in the folder does."""
    wanted = consent_lines(with_rules_files(files.team or Team(), files.folder, files.folder), files.contents)
    if files.named or not wanted:
        return
    place, found = str(files.path.resolve()), files_digest(files.contents)
    if _read_consents(state).get(place) == found:
        return
    if not yes:
        _ask_person(f"{place} ({files.distrust})" if files.distrust else place, wanted)
    make_private_folder(state)
    write_private(state / AGREED_FILE, msgspec.json.encode({**_read_consents(state), place: found}).decode())


def _ask_person(place: str, wanted: list[str]) -> None:
    if not sys.stdin.isatty():
        raise Forbidden(
            f"{place} would run, as you: {shorten_line('; '.join(wanted), MAX_LINE_CHARS)}. "
            "Nobody has agreed to that yet: "
            "read it, then run `groupchat up --yes` once, or name the file with --team."
        )
    print_lines(f"{place} is new, or has changed. It would run, as you:", *(f"  {one}" for one in wanted), err=True)
    if not typer.confirm("Start it? This is asked once for the file as it is", err=True):
        raise Forbidden("Nothing was started.")


def _read_consents(state: Path) -> dict[str, str]:
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(read_private(state / AGREED_FILE), type=dict[str, str])
    return {}
