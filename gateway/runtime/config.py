"""The configuration of one gateway, with the default of each setting.

`gateway.server.config_options` says what each option of `groupchat serve` means, and its bounds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gateway.access.rate_limit import Rate
from gateway.client.discovery.local_addresses import DEFAULT_PORT, LOOPBACK_NAMES
from gateway.model.rule_settings import RuleSettings
from gateway.protocol.errors import BadRequest
from gateway.runtime.listen import Listen, once_each


@dataclass(frozen=True)
class Config:
    """`guest_rate` limits one client of a dialect whose specification asks for its own rate. `modes_folder` holds a
    team's own modes, which the start reads into `rules`. `stuck_after` and `synchronous` are no command line options: a
    gateway reports that it is stuck when the disk keeps a message waiting for `stuck_after` seconds."""

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
    guest_rate: Rate = field(default_factory=lambda: Rate(10, 1))
    rules: RuleSettings = field(default_factory=RuleSettings)
    synchronous: str = "FULL"
    stuck_after: float = 5.0
    listen: tuple[Listen, ...] = ()
    modes_folder: Path | None = None

    def __post_init__(self) -> None:
        once_each(self.listen)
        for host in (self.host, *(one.host for one in self.listen)):
            if host not in LOOPBACK_NAMES and self.cert is None and not self.insecure:
                raise BadRequest(
                    f"On {host} tokens would cross the network in the clear. Give --cert FILE --key FILE, "
                    "or --insecure if something in front of this gateway does TLS."
                )
