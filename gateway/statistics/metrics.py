"""The counters of a running gateway."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from gateway.statistics.delivery_end import DeliveryEnd, DeliveryResult
from gateway.statistics.traffic import TrafficTable

_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300)


class Metrics:
    """One registry per gateway, so that several may live in one process (tests do this). Without timers: what is
    recent is worked out when somebody asks."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.traffic = TrafficTable()
        self.registry = registry = CollectorRegistry()

        def counter(name: str, text: str) -> Counter:
            return Counter(f"groupchat_{name}", text, registry=registry)

        def seconds(name: str, text: str) -> Histogram:
            return Histogram(f"groupchat_{name}_seconds", text, buckets=_BUCKETS_S, registry=registry)

        self.accepted = counter("messages_accepted", "Messages committed and confirmed to their sender.")
        self.delivered = counter(
            "messages_delivered", "Deliveries that the recipient's sidecar or client took over for the first time."
        )
        self.refused = Counter(
            "groupchat_requests_refused", "Requests answered with an error.", ["code"], registry=registry
        )
        self.commit_failures = counter("commit_failures", "Batches that the store refused.")
        self.slow_closed = counter("slow_connections_closed", "Connections closed because they did not read.")
        self.commit_seconds = seconds("commit", "Time to commit one batch.")
        self.accept_seconds = seconds("accept", "Time from a message's arrival to its commit.")
        self.connections = Gauge("groupchat_connections", "Open streams.", registry=registry)
        ProcessCollector(registry=registry)

    def note_sent(self, member: str) -> None:
        self.traffic.count_sent(member, self.clock())

    def note_request(self, member: str | None) -> None:
        self.traffic.count_request(member, self.clock())

    def note_refused(self, code: str, member: str | None) -> None:
        self.refused.labels(code).inc()
        self.traffic.count_refused(member, self.clock())

    def note_end(self, member: str, end: DeliveryEnd) -> None:
        if end.result is DeliveryResult.TAKEN:
            self.delivered.inc()
        self.traffic.count_end(member, end, self.clock())
