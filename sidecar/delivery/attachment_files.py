"""The files that hold attachments too long to be typed. They are readable by their owner alone and lie in a folder that
the agent may read without asking its user. The newest files are kept while the agent lives, because it may read one
again."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from pathlib import Path

import structlog

from gateway.files.private_files import make_private_folder, write_private
from gateway.protocol.errors import GroupChatError

MAX_KEPT_FILES = 100
log = structlog.get_logger("sidecar.delivery.attachment_files")


class AttachmentFiles:
    def __init__(self, find: Callable[[], Path]) -> None:
        self._find = find
        self._one = threading.Lock()

    @cached_property
    def folder(self) -> Path:
        """The folder stays the same while the agent runs, because prompts name it."""
        return self._find()

    def put(self, files: Mapping[Path, str]) -> bool:
        """Write the files; return whether they were written. If not, no prompt may name them. May run in a thread."""
        with self._one:
            return self._put(files)

    def _put(self, files: Mapping[Path, str]) -> bool:
        try:
            for path, text in files.items():
                make_private_folder(self.folder)
                write_private(path, text)
            if files:
                self._drop_oldest(files)
        except (OSError, GroupChatError) as error:
            log.error("cannot write the attachments of a message", error=str(error))
            return False
        return True

    def _drop_oldest(self, named: Collection[Path]) -> None:
        """Delete the oldest files, but never one that the next prompt names."""
        others = (path for path in self.folder.iterdir() if path not in named)
        found = sorted(others, key=lambda path: path.stat().st_mtime_ns)
        for path in found[: max(0, len(found) + len(named) - MAX_KEPT_FILES)]:
            path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete the folder. Called when the agent has ended and does not come back; a thread may still be writing."""
        with self._one:
            shutil.rmtree(self.folder, ignore_errors=True)
