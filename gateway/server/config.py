"""Everything that an operator decides about one gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gateway.access.rate_limit import Rate
from gateway.agent_control.approvals import REMIND_AFTER
from gateway.api.origins import LOOPBACK_NAMES
from gateway.client.discovery.endpoint import DEFAULT_PORT
from gateway.protocol.errors import BadRequest
from gateway.protocol.loop_limits import Limits
from gateway.runtime.hub import GUEST_RATE
from gateway.server.listeners import Listen, once_each
from gateway.turns.engine import Patience


@dataclass(frozen=True)
class Config:
    """Everything an operator decides about one gateway."""

    state: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    store: str = ""
    operator: str = "operator"
    operator_chosen: bool = False
    agents: tuple[str, ...] = ()
    waits_for_port: bool = False
    team_token: str | None = None
    cert: str | None = None
    key: str | None = None
    insecure: bool = False
    allow_hosts: tuple[str, ...] = ()
    rate: Rate = field(default_factory=Rate)
    guest_rate: Rate = GUEST_RATE
    patience: Patience = field(default_factory=Patience)
    remind_asks: float = REMIND_AFTER
    limits: Limits = field(default_factory=Limits)
    synchronous: str = "FULL"
    listen: tuple[Listen, ...] = ()
    modes: Path | None = None

    def __post_init__(self) -> None:
        once_each(self.listen)
        for host in (self.host, *(one.host for one in self.listen)):
            if host not in LOOPBACK_NAMES and self.cert is None and not self.insecure:
                raise BadRequest(
                    f"On {host} tokens would cross the network in the clear. Give --cert FILE --key FILE, "
                    "or --insecure if something in front of this gateway does TLS."
                )
