"""What a client is told when something fails: one answer for every interface, and never the inside of the gateway."""

from __future__ import annotations

import json

import pytest

from gateway.api.error_responses import error_response, error_to_tell, settled_error
from gateway.commit.answer_order import Answers
from gateway.dialects.csp.wire_format import error_fields
from gateway.protocol.errors import Forbidden, GroupChatError, RateLimited, StorageFailed, Unauthorized
from gateway.runtime.hub import Hub
from gateway.statistics.metrics import Metrics

BROKE = ("unavailable", "The gateway has an internal error; see its log.")
FAILURES: list[tuple[BaseException, tuple[str, str]]] = [
    (Forbidden("Not you."), ("forbidden", "Not you.")),
    (RateLimited("Too fast.", retry_after=2), ("rate_limited", "Too fast.")),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "secret"), ("bad_json", "The body is not UTF-8.")),
    (RuntimeError("secret"), BROKE),
    (KeyError("secret"), BROKE),
]


class Unsettled(Answers):
    """The last commit failed."""

    def __init__(self) -> None:
        self.waits = 0

    async def settled_error(self, error: GroupChatError) -> GroupChatError:
        self.waits += 1
        return StorageFailed("The disk broke.")


class UnsettledHub(Hub):
    """As far as errors ask it."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.answers = self.late = Unsettled()

    def counted(self, code: str) -> float | None:
        return self.metrics.registry.get_sample_value("groupchat_requests_refused_total", {"code": code})


@pytest.mark.parametrize(("failure", "told"), FAILURES, ids=lambda one: getattr(type(one), "__name__", None))
def test_what_is_told(failure: BaseException, told: tuple[str, str]) -> None:
    hub = UnsettledHub()
    error = error_to_tell(hub, failure)
    assert (error.code, error.message) == told
    assert hub.counted(error.code) == 1


@pytest.mark.parametrize(
    ("failure", "waits", "code"),
    [
        (Forbidden("Not in that room."), 1, "storage_failed"),  # the reason of the refusal was never committed
        (Unauthorized("Who are you?"), 0, "unauthorized"),
        (RateLimited("Too fast."), 0, "rate_limited"),
        (RuntimeError("secret"), 0, "unavailable"),
    ],
)
async def test_a_refusal_waits_for_its_reason(failure: Exception, waits: int, code: str) -> None:
    hub = UnsettledHub()
    error = await settled_error(hub, failure)
    assert (hub.late.waits, error.code, hub.counted(code)) == (waits, code, 1)


HTTP: list[tuple[GroupChatError, int, dict[str, str]]] = [
    (Forbidden("Not you."), 403, {}),
    (RateLimited("Too fast.", retry_after=1.2), 429, {"Retry-After": "2"}),
    (RateLimited("Too fast.", retry_after=0.01), 429, {"Retry-After": "1"}),
    (Unauthorized("Who?"), 401, {"WWW-Authenticate": "Bearer"}),
]


@pytest.mark.parametrize(("error", "status", "headers"), HTTP)
def test_over_http(error: GroupChatError, status: int, headers: dict[str, str]) -> None:
    for body in (None, error_fields(error)):
        response = error_response(error, body)
        assert response.status == status
        assert {name: response.headers.get(name) for name in headers} == headers


def test_the_bodies_of_the_full_protocol_and_of_the_simple_interface() -> None:
    error = Unauthorized("Who?")
    full, simple = error_response(error), error_response(error, error_fields(error))
    assert isinstance(full.body, bytes) and isinstance(simple.body, bytes)
    assert json.loads(full.body) == {"error": {"code": "unauthorized", "message": "Who?"}}
    assert json.loads(simple.body) == {"error": "Invalid authentication token", "code": "unauthorized"}
