"""Settings that a process of ours makes at its start: enough descriptors, files readable only by their owner, and no
copy of its memory, which holds tokens, for anybody else."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import sys
from dataclasses import dataclass

WANTED_DESCRIPTORS = 65536
PR_SET_DUMPABLE = 4


@dataclass(frozen=True)
class InheritedLimits:
    """The limits with which the process was started, for programs of others that it starts."""

    umask: int
    core: tuple[int, int]

    def give_back(self) -> None:
        os.umask(self.umask)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, self.core)


def make_process_private() -> InheritedLimits:
    """From here on, new files are readable only by their owner, and a crash writes no core file."""
    inherited = InheritedLimits(os.umask(0o077), resource.getrlimit(resource.RLIMIT_CORE))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, inherited.core[1]))
    return inherited


def hide_memory() -> None:
    """Hide environment and memory of this process from other processes of the same user, agents among them, as far as
    the system can. Child processes are not affected."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def raise_descriptor_limit() -> int:
    """Raise the soft limit as far as allowed; return the new value."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    best = WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(WANTED_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < best:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (best, hard))
    return descriptor_limit()


def descriptor_limit() -> int:
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return WANTED_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
