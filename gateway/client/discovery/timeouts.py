"""How long is waited for a gateway, by everything that waits for one. Pure: the environment is an argument.

No connection is made, and no request asked, without such a limit, unless who asks says that it waits for ever: so every
command ends, whatever the gateway does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.protocol.errors import BadRequest

TIMEOUT_VARIABLE = "GROUPCHAT_TIMEOUT"
NO_LIMIT_S = math.inf
OPEN_TIMEOUT_S = 10.0
REMOTE_OPEN_TIMEOUT_S = 30.0  # other ways to connect may have to be tried
ANSWER_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Timeouts:
    """In seconds: until a connection is usable, on this machine and to another one, and until a request is answered."""

    opens: float = OPEN_TIMEOUT_S
    opens_elsewhere: float = REMOTE_OPEN_TIMEOUT_S
    answers: float = ANSWER_TIMEOUT_S

    @property
    def closes(self) -> float:
        return min(CLOSE_TIMEOUT_S, self.answers)


def timeout_environment(env: Mapping[str, str]) -> dict[str, str]:
    """An environment that says nothing else: the gateway of a folder is meant, whatever else is set."""
    return {TIMEOUT_VARIABLE: env[TIMEOUT_VARIABLE]} if TIMEOUT_VARIABLE in env else {}


def timeouts_from(env: Mapping[str, str]) -> Timeouts:
    """As GROUPCHAT_TIMEOUT says, for all of them; else the usual ones."""
    chosen = env.get(TIMEOUT_VARIABLE, "").strip()
    if not chosen:
        return Timeouts()
    try:
        seconds = float(chosen)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise BadRequest(f"{TIMEOUT_VARIABLE} is {chosen[:40]!r}; it is a number of seconds above 0.")
    return Timeouts(seconds, seconds, seconds)
