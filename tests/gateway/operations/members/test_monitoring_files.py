"""The dashboard, the alert rules and the guide name metrics that a real scrape has, and the guide explains each of
them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.client import Client
from gateway.operations.health import traffic_statistics
from gateway.protocol.errors import UnknownRecipient
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Report
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import Rung, Step
from gateway.statistics.prometheus_page import Shows
from tests.support.gateways import Gateway

ROOT = Path(__file__).parents[4]
DASHBOARD, ALERTS, SCRAPE = (
    ROOT / "deploy" / name for name in ("grafana-dashboard.json", "prometheus-alerts.yml", "prometheus-scrape.yml")
)
GUIDE = ROOT / "docs" / "guides" / "operations.md"
METRIC = re.compile(r"\b(?:groupchat|process)_[a-z_]+\b")
LABEL_MATCHER = re.compile(r"\b([a-z_]+)(?:=~|!~|!=|=)\"")
NOT_METRICS = {"groupchat_token"}  # a file of the example
DURATION = re.compile(r"\d+[smhd]")


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"for_": "for", "variables": "list"}):
    pass


class Annotations(Strict, frozen=True):
    summary: str


class Labels(Strict, frozen=True):
    severity: str


class Alert(Strict, frozen=True, kw_only=True):
    alert: str
    expr: str
    for_: str = "0m"
    labels: Labels
    annotations: Annotations


class Group(Strict, frozen=True):
    name: str
    rules: list[Alert]


class RuleFile(Strict, frozen=True):
    groups: list[Group]


class Credentials(Strict, frozen=True):
    credentials_file: str


class Targets(Strict, frozen=True):
    targets: list[str]


class Job(Strict, frozen=True):
    job_name: str
    scrape_interval: str
    metrics_path: str
    authorization: Credentials
    static_configs: list[Targets]


class ScrapeFile(Strict, frozen=True):
    scrape_configs: list[Job]


class Place(Strict, frozen=True):
    x: int
    y: int
    w: int
    h: int


class Source(Strict, frozen=True):
    type: str
    uid: str


class Query(Strict, frozen=True):
    refId: str
    datasource: Source
    expr: str
    legendFormat: str


class Panel(Strict, frozen=True):
    id: int
    type: str
    title: str
    description: str
    datasource: Source
    gridPos: Place
    fieldConfig: dict[str, Any]
    options: dict[str, Any]
    targets: list[Query]


class Variable(msgspec.Struct, frozen=True):
    name: str
    type: str
    query: str


class Templating(Strict, frozen=True):
    variables: list[Variable]


class Dashboard(msgspec.Struct, frozen=True):
    title: str
    uid: str
    schemaVersion: int
    templating: Templating
    panels: list[Panel]


def alerts() -> list[Alert]:
    found = msgspec.yaml.decode(ALERTS.read_bytes(), type=RuleFile)
    return [rule for group in found.groups for rule in group.rules]


def dashboard() -> Dashboard:
    return msgspec.json.decode(DASHBOARD.read_bytes(), type=Dashboard)


def queries() -> dict[str, str]:
    """Every query of the files, by where it stands."""
    board = dashboard()
    found = {f"alert {rule.alert}": rule.expr for rule in alerts()}
    found |= {f"panel {panel.title} {one.refId}": one.expr for panel in board.panels for one in panel.targets}
    return found | {f"variable {one.name}": one.query for one in board.templating.variables if one.type == "query"}


@pytest.fixture
async def scraped(gateway: Gateway) -> dict[str, set[str]]:
    """The label names of each metric in a real scrape of a gateway where something has happened."""
    claude = await gateway.member("claude")
    async with Client(gateway.operator) as alice, Client(claude, Hello(inbox=True)) as agent:
        sent = await alice.send("one", to="@claude")
        with pytest.raises(UnknownRecipient):
            await alice.send("two", to="@nobody")
        await agent.request(Report(message=sent.seq, steps=(Step(Rung.ACCEPTED),)), Done)
        page = traffic_statistics.metrics_page(gateway.hub, Shows()).decode()
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


async def test_every_query_asks_for_metrics_and_labels_that_exist(scraped: dict[str, set[str]]) -> None:
    asked = queries()
    assert len(asked) > 30
    for where, query in asked.items():
        names = METRIC.findall(query) or ["up"]
        assert names == ["up"] or set(names) <= set(scraped), where
        known = {"instance", "job"}.union(*(scraped.get(name, set()) for name in names))
        assert set(LABEL_MATCHER.findall(query)) <= known, where
        for grouped in re.findall(r"\bby \(([^)]*)\)", query):
            assert set(grouped.replace(" ", "").split(",")) <= known, where
        assert query.count("(") == query.count(")"), where


async def test_the_guide_explains_each_metric_with_its_labels_and_no_other(scraped: dict[str, set[str]]) -> None:
    families = {name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum"): name for name in scraped}
    explained: dict[str, set[str]] = {}
    for line in GUIDE.read_text().split("## Each metric")[1].split("\n## ")[0].splitlines():
        if line.startswith("| `"):
            names, labels, meaning = [cell.strip() for cell in line.strip("|").split("|")]
            assert len(meaning) > 5, line
            explained |= {name: set(re.findall(r"`([a-z]+)`", labels)) for name in METRIC.findall(names)}
    assert explained.keys() == families.keys()
    assert {name: scraped[families[name]] - {"le"} for name in explained} == {
        name: labels - {"le"} for name, labels in explained.items()
    }


async def test_the_guide_names_no_metric_that_does_not_exist(scraped: dict[str, set[str]]) -> None:
    families = {name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for name in scraped}
    assert set(METRIC.findall(GUIDE.read_text())) - NOT_METRICS <= families | scraped.keys()


def test_the_guide_says_what_to_do_about_each_alert() -> None:
    rows = GUIDE.read_text().split("## What to do about each alert")[1].split("\n## ")[0]
    assert sorted(re.findall(r"`(Groupchat[A-Za-z]+)`", rows)) == sorted(rule.alert for rule in alerts())


def test_alerts_have_a_severity_a_pause_and_a_sentence() -> None:
    assert len({rule.alert for rule in alerts()}) == len(alerts())
    for rule in alerts():
        assert rule.labels.severity in ("critical", "warning", "info"), rule.alert
        assert DURATION.fullmatch(rule.for_), rule.alert
        assert rule.annotations.summary.endswith("."), rule.alert


def test_panels_do_not_overlap_and_each_asks_something() -> None:
    board = dashboard()
    taken: set[tuple[int, int]] = set()
    for panel in board.panels:
        cells = {
            (x, y)
            for x in range(panel.gridPos.x, panel.gridPos.x + panel.gridPos.w)
            for y in range(panel.gridPos.y, panel.gridPos.y + panel.gridPos.h)
        }
        assert not cells & taken, panel.title
        assert max(x for x, _ in cells) < 24, panel.title
        assert panel.targets, panel.title
        taken |= cells
    assert len({panel.id for panel in board.panels}) == len(board.panels)
    assert {panel.datasource.uid for panel in board.panels} == {"${datasource}"}
    assert "datasource" in {one.name for one in board.templating.variables}


def test_the_scrape_job_asks_the_default_port_and_reads_its_token_from_a_file() -> None:
    (job,) = msgspec.yaml.decode(SCRAPE.read_bytes(), type=ScrapeFile).scrape_configs
    assert (job.metrics_path, job.static_configs[0].targets) == ("/metrics", ["127.0.0.1:8765"])
    assert job.job_name == "groupchat", "alerts name this job"
