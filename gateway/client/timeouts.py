"""All time limits for waiting for a gateway. Pure: the environment is an argument.

Every connection and request has such a limit unless the caller asks to wait without end. So every command ends,
whatever the gateway does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.protocol.errors import BadRequest

TIMEOUT_VARIABLE = "GROUPCHAT_TIMEOUT"
NO_LIMIT_S = math.inf
OPEN_TIMEOUT_S = 10.0
REMOTE_OPEN_TIMEOUT_S = 30.0  # leaves time to try other transports
ANSWER_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Timeouts:
    """Seconds until a connection must be usable, on this machine and remotely, and until a request must be answered."""

    opens: float = OPEN_TIMEOUT_S
    opens_elsewhere: float = REMOTE_OPEN_TIMEOUT_S
    answers: float = ANSWER_TIMEOUT_S

    @property
    def closes(self) -> float:
        return min(CLOSE_TIMEOUT_S, self.answers)


def timeout_environment(env: Mapping[str, str]) -> dict[str, str]:
    """An environment with only the timeout setting, for the gateway of a folder, whatever other variables are set."""
    return {TIMEOUT_VARIABLE: env[TIMEOUT_VARIABLE]} if TIMEOUT_VARIABLE in env else {}


def timeouts_from(env: Mapping[str, str]) -> Timeouts:
    """The limits: all as GROUPCHAT_TIMEOUT says, else the defaults."""
    chosen = env.get(TIMEOUT_VARIABLE, "").strip()
    if not chosen:
        return Timeouts()
    try:
        seconds = float(chosen)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise BadRequest(f"{TIMEOUT_VARIABLE} is {chosen[:40]!r}, but must be a number of seconds above 0.")
    return Timeouts(seconds, seconds, seconds)
