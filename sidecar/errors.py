"""What can go wrong in a sidecar, as sentences a person can act on.

SidecarError
 ├─ CannotStart     the program could not be started
 ├─ BadRules        a rules file that cannot be used
 ├─ BadRecording    a recording that cannot be replayed
 ├─ AlreadyRunning  another sidecar has this name
 └─ NotRunning      no sidecar has this name, or it does not answer
"""

from __future__ import annotations


class SidecarError(Exception):
    """The root of this package's errors."""


class CannotStart(SidecarError):
    pass


class BadRules(SidecarError):
    pass


class BadRecording(SidecarError):
    pass


class AlreadyRunning(SidecarError):
    def __init__(self, name: str, pid: str) -> None:
        super().__init__(
            f"{name} is already running on this machine, as process {pid or 'unknown'}. "
            f"Stop it first, or join under another name."
        )
        self.name, self.pid = name, pid


class NotRunning(SidecarError):
    pass
