"""The metrics for Prometheus. The only module that uses its client library."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300)


class Metrics:
    """One registry per gateway, so that several may live in one process (tests do this)."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()

        def counter(name: str, text: str) -> Counter:
            return Counter(f"groupchat_{name}", text, registry=registry)

        def seconds(name: str, text: str) -> Histogram:
            return Histogram(f"groupchat_{name}_seconds", text, buckets=_BUCKETS_S, registry=registry)

        self.accepted = counter("messages_accepted", "Messages committed and confirmed to their sender.")
        self.delivered = counter("messages_delivered", "Deliveries that the recipient's side confirmed as accepted.")
        self.refused = Counter(
            "groupchat_requests_refused", "Requests answered with an error.", ["code"], registry=registry
        )
        self.commit_failures = counter("commit_failures", "Batches the store did not take.")
        self.slow_closed = counter("slow_connections_closed", "Connections closed because they did not read.")
        self.commit_seconds = seconds("commit", "Time to commit one batch.")
        self.accept_seconds = seconds("accept", "Time from a message's arrival to its commit.")
        self.delivery_seconds = seconds("delivery", "Time from a message's commit to its recipient's acceptance.")
        self.connections = Gauge("groupchat_connections", "Open streams.", registry=registry)
        self.queued = Gauge("groupchat_queue_depth", "Deliveries that wait.", registry=registry)

    def page(self) -> bytes:
        return generate_latest(self.registry)
