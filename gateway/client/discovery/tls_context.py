"""The TLS of a connection to a gateway elsewhere: a module of its own, because a Tab in a shell waits for imports."""

from __future__ import annotations

import hashlib
import hmac
import ssl

from gateway.protocol.errors import BadRequest


def create_tls_context(cafile: str | None, pinned: str) -> ssl.SSLContext:
    """`pinned`: the SHA-256 fingerprint of the only certificate that is accepted; empty if the authorities decide."""
    try:
        context = ssl.create_default_context(cafile=cafile)
    except OSError as error:
        raise BadRequest(f"{cafile} cannot be used as certificates: {error.strerror or error}.") from None
    if pinned:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.sslobject_class = _pinned_ssl_class(pinned)
    return context


def _pinned_ssl_class(pinned: str) -> type[ssl.SSLObject]:
    """An SSL class that checks the pin during the handshake, so nothing, and no token, is sent to another peer."""

    class Pinned(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            found = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
            if not hmac.compare_digest(found, pinned):
                raise ssl.SSLCertVerificationError(f"it has the fingerprint {found}, not the pinned one")

    return Pinned
