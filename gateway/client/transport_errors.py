"""What all transports share: their limits, how they fail, and what a refusal of the gateway means."""

from __future__ import annotations

import msgspec

from gateway.protocol.errors import ErrorBody, GroupChatError, Unauthorized, Unavailable, error_from_body

OPEN_TIMEOUT_S = 10.0
PING_INTERVAL_S = 20.0
MAX_FRAME_BYTES = 16 * 1024 * 1024


class TransportBroken(Exception):
    """This transport has ended; another may be tried."""


class GatewayUnreachable(TransportBroken):
    """Nothing answers at the address; another transport would not help."""


class OpenTimedOut(TransportBroken):
    """Something accepted the connection and did not answer in time."""


class _Refusal(msgspec.Struct):
    error: ErrorBody


def untrusted_certificate_error(error: Exception) -> Unauthorized:
    """The error for an untrusted certificate: retrying does not help."""
    why = getattr(error, "verify_message", "") or str(error)
    return Unauthorized(
        f"The gateway's certificate is not trusted: {why}. Name its authority with --cafile, or pin it with "
        "--fingerprint."
    )


def error_from_response(status: int, body: bytes) -> GroupChatError:
    """The gateway's error, if the body is one; else the status and body of a proxy in between."""
    try:
        return error_from_body(msgspec.json.decode(body, type=_Refusal).error)
    except msgspec.MsgspecError:
        return Unavailable(
            f"The gateway's address answered with HTTP {status}: {body[:200].decode(errors='replace')!r}"
        )
