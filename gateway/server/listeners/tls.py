"""Loads the TLS certificate for connections from other machines."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

from gateway.protocol.errors import BadRequest
from gateway.runtime.config import Config


def tls_context(config: Config) -> ssl.SSLContext | None:
    if config.cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.cert, config.key)
    except (OSError, ssl.SSLError) as error:
        raise BadRequest(f"The certificate {config.cert} with the key {config.key} cannot be used: {error}.") from None
    return context


def fingerprint_of(config: Config) -> str | None:
    if config.cert is None:
        return None
    pem = Path(config.cert).read_text()
    first = pem[pem.index("-----BEGIN CERT") :]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first[: first.index("-----END CERTIFICATE-----") + 26])).hexdigest()
