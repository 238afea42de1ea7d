"""Turns what a vendor's server answered into a `ModelError`: which failures are temporary, and how long to wait. Pure.

A server says how long in `retry-after`, in seconds or as a date, or in `retry-after-ms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sidecar.connectors.connector_interface import ModelError

TOO_MANY_REQUESTS = 429
TEMPORARY_STATUSES = (408, 409, 425, TOO_MANY_REQUESTS)
REFUSED_KEY_STATUSES = (401, 403)
# Far more than is shown: the key is hidden before the text is cut, or half of it could stay.
MAX_ERROR_CHARS = 20_000


def failure_of_status(vendor: str, status: int, text: str, headers: Mapping[str, str], now: datetime) -> ModelError:
    is_temporary = status in TEMPORARY_STATUSES or status >= 500
    words = " ".join(text.split())[:MAX_ERROR_CHARS]
    return ModelError(
        f"{vendor} answered {status}: {words}".rstrip(": "),
        is_temporary=is_temporary,
        retry_after=wait_of(headers, now) if is_temporary else None,
        is_login=status in REFUSED_KEY_STATUSES,
    )


def words_of_server(body: object, otherwise: str) -> str:
    """The sentence in a server's answer, which an SDK writes into its own message with all that is around it."""
    inner = body.get("error", body) if isinstance(body, Mapping) else body
    words = inner.get("message") if isinstance(inner, Mapping) else inner
    return words if isinstance(words, str) and words.strip() else otherwise


def failure_of_connection(vendor: str, error: BaseException) -> ModelError:
    """No answer came, or it broke off."""
    words = " ".join(str(error).split())[:MAX_ERROR_CHARS] or type(error).__name__
    return ModelError(f"{vendor} cannot be reached: {words}", is_temporary=True)


def wait_of(headers: Mapping[str, str], now: datetime) -> float | None:
    known = {name.lower(): value for name, value in headers.items()}
    if (milliseconds := _seconds(known.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    value = known.get("retry-after", "")
    seconds = _seconds(value)
    return _seconds_until(value, now) if seconds is None else seconds


def _seconds(value: str) -> float | None:
    try:
        found = float(value)
    except ValueError:
        return None
    return found if 0 <= found < float("inf") else None


def _seconds_until(value: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
