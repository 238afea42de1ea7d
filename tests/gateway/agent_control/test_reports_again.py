"""A report whose answer was lost comes again; a person may have ordered a retry in between."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.operations.dispatch import run_operation
from gateway.protocol.requests.message_requests import Report, Retry, Send, Show
from gateway.protocol.results import Accepted, MessageDetail
from gateway.protocol.types.core_types import MemberKind, Rung, Step
from tests.support.gateways import Gateway

CLAUDE, ANN = Actor("claude", MemberKind.AGENT), Actor("ann", MemberKind.HUMAN)
FAILED = (Step(Rung.TYPED, "2026-11-21T10:00:01.000Z"), Step(Rung.FAILED, "2026-11-21T10:01:00.000Z", "no sign of it"))


async def said(gateway: Gateway) -> int:
    await gateway.member("claude")
    await gateway.member("ann", MemberKind.HUMAN)
    accepted = await run_operation(gateway.hub, ANN, Send(content="hello", to="@claude"))
    assert isinstance(accepted, Accepted)
    return accepted.seq


async def rung(gateway: Gateway, number: int) -> Rung:
    detail = await run_operation(gateway.hub, ANN, Show(message=number))
    assert isinstance(detail, MessageDetail)
    return detail.deliveries[0].rung


async def test_a_failure_told_again_does_not_end_the_retry(gateway: Gateway) -> None:
    number = await said(gateway)
    await run_operation(gateway.hub, CLAUDE, Report(message=number, steps=FAILED))
    await run_operation(gateway.hub, ANN, Retry(message=number, member="claude"))
    await run_operation(gateway.hub, CLAUDE, Report(message=number, steps=FAILED))
    assert await rung(gateway, number) is Rung.QUEUED


async def test_the_retry_may_fail_in_the_same_way(gateway: Gateway) -> None:
    number = await said(gateway)
    await run_operation(gateway.hub, CLAUDE, Report(message=number, steps=FAILED))
    await run_operation(gateway.hub, ANN, Retry(message=number, member="claude"))
    later = tuple(Step(one.rung, one.at.replace("10:0", "10:1"), one.reason) for one in FAILED)
    await run_operation(gateway.hub, CLAUDE, Report(message=number, steps=later))
    assert await rung(gateway, number) is Rung.FAILED
