"""The options by which every command reaches its gateway: team, address, token, state folder, passphrase of a key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gateway.client.discovery.team_choice import STATE_VARIABLE, TeamChoice

if TYPE_CHECKING:
    from gateway.client.discovery.endpoint import Endpoint

PASSPHRASE_VARIABLE = "GROUPCHAT_PASSPHRASE_FILE"


class ClientOptions(msgspec.Struct, frozen=True):
    """The values of the common options: how to reach the gateway, and whether to answer in JSON."""

    gateway: str | None = None
    state: str | None = None
    cafile: str | None = None
    fingerprint: str | None = None
    passphrase_file: str | None = None
    as_json: bool = False

    @property
    def passphrase_path(self) -> Path | None:
        """The private file that holds the passphrase of one's key, if one is named."""
        named = self.passphrase_file or os.environ.get(PASSPHRASE_VARIABLE, "")
        return Path(named).absolute() if named else None

    @property
    def named_gateway(self) -> str:
        """The address of a gateway that is named explicitly, independent of the team of this folder."""
        return self.gateway or os.environ.get("CSP_GATEWAY_URL", "")

    @property
    def folder(self) -> Path:
        """The state folder that these options select."""
        from gateway.client.discovery.endpoint import state_for

        return state_for(os.environ, gateway=self.gateway, state=self.state)

    def team(self) -> TeamChoice:
        from gateway.client.discovery.team_discovery import team_for_folder

        return team_for_folder(os.environ, self.state)

    def passphrase_environment(self) -> dict[str, str]:
        """The variable that names the file with the passphrase, for a chat that is started in another process."""
        return {PASSPHRASE_VARIABLE: str(self.passphrase_path)} if self.passphrase_path else {}

    def as_environment(self) -> dict[str, str]:
        """Variables that select the same gateway for a command without options, whichever folder it runs in."""
        wanted = {
            STATE_VARIABLE: str(self.folder),
            "CSP_GATEWAY_URL": self.gateway,
            "GROUPCHAT_CAFILE": self.cafile,
            "GROUPCHAT_FINGERPRINT": self.fingerprint,
            **self.passphrase_environment(),
        }
        return {name: value for name, value in wanted.items() if value}

    def endpoint(self) -> Endpoint:
        from gateway.client.discovery.endpoint import find_endpoint

        return find_endpoint(
            os.environ,
            gateway=self.gateway,
            state=self.state,
            cafile=self.cafile,
            fingerprint=self.fingerprint,
        )
