"""One operation: a request, its effect, its result, its REST path, and the function that answers it.

A *rule* is pure and decides at once; its answer follows after the commit of its events. A *query* reads the store
first. A *subscription* belongs to the stream on which it was requested.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gateway.access.operation_kinds import OperationKind
from gateway.access.permissions import Actor
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import RuleOutcome
from gateway.model.state import GatewayState
from gateway.protocol.requests.request import Request
from gateway.push.event_broadcaster import Connection
from gateway.runtime.hub import Hub

RuleFunction = Callable[[GatewayState, Actor, Any, RuleContext], RuleOutcome]
QueryFunction = Callable[[Hub, Actor, Any], Awaitable[Any]]
SubscriptionFunction = Callable[[Hub, Actor, Any, Connection | None], Awaitable[Any]]


@dataclass(frozen=True)
class Operation:
    request: type[Request]
    effect: OperationKind
    result: Any
    method: str
    path: str
    rule: RuleFunction | None = None
    query: QueryFunction | None = None
    subscription: SubscriptionFunction | None = None
