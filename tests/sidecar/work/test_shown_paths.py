"""How paths are shown: relative to the project, safe to print, bounded."""

from __future__ import annotations

from pathlib import PurePosixPath as Path

import pytest

from gateway.protocol.types.agent_work import MAX_WORK_TEXT_CHARS
from sidecar.work.shown_paths import shown_folder, shown_path

PROJECT = Path("/home/ada/website")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/home/ada/website/src/a.py", "src/a.py"),
        ("/home/ada/website2/a.py", "…/a.py"),
        ("/etc/passwd", "…/passwd"),
        ("/home/ada/website", "…/website"),
        ("/home/ada/website/a\x1b[31m\nb", "a\ufffd[31m b"),
        ("/home/ada/website/\udcff", "?"),
        ("/home/ada/website/" + "d/" * 200 + "a.py", "…" + ("d/" * 200 + "a.py")[-MAX_WORK_TEXT_CHARS + 1 :]),
    ],
)
def test_a_file_is_shown_without_the_folders_above_the_project(path: str, shown: str) -> None:
    assert shown_path(Path(path), PROJECT) == shown


@pytest.mark.parametrize(
    ("folder", "shown"),
    [
        ("/home/ada/website", "website"),
        ("/home/ada/website/api/v1", "website/api/v1"),
        ("/srv/other", "other"),
        ("/", ""),
    ],
)
def test_a_folder_begins_with_the_name_of_its_project(folder: str, shown: str) -> None:
    assert shown_folder(Path(folder), PROJECT) == shown
