"""Which Skynet server a command talks to, and with which token.

`--server` names one: its address with or without `/ws`, as HTTP or as WebSocket. Without it, it is the listener of this
team's gateway, else the address that Skynet's own server has by default. A token is sent only to a server that was
named, or that is our own gateway.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.client.discovery.endpoint import OPERATOR_TOKENS_FOLDER, TlsTrust, check_url, is_same_gateway
from gateway.client.discovery.running_gateway import RunningGateway, read_live_gateway
from gateway.client.discovery.team_discovery import own_state_folders
from gateway.client.discovery.token_files import read_secret
from gateway.client.timeouts import Timeouts, timeouts_from
from gateway.console.client_options import ClientOptions
from gateway.files.token_masking import mask_tokens
from gateway.protocol.errors import BadRequest

SKYNET = "skynet"
DEFAULT_SERVER = "http://127.0.0.1:8000"
SOCKET_PATH = "/ws"
REMEDY = "`groupchat serve --listen skynet=127.0.0.1:8000` starts one; --server URL names another."


@dataclass(frozen=True)
class SkynetServer:
    """`url` is HTTP, without `/ws`. `operator` is the person whose token is sent, where it is that of the state
    folder. `remedy` helps if nothing answers."""

    url: str
    token: str = field(default="", repr=False)
    trust: TlsTrust = field(default_factory=TlsTrust)
    limits: Timeouts = field(default_factory=Timeouts)
    operator: str = ""
    remedy: str = REMEDY

    @property
    def shown(self) -> str:
        """The address for people, with any token in it hidden."""
        return mask_tokens(self.url)

    @property
    def secure(self) -> bool:
        return self.url.startswith("https")

    def at(self, path: str) -> str:
        return self.url + path


@dataclass(frozen=True)
class OwnListener:
    """Where a running gateway of ours listens for Skynet. `folder` is its state folder."""

    folder: Path
    running: RunningGateway
    url: str


def server_url(text: str) -> str:
    """The address of a server as HTTP, without the path of its WebSocket."""
    if "?" in text or "#" in text:
        raise BadRequest("--server takes an address without `?` and `#`. A token is set in CSP_AUTH_TOKEN.")
    return check_url(text).removesuffix(SOCKET_PATH).rstrip("/")


def find_server(env: Mapping[str, str], options: ClientOptions, named: str | None, speaker: str = "") -> SkynetServer:
    """The server, for a command that speaks as `speaker`, or, if that is empty, watches as the operator may.

    An agent without a token is a guest under the id that it gives. So the operator's token is sent only where the
    operator speaks, or watches; a token in the environment is sent by all commands.
    """
    trust = TlsTrust(
        options.cafile or env.get("GROUPCHAT_CAFILE"), options.fingerprint or env.get("GROUPCHAT_FINGERPRINT")
    )
    given, limits = env.get("CSP_AUTH_TOKEN", ""), timeouts_from(env)
    url = server_url(named) if named is not None else ""
    folders = [options.folder] if named is None else [options.folder, *own_state_folders()]
    if (own := _own_listener(url, folders)) is None:
        if named is None:
            remedy = f"The gateway of {options.folder} does not listen for Skynet, or does not run. {REMEDY}"
            return SkynetServer(DEFAULT_SERVER, "", _trust_for(trust, DEFAULT_SERVER), limits, remedy=remedy)
        return SkynetServer(url, given, _trust_for(trust, url), limits)
    running = own.running
    known = speaker in ("", running.operator)
    kept = (read_secret(own.folder / OPERATOR_TOKENS_FOLDER / running.operator) or "") if known and not given else ""
    own_trust = TlsTrust(trust.cafile, running.fingerprint) if own.url.startswith("https") else TlsTrust()
    return SkynetServer(url or own.url, given or kept, own_trust, limits, running.operator if kept else "")


def _own_listener(url: str, folders: Iterable[Path]) -> OwnListener | None:
    """The listener of a running gateway of ours at this address, or at any if it is empty."""
    for folder in dict.fromkeys(folders):
        running = read_live_gateway(folder)
        if running is None or SKYNET not in running.listeners:
            continue
        found = server_url(running.listeners[SKYNET])
        if not url or is_same_gateway(url, found):
            return OwnListener(folder, running, found)
    return None


def _trust_for(trust: TlsTrust, url: str) -> TlsTrust:
    if trust.fingerprint and not url.startswith("https"):
        raise BadRequest(f"A fingerprint pins a certificate, and {mask_tokens(url)} has none: use https:// or wss://.")
    return trust


def choose_server(options: ClientOptions, named: str | None, speaker: str = "") -> SkynetServer:
    return find_server(os.environ, options, named, speaker)
