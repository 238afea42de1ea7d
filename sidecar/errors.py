"""What can go wrong in a sidecar, as sentences a person can act on.

SidecarError
 ├─ CannotStart     the program could not be started
 ├─ BadRules        a rules file that cannot be used
 └─ BadRecording    a recording that cannot be replayed
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
