"""What `groupchat doctor` says about the snapshots of a state folder."""

from __future__ import annotations

from pathlib import Path

from gateway.console.snapshot_text import snapshot_text, snapshot_warning
from gateway.files.private_files import read_private
from gateway.protocol.errors import NotFound
from gateway.protocol.results import SnapshotStanding
from gateway.protocol.text.printable_text import local_time_text
from gateway.runtime.config import Config
from gateway.server.state_folder.open_store import database_of
from gateway.snapshots.disk_space import missing_space
from gateway.snapshots.manifest import Manifest
from gateway.snapshots.schedule import FOLDER_NOTE
from gateway.snapshots.snapshot_folder import default_folder, list_snapshots

REMEDY = "Mend that; the gateway tries again within five minutes. `groupchat snapshot now` takes one at once."

Verdict = tuple[bool, str, str]


def usual_folder(state: Path) -> Path:
    """Where the snapshots of a state folder lie, if nobody names a folder: where `serve --snapshots` put them."""
    return noted_folder(state) or default_folder(state)


def noted_folder(state: Path) -> Path | None:
    try:
        return Path(read_private(state / FOLDER_NOTE).decode().strip())
    except FileNotFoundError:
        return None


def find_snapshot(named: Path, state: Path) -> Path:
    """The folder of a snapshot that is named by its path, or by its name in the usual folder."""
    usual = usual_folder(state)
    found = named if named.is_dir() or named.name != str(named) else usual / named
    if found.is_dir():
        return found
    raise NotFound(
        f"There is no snapshot {named} here or in {usual}, where {state} has its own. `groupchat snapshot list` "
        "lists them; with --to DIR, those of another folder."
    )


def snapshot_verdict(state: Path, standing: SnapshotStanding | None) -> Verdict | None:
    """Whether all is well, what was found, and what to do. None where no gateway was ever told to take snapshots.
    `standing`: what the running gateway says, if it takes any."""
    folder = noted_folder(state)
    if folder is None:
        return None
    if standing is None:
        return True, f"{folder}: {_newest_text(folder)}; none is taken now", ""
    told = f"{folder}: {snapshot_text(standing)}"
    missing = missing_space(state, database_of(Config(state)), folder)
    if snapshot_warning(standing):
        return False, told, " ".join(one for one in (missing, REMEDY) if one and one not in told)
    return not missing, told, f"{missing} Free some space there." if missing else ""


def _newest_text(folder: Path) -> str:
    try:
        sound = [one for _, one in list_snapshots(folder) if isinstance(one, Manifest)]
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    if not sound:
        return "there is no snapshot"
    return f"the newest is of {local_time_text(sound[-1].made, '%Y-%m-%d %H:%M', sound[-1].made)}"
