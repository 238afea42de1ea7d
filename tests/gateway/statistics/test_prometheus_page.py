"""The page for Prometheus: hostile names stay one label, the others are one row, and a reader sees what it may."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from gateway.statistics.delivery_end import DeliveryEnd, DeliveryResult
from gateway.statistics.latency_histogram import DELIVERY_BUCKETS_S
from gateway.statistics.metrics import Metrics
from gateway.statistics.prometheus_page import OTHERS_LABEL, GaugeValues, Shows, render_page

HOSTILE = [
    'quo"te',
    "back\\slash",
    "back\\",
    "line\nend",
    'x"} 1\ngroupchat_forged{a="b"} 7\n# HELP groupchat_forged',
    "\\n",
    "tab\tand\rreturn",
    "{}=,",
    "\u202eright to left\u2066",
    "\x1b]0;title\x07",
    "\U0001f47e",
    OTHERS_LABEL + " ",
    "",
]


def samples(metrics: Metrics, shows: Shows | None = None, *gauges: GaugeValues) -> list[Sample]:
    page = render_page(metrics, gauges, shows or Shows()).decode()
    return [sample for family in text_string_to_metric_families(page) for sample in family.samples]


def of(found: list[Sample], name: str) -> dict[str, float]:
    return {sample.labels["member"]: sample.value for sample in found if sample.name == name}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_one_label_and_nothing_else(name: str) -> None:
    metrics, plain = Metrics(lambda: 0.0), Metrics(lambda: 0.0)
    for one, member in ((metrics, name), (plain, "plain")):
        one.note_sent(member)
        one.note_refused("forbidden", member)
        one.note_end(member, DeliveryEnd(DeliveryResult.TAKEN, 0.3))
    found = samples(metrics, None, GaugeValues("member_queue_depth", "Text.", ("member",), {(name,): 3}))
    assert of(found, "groupchat_member_messages_total") == {name: 1, OTHERS_LABEL: 0}
    assert of(found, "groupchat_member_queue_depth") == {name: 3}
    expected = samples(plain, None, GaugeValues("member_queue_depth", "Text.", ("member",), {("plain",): 3}))
    assert [one.name for one in found] == [one.name for one in expected]


SEEN: list[tuple[Shows, set[str]]] = [
    (Shows(), {"ada", "bob", OTHERS_LABEL}),
    (Shows(only=frozenset({"ada"})), {"ada"}),
    (Shows(only=frozenset({"ada", "bob", "cleo"})), {"ada", "bob"}),
    (Shows(only=frozenset({"nobody"})), set()),
    (Shows(only=frozenset({OTHERS_LABEL})), set()),
    (Shows(only=frozenset()), set()),
]


@pytest.mark.parametrize(("shows", "names"), SEEN)
def test_a_reader_sees_the_rows_that_it_may(shows: Shows, names: set[str]) -> None:
    metrics = Metrics(lambda: 0.0)
    for name in ("ada", "bob"):
        metrics.note_sent(name)
    found = samples(metrics, shows)
    assert {one.labels["member"] for one in found if "member" in one.labels} == names


def test_above_the_limit_all_others_are_one_row() -> None:
    metrics = Metrics(lambda: 0.0)
    limit = metrics.traffic.limit
    for number in range(limit + 300):
        metrics.note_sent(f"guest-{number}")
    found = of(samples(metrics), "groupchat_member_messages_total")
    assert len(found) == limit + 1
    assert found[OTHERS_LABEL] == 300


def test_a_histogram_has_cumulative_buckets_a_count_and_a_sum() -> None:
    metrics = Metrics(lambda: 0.0)
    for seconds in (0.01, 0.3, 5000.0):
        metrics.note_end("ada", DeliveryEnd(DeliveryResult.TAKEN, seconds))
    found = [one for one in samples(metrics) if one.labels.get("member") == "ada" and "_delivery_seconds" in one.name]
    buckets = {one.labels["le"]: one.value for one in found if one.name.endswith("_bucket")}
    assert [float(bound) for bound in buckets] == [*DELIVERY_BUCKETS_S, float("inf")]
    assert (buckets["0.05"], buckets["0.4"], buckets["1800.0"], buckets["+Inf"]) == (1, 2, 2, 3)
    assert {one.name.rpartition("_")[2]: one.value for one in found if "le" not in one.labels} == {
        "count": 3,
        "sum": pytest.approx(5000.31),
    }


def test_no_series_says_only_when_it_was_created() -> None:
    metrics = Metrics(lambda: 0.0)
    metrics.note_refused("forbidden", None)
    assert not [one.name for one in samples(metrics) if one.name.endswith("_created")]
