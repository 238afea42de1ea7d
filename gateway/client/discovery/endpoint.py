"""The gateway's address and the token for it: from options, environment, or the state folder of the running team."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit, urlunsplit

from gateway.client.discovery.local_defaults import DEFAULT_PORT, LOOPBACK_NAMES
from gateway.client.discovery.running_gateway import (
    LOCK_FILE,
    RunningGateway,
    read_live_gateway,
    read_running,
    silent_gateway_remedy,
    start_remedy,
)
from gateway.client.discovery.team_choice import ChoiceBasis
from gateway.client.discovery.team_discovery import (
    home_folder,
    named_folder,
    own_state_folders,
    state_folder,
    team_for_folder,
)
from gateway.client.timeouts import Timeouts, timeouts_from
from gateway.files.private_files import read_private
from gateway.files.token_masking import mask_tokens
from gateway.protocol.errors import BadRequest, TimedOut, Unauthorized, Unavailable

if TYPE_CHECKING:
    import ssl

OPERATOR_TOKENS_FOLDER = Path("tokens") / "people"
SOCKET_URL = "http://localhost"
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"


@dataclass(frozen=True)
class TlsTrust:
    """Which certificates are trusted: the system's, those of a file, or exactly one by its SHA-256 fingerprint."""

    cafile: str | None = None
    fingerprint: str | None = None

    def __post_init__(self) -> None:
        if self.fingerprint is not None and not _SHA256.fullmatch(self._pinned):
            raise BadRequest(f"{self.fingerprint[:100]!r} is not a SHA-256 fingerprint: 64 hexadecimal digits.")

    @property
    def _pinned(self) -> str:
        return (self.fingerprint or "").lower().replace(":", "")

    def matches_certificate(self, fingerprint: str | None) -> bool:
        """Whether the pinned fingerprint is this certificate's."""
        import hmac  # noqa: PLC0415  only who pins a certificate pays for it

        return hmac.compare_digest(self._pinned, (fingerprint or "").lower())

    def context(self) -> ssl.SSLContext:
        from gateway.client.discovery.tls_context import create_tls_context  # noqa: PLC0415  a unix socket needs no TLS

        return create_tls_context(self.cafile, self._pinned)


_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Endpoint:
    """`socket` is the unix socket of a gateway on this machine that must be ours; then `url` is only its displayed
    address. `remedy` helps if no gateway runs, `if_silent` if one runs and does not answer. `limits` are the timeouts.
    """

    url: str
    token: str = field(repr=False)
    trust: TlsTrust = TlsTrust()
    socket: Path | None = None
    remedy: str = "Look whether it runs there; `groupchat serve` starts one on this machine."
    if_silent: str = "If that goes on, look at the machine where it runs."
    limits: Timeouts = field(default_factory=Timeouts)

    def silent(self, what: str, seconds: float) -> TimedOut:
        """The timeout error: what was awaited, for how long, and what to do."""
        return TimedOut(f"The gateway at {self.shown} did not answer {what} within {seconds:g} s. {self.if_silent}")

    def at(self, path: str, *, websocket: bool = False) -> str:
        parts = urlsplit(SOCKET_URL if self.socket else self.url)
        scheme = parts.scheme.replace("http", "ws", 1) if websocket else parts.scheme
        return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + path, "", ""))

    @property
    def shown(self) -> str:
        """The address for people and logs, with any token in the path hidden."""
        return mask_tokens(self.url)

    @property
    def secure(self) -> bool:
        return self.socket is None and self.url.startswith("https")


def find_endpoint(  # noqa: PLR0913 - the options a person may give
    env: Mapping[str, str],
    *,
    gateway: str | None = None,
    token: str | None = None,
    state: str | os.PathLike[str] | None = None,
    cafile: str | None = None,
    fingerprint: str | None = None,
) -> Endpoint:
    """Find the gateway: options first, then the environment, then the team of this folder. The team's own gateway is
    reached by its unix socket only, whatever its address: while it is down, another process may have its port. A token
    from a state folder is sent nowhere else. A gateway that is named explicitly wins over team files."""
    given, pinned = token or env.get("CSP_AUTH_TOKEN"), fingerprint or env.get("GROUPCHAT_FINGERPRINT")
    wish = _Credentials(given, TlsTrust(cafile or env.get("GROUPCHAT_CAFILE"), pinned), by_option=state is not None)
    limits = timeouts_from(env)
    if named := gateway or env.get("CSP_GATEWAY_URL"):
        url = check_url(named)
        found = _endpoint_at(url, _team_folder_at(url, named_folder(env, state)), wish)
    else:
        choice = team_for_folder(env, state)
        folder = Path(choice.state)
        found = _team_endpoint(folder, read_running(folder), wish, of_a_team=choice.ground is ChoiceBasis.FILE)
    return replace(found, limits=limits)


@dataclass(frozen=True)
class _Credentials:
    """The given token, if any, the trusted certificates, and whether an option names the state folder."""

    token: str | None = field(repr=False)
    trust: TlsTrust
    by_option: bool


def state_for(
    env: Mapping[str, str], *, gateway: str | None = None, state: str | os.PathLike[str] | None = None
) -> Path:
    """The state folder for `find_endpoint` with the same options."""
    named = gateway or env.get("CSP_GATEWAY_URL")
    return _team_folder_at(check_url(named), named_folder(env, state)) if named else state_folder(env, state)


def _team_folder_at(url: str, folder: Path | None) -> Path:
    """The named state folder, or that of this user's team whose gateway has this address."""
    if folder is not None:
        return folder
    at = (
        one for one in own_state_folders() if (running := read_live_gateway(one)) and is_same_gateway(url, running.url)
    )
    return next(at, home_folder())


def _endpoint_at(url: str, folder: Path, wish: _Credentials) -> Endpoint:
    """The endpoint for this address, which may be the gateway of `folder`."""
    running = read_running(folder)
    if running is not None and is_same_gateway(url, running.url):
        return _team_endpoint(folder, running, wish)
    if running is None and is_same_gateway(url, DEFAULT_URL) and (folder / LOCK_FILE).exists():
        raise Unavailable(
            f"{mask_tokens(url)} is where the gateway of {folder} usually listens, and it does not run: "
            "no token is sent to "
            f"whoever is there. {start_remedy(folder, by_option=wish.by_option)} "
            "Name the folder of another gateway with --state DIR."
        )
    if wish.token is None:
        raise Unauthorized(
            f"{mask_tokens(url)} is not the gateway of {folder}, so no token from there is sent to it. "
            "Set CSP_AUTH_TOKEN to a token of that gateway."
        )
    return Endpoint(url, wish.token, _without_trust_for_http(wish.trust, url))


def _team_endpoint(
    folder: Path, running: RunningGateway | None, wish: _Credentials, *, of_a_team: bool = False
) -> Endpoint:
    remedy = start_remedy(folder, by_option=wish.by_option, of_a_team=of_a_team)
    if running is None:
        raise Unavailable(f"No gateway was found in {folder}. {remedy} Or name one with --gateway URL.")
    if not running.socket:
        raise Unavailable(
            f"The gateway of {folder} did not say where its socket is: it ended long ago, or is an older version. "
            f"{remedy} If it still runs, stop it first (process {running.pid})."
        )
    secret = wish.token or _operator_token(folder, running.operator)
    if secret is None:
        raise Unauthorized(f"The token of {running.operator} is missing in {folder}. Set CSP_AUTH_TOKEN.")
    if _without_trust_for_http(wish.trust, running.url).fingerprint and not wish.trust.matches_certificate(
        running.fingerprint
    ):
        raise Unauthorized(f"The gateway of {folder} has another certificate than the pinned one.")
    return Endpoint(
        running.url,
        secret,
        TlsTrust(wish.trust.cafile, running.fingerprint),
        Path(running.socket),
        remedy,
        silent_gateway_remedy(folder, by_option=wish.by_option),
    )


def _operator_token(folder: Path, operator: str) -> str | None:
    with contextlib.suppress(FileNotFoundError):
        return read_private(folder / OPERATOR_TOKENS_FOLDER / operator).decode().strip() or None
    return None


def _without_trust_for_http(trust: TlsTrust, url: str) -> TlsTrust:
    if trust.fingerprint and not url.startswith("https"):
        raise BadRequest(
            f"A fingerprint pins a certificate, and {mask_tokens(url)} has none: use https://, or "
            "leave --fingerprint and "
            "GROUPCHAT_FINGERPRINT away."
        )
    return trust


def is_same_gateway(one: str, other: str) -> bool:
    """Whether two addresses mean the same gateway on this machine, under any of the machine's names."""
    first, second = urlsplit(one), urlsplit(other)
    if port_of(one) != port_of(other):
        return False
    return first.hostname == second.hostname or (first.hostname in LOOPBACK_NAMES and second.hostname in _LOCAL_HOSTS)


_LOCAL_HOSTS = LOOPBACK_NAMES | {"0.0.0.0", "::"}


def port_of(url: str) -> int:
    parts = urlsplit(url)
    return parts.port if parts.port is not None else 443 if parts.scheme == "https" else 80


def check_url(url: str) -> str:
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname or not _has_valid_port(parts):
        raise BadRequest(
            f"{mask_tokens(url)[:200]!r} is not a gateway's address. It looks like http://127.0.0.1:{DEFAULT_PORT}."
        )
    scheme = parts.scheme.replace("ws", "http")
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def _has_valid_port(parts: SplitResult) -> bool:
    """Whether the port is absent or valid."""
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False
