"""The page that Prometheus reads. The library writes the counters of the process; the rows of members are written here,
because the library takes twenty times as long for them, and nothing else runs meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec
from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from gateway.statistics.latency_histogram import LatencyHistogram
from gateway.statistics.metrics import Metrics
from gateway.statistics.traffic import Traffic, TrafficTable

METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHERS_LABEL = "(others)"  # no member can have this name
ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Row = tuple[str, Traffic]


class Shows(msgspec.Struct, frozen=True):
    """Whose figures a reader may see: those of `only` some members, or of everyone."""

    only: frozenset[str] | None = None

    @property
    def everyone(self) -> bool:
        return self.only is None

    def member(self, name: str) -> bool:
        return self.only is None or name in self.only


class GaugeValues(msgspec.Struct, frozen=True):
    """One gauge, or a counter that is kept elsewhere: its values by the values of its labels."""

    name: str
    text: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]
    kind: str = "gauge"


def render_page(metrics: Metrics, gauges: Iterable[GaugeValues], shows: Shows) -> bytes:
    lines = [line for gauge in gauges for line in _gauge_lines(gauge)]
    lines += _total_lines(metrics.traffic.total)
    lines += _member_lines(metrics.traffic, shows)
    return generate_latest(_WithoutCreationTimes(metrics.registry)) + "\n".join((*lines, "")).encode()


class _WithoutCreationTimes(Collector):
    """The text format has no place for the time at which a counter began; `groupchat_start_time_seconds` says it once
    for all."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [one for one in metric.samples if not one.name.endswith("_created")]
            yield metric


def labels_text(names: Sequence[str], values: Sequence[str]) -> str:
    """`a="1",b="2"`. A value may be whatever a member chose as its name."""
    return ",".join(f'{name}="{value.translate(ESCAPES)}"' for name, value in zip(names, values, strict=True))


def _heading(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP groupchat_{name} {text}", f"# TYPE groupchat_{name} {kind}"]


def _gauge_lines(gauge: GaugeValues) -> Iterator[str]:
    yield from _heading(gauge.name, gauge.kind, gauge.text)
    for values, number in gauge.values.items():
        yield _sample(gauge.name, labels_text(gauge.labels, values), number)


def _sample(name: str, labels: str, number: float) -> str:
    return f"groupchat_{name}{{{labels}}} {number!r}" if labels else f"groupchat_{name} {number!r}"


def _total_lines(total: Traffic) -> Iterator[str]:
    yield from _heading("requests_total", "counter", "Requests, with those that were refused.")
    yield _sample("requests_total", "", total.requests.total)
    yield from _heading("deliveries_ended_total", "counter", "Deliveries that ended, by result.")
    yield from _end_lines("deliveries_ended_total", "", total)
    text = "Time from a message's acceptance until its recipient took it."
    yield from _heading("delivery_seconds", "histogram", text)
    yield from _histogram_lines("delivery_seconds", "", total.latency)


def _member_lines(table: TrafficTable, shows: Shows) -> Iterator[str]:
    rows = [(labels_text(("member",), (name,)), row) for name, row in table if shows.member(name)]
    if shows.everyone:
        rows.append((labels_text(("member",), (OTHERS_LABEL,)), table.others))
    yield from _counter_lines(rows, "messages", "Messages of this member.", lambda row: row.sent.total)
    yield from _counter_lines(
        rows, "requests", "Requests of this member, with those that were refused.", lambda row: row.requests.total
    )
    yield from _counter_lines(
        rows, "requests_refused", "Requests of this member that were refused.", lambda row: row.refused.total
    )
    yield from _heading("member_deliveries_ended_total", "counter", "Deliveries to this member that ended, by result.")
    for labels, row in rows:
        yield from _end_lines("member_deliveries_ended_total", f"{labels},", row)
    yield from _heading("member_delivery_seconds", "histogram", "Time until this member took a message.")
    for labels, row in rows:
        yield from _histogram_lines("member_delivery_seconds", labels, row.latency)


def _counter_lines(rows: Sequence[Row], name: str, text: str, count: Callable[[Traffic], int]) -> Iterator[str]:
    yield from _heading(f"member_{name}_total", "counter", text)
    for labels, row in rows:
        yield f"groupchat_member_{name}_total{{{labels}}} {count(row)}"


def _end_lines(name: str, labels: str, row: Traffic) -> Iterator[str]:
    for result, count in row.ends.items():
        yield f'groupchat_{name}{{{labels}result="{result.value}"}} {count}'


def _histogram_lines(name: str, labels: str, latency: LatencyHistogram) -> Iterator[str]:
    before = f"{labels}," if labels else ""
    counts = latency.cumulative()
    for bound, count in zip((*latency.bounds, "+Inf"), counts, strict=True):
        yield f'groupchat_{name}_bucket{{{before}le="{bound}"}} {count}'
    yield _sample(f"{name}_count", labels, counts[-1])
    yield _sample(f"{name}_sum", labels, latency.seconds)
