"""Where the gateway is and what opens it: from options, environment, or the state folder of the running team."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import msgspec
import platformdirs

from gateway.protocol.errors import BadRequest, Unauthorized, Unavailable

DEFAULT_PORT = 8765
GATEWAY_FILE = "gateway.json"
TOKENS_FOLDER = "tokens"


class Running(msgspec.Struct, frozen=True):
    """What a running gateway leaves in its state folder for those who look for it. `listeners` are the further doors
    of `--listen`: a dialect's name, and where it is spoken."""

    url: str
    pid: int
    operator: str
    fingerprint: str | None = None
    listeners: dict[str, str] = {}


@dataclass(frozen=True)
class Trust:
    """Which certificates are believed: the system's, those of a file, or exactly one by its SHA-256 fingerprint."""

    cafile: str | None = None
    fingerprint: str | None = None

    def __post_init__(self) -> None:
        if self.fingerprint is not None and not _SHA256.fullmatch(self._pinned):
            raise BadRequest(f"{self.fingerprint[:100]!r} is not a SHA-256 fingerprint: 64 hexadecimal digits.")

    @property
    def _pinned(self) -> str:
        return (self.fingerprint or "").lower().replace(":", "")

    def context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.cafile)
        except OSError as error:
            raise BadRequest(f"{self.cafile} cannot be used as certificates: {error.strerror or error}.") from None
        if self.fingerprint is not None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.sslobject_class = _checking(self._pinned)
        return context


_SHA256 = re.compile(r"[0-9a-f]{64}")


def _checking(pinned: str) -> type[ssl.SSLObject]:
    """The pin is part of the handshake: nothing is said, and no token shown, to anybody else."""

    class Pinned(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            found = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
            if not hmac.compare_digest(found, pinned):
                raise ssl.SSLCertVerificationError(f"it has the fingerprint {found}, not the pinned one")

    return Pinned


@dataclass(frozen=True)
class Endpoint:
    url: str
    token: str = field(repr=False)
    trust: Trust = Trust()

    def at(self, path: str, *, websocket: bool = False) -> str:
        parts = urlsplit(self.url)
        scheme = parts.scheme.replace("http", "ws", 1) if websocket else parts.scheme
        return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + path, "", ""))

    @property
    def secure(self) -> bool:
        return self.url.startswith("https")


def state_folder(env: Mapping[str, str], chosen: str | os.PathLike[str] | None = None) -> Path:
    """Where everything that is written lives. Asking creates nothing."""
    wanted = chosen or env.get("GROUPCHAT_STATE")
    return Path(wanted).expanduser().absolute() if wanted else Path(platformdirs.user_state_dir("llm-groupchat"))


def private_folder(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file at once; only its owner may read it."""
    private_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def token_file(state: Path, name: str) -> Path:
    return state / TOKENS_FOLDER / name


def read_token(state: Path, name: str) -> str | None:
    try:
        return token_file(state, name).read_text().strip() or None
    except FileNotFoundError:
        return None


def read_running(state: Path) -> Running | None:
    try:
        return msgspec.json.decode((state / GATEWAY_FILE).read_bytes(), type=Running)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def find_endpoint(  # noqa: PLR0913 - the options a person may give
    env: Mapping[str, str],
    *,
    gateway: str | None = None,
    token: str | None = None,
    state: str | os.PathLike[str] | None = None,
    cafile: str | None = None,
    fingerprint: str | None = None,
) -> Endpoint:
    """Options first, then the environment, then the running team's state folder."""
    folder = state_folder(env, state)
    running = read_running(folder)
    url = gateway or env.get("CSP_GATEWAY_URL") or (running.url if running else None)
    if url is None:
        raise Unavailable(
            f"No gateway was found in {folder}. Start one with `groupchat serve`, or name one with --gateway URL."
        )
    secret = token or env.get("CSP_AUTH_TOKEN") or (read_token(folder, running.operator) if running else None)
    if secret is None:
        raise Unauthorized("A token is needed: set CSP_AUTH_TOKEN, or use the state folder of the running team.")
    pinned = fingerprint or env.get("GROUPCHAT_FINGERPRINT") or (running.fingerprint if running else None)
    return Endpoint(checked_url(url), secret, Trust(cafile or env.get("GROUPCHAT_CAFILE"), pinned))


def checked_url(url: str) -> str:
    parts = urlsplit(url if "//" in url else f"http://{url}")
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname:
        raise BadRequest(f"{url!r} is not a gateway's address. It looks like http://127.0.0.1:{DEFAULT_PORT}.")
    scheme = parts.scheme.replace("ws", "http")
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
