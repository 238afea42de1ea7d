"""The operator's settings that the rules use. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.protocol.types.loop_limits import Limits
from gateway.turns.floor import TurnTimeouts
from gateway.turns.mode import Mode


@dataclass(frozen=True)
class RuleSettings:
    """`remind_asks`: seconds after which an agent's open question is announced again. `collision_window`: seconds
    within which two agents that write the same file are told of it; 0: they never are."""

    limits: Limits = field(default_factory=Limits)
    patience: TurnTimeouts = field(default_factory=TurnTimeouts)
    remind_asks: float = 120.0
    collision_window: float = 600.0
    modes: Mapping[str, Mode] = field(default_factory=dict)
