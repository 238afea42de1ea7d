"""The configuration of one gateway, with the default of each setting.

`gateway.server.config_options` says what each option of `groupchat serve` means, and its bounds.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gateway.access.rate_limit import Rate
from gateway.client.discovery.local_defaults import DEFAULT_PORT, LOOPBACK_NAMES
from gateway.model.records.operator_settings import RuleSettings
from gateway.protocol.errors import BadRequest
from gateway.runtime.listen_option import Listen, once_each

DEFAULT_SERVER_NAME = "llm-groupchat"
MAX_SERVER_NAME_CHARS = 64
EMBED_EXAMPLE = "http://127.0.0.1:11434/v1"
ADDRESS_BEGINNINGS = ("http://", "https://")


@dataclass(frozen=True)
class SnapshotSettings:
    """Without a folder no snapshots are taken. `seal`: a file with the public key to which they are sealed."""

    folder: Path | None = None
    every_s: float = 3600.0
    keep: int = 10
    seal: Path | None = None


@dataclass(frozen=True)
class Config:
    """All settings of a gateway, with their defaults. `guest_rate` limits one client of a dialect whose specification
    asks for its own rate. `modes_folder` holds a team's own modes, which the start reads into `rules`. `skynet_config`
    is a file with the settings of the Skynet listener, `jwt` one with the identity providers whose tokens are accepted.
    `embed` is the endpoint of an embedding model, or the folder of one.
    `stuck_after` and `synchronous` are no command line options: a gateway reports that it is stuck when the disk keeps
    a message waiting for `stuck_after` seconds."""

    state: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    store: str = ""
    store_password_file: Path | None = None
    store_password: str | None = field(default=None, repr=False)
    accept_loss: bool = False
    store_replicas: int = 0
    redis_mirror: bool = False
    advertise: str = ""
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
    server_name: str = DEFAULT_SERVER_NAME
    modes_folder: Path | None = None
    skynet_config: Path | None = None
    jwt: Path | None = None
    embed: str = ""
    embed_model: str = ""
    embed_key: str | None = field(default=None, repr=False)
    snapshots: SnapshotSettings = field(default_factory=SnapshotSettings)

    def __post_init__(self) -> None:
        once_each(self.listen)
        if not self.server_name.isprintable() or not 0 < len(self.server_name.strip()) <= MAX_SERVER_NAME_CHARS:
            raise BadRequest(f"--name takes 1 to {MAX_SERVER_NAME_CHARS} characters on one line.")
        _check_embedding(self)
        for host in (self.host, *(one.host for one in self.listen)):
            if host not in LOOPBACK_NAMES and self.cert is None and not self.insecure:
                raise BadRequest(
                    f"On {host}, tokens would be sent over the network unencrypted. Give --cert FILE --key FILE, "
                    "or --insecure if a proxy in front of this gateway does TLS."
                )

    @property
    def embed_folder(self) -> Path | None:
        """Where the embedding model is, if `embed` is no address."""
        if not self.embed or self.embed.lower().startswith(ADDRESS_BEGINNINGS):
            return None
        return Path(os.path.abspath(os.path.expanduser(self.embed)))


def _check_embedding(config: Config) -> None:
    """Every public message goes to the endpoint, and the key with it. A model in a folder sends nothing."""
    if not config.embed or config.embed_folder is not None:
        return
    if not config.embed_model:
        raise BadRequest("--embed needs the name of the model, too: --embed-model NAME.")
    parts = urlsplit(config.embed)
    if not parts.hostname:
        raise BadRequest(f"--embed takes the address of an endpoint, such as {EMBED_EXAMPLE}, not {config.embed!r}.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_NAMES and not config.insecure:
        raise BadRequest(
            f"Messages would be sent to {parts.hostname} unencrypted. Give an https address to --embed, or --insecure "
            "if the network is your own."
        )
