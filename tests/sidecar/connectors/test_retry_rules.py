"""When a model is asked again, and what its server's answers mean."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sidecar.connectors.answers.retry_rules import MAX_TRIES, give_up_text, pause_before_retry
from sidecar.connectors.connector_interface import ModelError
from sidecar.connectors.vendors.http_failures import wait_of, words_of_server

NOW = datetime(2026, 12, 1, 10, 0, 0, tzinfo=UTC)


def busy(after: float | None = None) -> ModelError:
    return ModelError("busy", is_temporary=True, retry_after=after)


@pytest.mark.parametrize(
    ("error", "tries", "chance", "pause"),
    [
        (busy(), 1, 1.0, 0.5),
        (busy(), 1, 0.0, 0.25),
        (busy(), 2, 1.0, 1.0),
        (busy(), 4, 1.0, 4.0),
        (busy(), MAX_TRIES, 1.0, None),
        (busy(7.5), 1, 0.0, 7.5),
        (busy(0.0), 1, 0.0, 0.0),
        (busy(600.0), 1, 0.0, 600.0),
        (busy(601.0), 1, 0.0, None),
        (busy(7.5), MAX_TRIES, 0.0, None),
        (ModelError("wrong"), 1, 0.0, None),
        (ModelError("wrong", retry_after=1), 1, 0.0, None),
    ],
)
def test_pauses(error: ModelError, tries: int, chance: float, pause: float | None) -> None:
    assert pause_before_retry(error, tries, chance) == pause


@pytest.mark.parametrize(
    ("error", "tries", "text"),
    [
        (ModelError("wrong"), 1, "wrong"),
        (busy(), 5, "busy; asked 5 times"),
        (busy(3600), 1, "busy; it asks to wait 3600 s"),
    ],
)
def test_reasons(error: ModelError, tries: int, text: str) -> None:
    assert give_up_text(error, tries) == text


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Tue, 01 Dec 2026 10:00:30 GMT"}, 30.0),
        ({"retry-after": "Tue, 01 Dec 2026 09:00:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], wait: float | None) -> None:
    assert wait_of(headers, NOW) == wait


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}, "slow down"),
        ({"message": "slow down", "code": None}, "slow down"),
        ({"error": "slow down"}, "slow down"),
        ({"error": {"message": 7}}, "as the SDK says it"),
        ({}, "as the SDK says it"),
        (None, "as the SDK says it"),
        ([{"message": "x"}], "as the SDK says it"),
        ("  ", "as the SDK says it"),
    ],
)
def test_what_a_server_says_is_told_without_what_is_around_it(body: object, words: str) -> None:
    assert words_of_server(body, "as the SDK says it") == words
