"""The figures of the traffic as rows of a table that fits 80 columns. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.console.durations import HOUR_S, MINUTE_S, duration_text
from gateway.protocol.results import Statistics, TrafficFigures

COLUMNS = ("member", "sent", "msg/s", "errors", "waits", "lost", "p50", "p95", "p99")
NAME_WIDTH = 19
LEGEND = (
    "msg/s: the last minute. errors: requests refused, the last 5 minutes. waits: messages not taken yet. lost: "
    "failed, expired or cancelled. p50, p95, p99: until a message was taken, the last 5 to 10 minutes."
)
OWN_ONLY = "These are your own figures. Everyone's are for people, observers and read-only tokens (docs/rights.md)."

Row = tuple[str, ...]


def heading(found: Statistics) -> str:
    connected = ", ".join(f"{count} {kind}{'s' * (count != 1)}" for kind, count in found.connected.items() if count)
    return f"up {duration_text(found.uptime)}; connected: {connected or 'nobody'}"


def statistics_rows(found: Statistics) -> list[Row]:
    """Those who sent most first, then all others together if there are any, and the total."""
    members = sorted(found.members, key=lambda one: (-one.traffic.sent, one.name))
    rows = [_row(_cut(one.name), one.traffic) for one in members]
    if found.others is not None and (found.others.requests or found.others.sent or found.others.waiting):
        rows.append(_row("(others)", found.others))
    return [*rows, _row("(all)", found.total)]


def remarks(found: Statistics) -> Sequence[str]:
    if found.others is None:
        return (LEGEND, OWN_ONLY)
    if len(found.members) >= found.member_limit:
        return (LEGEND, f"{found.member_limit} members have figures of their own; (others) has those of all others.")
    return (LEGEND,)


def _row(name: str, traffic: TrafficFigures) -> Row:
    lost = traffic.failed + traffic.expired + traffic.cancelled
    latency = traffic.latency
    return (
        name,
        count_text(traffic.sent),
        rate_text(traffic.sent_per_second),
        f"{traffic.error_rate:.0%}",
        count_text(traffic.waiting),
        count_text(lost),
        *map(latency_text, (latency.p50, latency.p95, latency.p99)),
    )


def _cut(name: str) -> str:
    return name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 1]}…"


def count_text(count: int) -> str:
    """At most five characters: `99999`, `100k`, `12M`, `3G`."""
    if count < 100_000:
        return str(count)
    size, sign = next(one for one in ((10**9, "G"), (10**6, "M"), (1000, "k")) if count >= one[0])
    return f"{count // size}{sign}"


def rate_text(per_second: float) -> str:
    """`0`, `0.02`, `3.5`, `120`."""
    if per_second < 0.005:
        return "0"
    if per_second < 1:
        return f"{per_second:.2f}"
    return f"{per_second:.1f}" if per_second < 99.95 else count_text(round(per_second))


def latency_text(seconds: float | None) -> str:
    """`-`, `40ms`, `1.2s`, `12s`, `3m`, `2h`."""
    if seconds is None:
        return "-"
    if seconds < 0.9995:
        return f"{round(seconds * 1000)}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    if seconds < MINUTE_S:
        return f"{round(seconds)}s"
    return f"{round(seconds / MINUTE_S)}m" if seconds < HOUR_S else f"{round(seconds / HOUR_S)}h"
