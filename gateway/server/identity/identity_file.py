"""Reads `serve --jwt FILE.toml` and the files that it names."""

from __future__ import annotations

import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from gateway.access.claim_mapping import IdentitySettings, IssuerSettings, parse_identity_settings
from gateway.client.discovery.local_defaults import LOOPBACK_NAMES
from gateway.protocol.errors import BadRequest

MAX_FILE_BYTES = 256 * 1024
MAX_REVOKED_BYTES = 1024 * 1024


def read_identity_file(path: Path) -> IdentitySettings:
    try:
        text = read_bounded(path, MAX_FILE_BYTES).decode()
        settings = parse_identity_settings(tomllib.loads(text), str(path))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadRequest(f"{path}: the file cannot be read: {error}.") from None
    for one in settings.issuer:
        if one.jwks_url:
            check_key_address(one.jwks_url, f"{path}: issuer {one.issuer!r}")
    return settings


def check_key_address(url: str, place: str) -> None:
    """Keys come over https, or from this machine: whoever can change them on the way can be anybody."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise BadRequest(f"{place}: `jwks_url` is not an address.") from None
    if not host or parts.username is not None or parts.fragment:
        raise BadRequest(f"{place}: `jwks_url` is not an address such as https://HOST/PATH.")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK_NAMES):
        raise BadRequest(f"{place}: `jwks_url` must begin with https://, or with http:// on this machine alone.")


def read_revoked(path: Path) -> frozenset[str]:
    """The numbers (`jti`) of revoked tokens: one a line; `#` begins a comment."""
    try:
        lines = read_bounded(path, MAX_REVOKED_BYTES).decode().splitlines()
    except UnicodeDecodeError as error:
        raise BadRequest(f"{path}: the file cannot be read: {error}.") from None
    return frozenset(one.strip() for one in lines if one.strip() and not one.lstrip().startswith("#"))


def read_bounded(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            found = file.read(limit + 1)
    except OSError as error:
        raise BadRequest(f"{path}: the file cannot be read: {error.strerror}.") from None
    if len(found) > limit:
        raise BadRequest(f"{path}: the file has more than {limit} bytes.")
    return found


def file_beside(settings_file: Path, name: str) -> Path:
    """A file that the settings name: relative to their own folder."""
    return settings_file.parent / name


def key_source_of(settings_file: Path, one: IssuerSettings) -> str | Path:
    return one.jwks_url or file_beside(settings_file, one.keys)
