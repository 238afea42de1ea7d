"""The figures of the gateway's traffic: as an answer for people and programs, and as a page for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from heapq import nlargest

import gateway
from gateway.access.permissions import Actor, Permission
from gateway.model.state import GatewayState
from gateway.protocol.requests.connection_requests import Stats
from gateway.protocol.results import Latency, MemberFigures, SnapshotStanding, Statistics, TrafficFigures
from gateway.protocol.types.core_types import Activity, MemberKind
from gateway.protocol.types.timestamps import iso_from_seconds, seconds_from_iso
from gateway.runtime.hub import Hub
from gateway.statistics.delivery_end import DeliveryResult
from gateway.statistics.prometheus_page import OTHERS_LABEL, GaugeValues, Shows, render_page
from gateway.statistics.traffic import Traffic

ONLY_KINDS = (MemberKind.HUMAN, MemberKind.AGENT, MemberKind.TOOL)


async def answer_stats(hub: Hub, actor: Actor, request: Stats) -> Statistics:
    return gateway_statistics(hub, whose_figures(actor))


def whose_figures(actor: Actor) -> Shows:
    """The figures that this member may see."""
    return Shows() if actor.may(Permission.SEE_FIGURES) else Shows(only=frozenset({actor.name}))


def gateway_statistics(hub: Hub, shows: Shows) -> Statistics:
    table, state, now = hub.metrics.traffic, hub.state, hub.metrics.clock()
    rows = _rows(hub)
    waiting = sum(state.queued.values())
    others = waiting - sum(state.queued.get(name, 0) for name in rows)
    return Statistics(
        since=iso_from_seconds(hub.started_at),
        uptime=round(hub.now - hub.started_at, 3),
        connected=connected_by_kind(hub),
        total=_figures(table.total, waiting, now),
        members=tuple(
            MemberFigures(
                name=name,
                kind=state.members[name].member.kind if name in state.members else MemberKind.SYSTEM,
                connected=name in hub.broadcaster.connected_names(),
                traffic=_figures(row, state.queued.get(name, 0), now),
            )
            for name, row in sorted(rows.items())
            if shows.member(name)
        ),
        member_limit=table.limit,
        others=_figures(table.others, others, now) if shows.everyone else None,
    )


def _rows(hub: Hub) -> dict[str, Traffic]:
    """The members with figures of their own; while there is room for more, also those that have done nothing yet and
    for whom messages wait, the most first."""
    table = hub.metrics.traffic
    rows = dict(table)
    waiting = {name: count for name, count in hub.state.queued.items() if count and name not in rows}
    room = max(0, table.limit - len(rows))
    return rows | {name: Traffic() for name in nlargest(room, waiting, key=lambda name: (waiting[name], name))}


def connected_by_kind(hub: Hub) -> dict[str, int]:
    """The number of members with an open stream; those that only ask now and then have none."""
    counted = dict.fromkeys(map(str, ONLY_KINDS), 0)
    for name in hub.broadcaster.connected_names():
        if (record := hub.state.members.get(name)) is not None:
            counted[record.member.kind] = counted.get(record.member.kind, 0) + 1
    return counted


def _figures(row: Traffic, waiting: int, now: float) -> TrafficFigures:
    latency = row.recent_latency.recent(now)
    return TrafficFigures(
        sent=row.sent.total,
        sent_per_second=round(row.sent.per_second(now), 4),
        requests=row.requests.total,
        refused=row.refused.total,
        error_rate=round(row.error_rate(now), 4),
        taken=row.ends[DeliveryResult.TAKEN],
        failed=row.ends[DeliveryResult.FAILED],
        expired=row.ends[DeliveryResult.EXPIRED],
        cancelled=row.ends[DeliveryResult.CANCELLED],
        waiting=waiting,
        latency=Latency(
            p50=_rounded(latency.quantile(0.5)),
            p95=_rounded(latency.quantile(0.95)),
            p99=_rounded(latency.quantile(0.99)),
            count=latency.count,
        ),
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)


# for Prometheus


def metrics_page(hub: Hub, shows: Shows) -> bytes:
    return render_page(hub.metrics, _gauges(hub, shows), shows)


def _gauges(hub: Hub, shows: Shows) -> Iterator[GaugeValues]:
    def one(name: str, text: str, value: float) -> GaugeValues:
        return GaugeValues(name, text, (), {(): value})

    state, table, commits, disk = hub.state, hub.metrics.traffic, hub.committer.health(), hub.store.disk_use()
    yield GaugeValues("build_info", "The version of the gateway.", ("version",), {(gateway.__version__,): 1})
    yield one("start_time_seconds", "When the gateway started, in seconds since 1970.", hub.started_at)
    yield one("uncommitted_requests", "Requests that wait for the disk.", commits.waiting)
    yield one("commit_age_seconds", "For how long the oldest of them has waited.", commits.age)
    yield one("last_seq", "The number of the newest event in the log.", hub.committed_seq)
    yield one("store_bytes", "The size of the log on disk.", disk.used_bytes)
    yield one("store_free_bytes", "The free space on the disk that holds the log.", disk.free_bytes)
    yield from _snapshot_gauges(hub)
    yield one("open_asks", "Dialogs of agents that wait for an answer.", len(state.asks))
    yield one("loop_holds", "Loop guards that wait for a person.", len(state.loop_holds))
    yield one("queue_depth", "Waiting deliveries.", sum(state.queued.values()))
    yield GaugeValues(
        "connected_members",
        "Members with an open stream, by kind.",
        ("kind",),
        {(kind,): count for kind, count in connected_by_kind(hub).items()},
    )
    yield _by_labels("members", "Members by kind and presence.", ("kind", "presence"), _members(state, hub.now))
    yield _by_labels("agents", "Agents that have not left, by what they are doing.", ("activity",), _agents(state))
    yield one("member_labels", "Members that have figures of their own.", len(table))
    yield one("member_labels_limit", "How many may have; the others are counted together.", table.limit)
    yield GaugeValues(
        "member_queue_depth", "Deliveries that wait for this member.", ("member",), _waiting_by_member(hub, shows)
    )


def _snapshot_gauges(hub: Hub) -> Iterator[GaugeValues]:
    """All are 0 where no snapshots are taken, so that a query finds them everywhere."""
    standing = hub.snapshots.standing() if hub.snapshots else SnapshotStanding(0)
    newest = seconds_from_iso(standing.newest) if standing.newest else 0
    text = "When the newest snapshot of this log was taken, in seconds since 1970."
    yield GaugeValues("snapshot_last_time_seconds", text, (), {(): newest})
    text = "How often a snapshot is due."
    yield GaugeValues("snapshot_interval_seconds", text, (), {(): standing.every})
    text = "Snapshots that could not be taken."
    yield GaugeValues("snapshot_failures_total", text, (), {(): standing.failures}, "counter")


def _waiting_by_member(hub: Hub, shows: Shows) -> dict[tuple[str, ...], float]:
    queued = hub.state.queued
    found: dict[tuple[str, ...], float] = {
        (name,): queued.get(name, 0) for name in sorted(_rows(hub)) if shows.member(name)
    }
    if shows.everyone:
        found[OTHERS_LABEL,] = sum(queued.values()) - sum(found.values())
    return found


def _by_labels(name: str, text: str, labels: tuple[str, ...], found: Iterator[tuple[str, ...]]) -> GaugeValues:
    return GaugeValues(name, text, labels, Counter(found))


def _members(state: GatewayState, now: float) -> Iterator[tuple[str, ...]]:
    for record in state.members.values():
        if not record.removed:
            yield record.member.kind, state.presence(record.member, now)


def _agents(state: GatewayState) -> Iterator[tuple[str, ...]]:
    for name in state.agents():
        live = state.live.get(name)
        yield (live.activity if live is not None else Activity.UNKNOWN,)
