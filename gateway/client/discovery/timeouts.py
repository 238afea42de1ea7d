"""How long is waited for a gateway, by everything that waits for one. Pure: the environment is an argument.

No connection is made, and no request asked, without such a limit, unless who asks says that it waits for ever: so every
command ends, whatever the gateway does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.protocol.errors import BadRequest

VARIABLE = "GROUPCHAT_TIMEOUT"
FOR_EVER = math.inf
OPENS_WITHIN_S = 10.0
OPENS_ELSEWHERE_WITHIN_S = 30.0  # other ways to connect may have to be tried
ANSWERS_WITHIN_S = 30.0
CLOSES_WITHIN_S = 1.0


@dataclass(frozen=True)
class WaitLimits:
    """In seconds: until a connection is usable, on this machine and to another one, and until a request is answered."""

    opens: float = OPENS_WITHIN_S
    opens_elsewhere: float = OPENS_ELSEWHERE_WITHIN_S
    answers: float = ANSWERS_WITHIN_S

    @property
    def closes(self) -> float:
        return min(CLOSES_WITHIN_S, self.answers)


def limit_alone(env: Mapping[str, str]) -> dict[str, str]:
    """An environment that says nothing else: the gateway of a folder is meant, whatever else is set."""
    return {VARIABLE: env[VARIABLE]} if VARIABLE in env else {}


def limits_in(env: Mapping[str, str]) -> WaitLimits:
    """As GROUPCHAT_TIMEOUT says, for all of them; else the usual ones."""
    chosen = env.get(VARIABLE, "").strip()
    if not chosen:
        return WaitLimits()
    try:
        seconds = float(chosen)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise BadRequest(f"{VARIABLE} is {chosen[:40]!r}; it is a number of seconds above 0.")
    return WaitLimits(seconds, seconds, seconds)
