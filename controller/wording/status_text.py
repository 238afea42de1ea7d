"""`status` in words, for the chat and the shell. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gateway.console.durations import duration_text
from gateway.console.snapshot_text import snapshot_text
from gateway.protocol.results import AgentCost, GatewayStanding, Health
from gateway.protocol.types.loop_limits import Limits, LoopHoldView

_STORE_TEXT = {
    "sqlite (full)": "SQLite, every message synced to disk",
    "sqlite (normal)": "SQLite, synced to disk at checkpoints",
    "sqlite (off)": "SQLite, not synced to disk",
}


@dataclass(frozen=True)
class StatusContext:
    """What the client knows about itself: its team, its session, the address of the gateway."""

    team: str = ""
    file: str = ""
    session: str = ""
    url: str = ""
    state: str = ""


def store_text(store: str) -> str:
    """How messages are kept. A store without words of its own is named as the gateway names it."""
    return _STORE_TEXT.get(store, store)


def status_rows(health: Health, context: StatusContext) -> list[tuple[str, str]]:
    found = [
        ("team", _team_text(context)),
        ("gateway", _gateway_text(health, context)),
        ("store", store_text(health.store)),
        *gateway_rows(health.gateways),
        ("snapshots", snapshot_text(health.snapshots) if health.snapshots else ""),
        ("here", _counts_text(health)),
        ("waiting", f"{_count(health.queued, 'delivery', 'deliveries')}" if health.queued else "nothing"),
        ("last event", f"#{health.last_seq}"),
        ("limits", limits_text(health.limits)),
        ("loop guards", holds_text(health.brakes) or "none"),
        *cost_rows(health.costs, health.limits.max_tokens),
        ("last error", health.last_error),
    ]
    return [(name, text) for name, text in found if text]


def gateway_rows(gateways: Sequence[GatewayStanding]) -> list[tuple[str, str]]:
    """The gateways that share the log, one row for each."""
    if len(gateways) < 2 and all(one.decides for one in gateways):
        return []
    decides = any(one.decides for one in gateways)
    total = (
        f"{_count(len(gateways), 'gateway', 'gateways')} of one log{'' if decides else ', none of them decides now'}"
    )
    return [("gateways", total), *((f"  {one.url}", _standing_text(one)) for one in gateways)]


def _standing_text(gateway: GatewayStanding) -> str:
    behind = f"{_count(gateway.behind, 'event', 'events')} behind" if gateway.behind else "up to date"
    role = "decides" if gateway.decides else f"follows, {behind}"
    return f"{role}, {_count(gateway.connections, 'connection', 'connections')}, version {gateway.version}"


def cost_rows(costs: Sequence[AgentCost], max_tokens: int = 0) -> list[tuple[str, str]]:
    """What all have spent, then one row for each agent; no prices, because they depend on the person's contract."""
    answers = sum(one.answers for one in costs)
    if not answers:
        return [("cost", "no agent has answered yet")]
    since = min(one.since for one in costs if one.since)[:10]
    tokens = _tokens_text(sum(one.tokens for one in costs))
    total = f"{_count(answers, 'answer', 'answers')} since {since}, {tokens}"
    return [("cost", total), *((f"  {one.name}", _agent_cost_text(one, max_tokens)) for one in costs)]


def _agent_cost_text(cost: AgentCost, max_tokens: int) -> str:
    total = f"{_count(cost.answers, 'answer', 'answers')}, {_tokens_text(cost.tokens)}"
    limit = f" of {max_tokens:,}" if max_tokens else ""
    spent = [f"{cost.hour_tokens:,}{limit} tokens"] if cost.hour_tokens or (max_tokens and cost.tokens) else []
    woken = [f"woken {_count(cost.hour_wakes, 'time', 'times')} by agents"] if cost.hour_wakes else []
    hour = ", ".join((*spent, *woken))
    return f"{total}; in the last hour {hour}" if hour else total


def _tokens_text(tokens: int) -> str:
    return f"{tokens:,} tokens" if tokens else "no tokens reported"


def _team_text(context: StatusContext) -> str:
    named = (("from", context.file), ("state", context.state), ("session", context.session))
    parts = [context.team, *(f"{name} {value}" for name, value in named if value)]
    return " · ".join(one for one in parts if one)


def _gateway_text(health: Health, context: StatusContext) -> str:
    life = f"runs for {duration_text(health.uptime)}" if health.status == "ok" else _trouble_text(health)
    return " · ".join(one for one in (context.url, life, f"version {health.version}") if one)


def _trouble_text(health: Health) -> str:
    waiting = _count(health.uncommitted, "request waits", "requests wait")
    return f"{health.status}: {waiting} for the disk, the oldest for {duration_text(health.commit_age)}"


def _counts_text(health: Health) -> str:
    return ", ".join(
        (
            _count(health.agents, "agent", "agents"),
            _count(health.members, "member", "members"),
            _count(health.rooms, "room", "rooms"),
            _count(health.connections, "connection", "connections"),
        )
    )


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def limits_text(limits: Limits) -> str:
    numbers = ((name.removeprefix("max_"), getattr(limits, name)) for name in limits.__struct_fields__)
    return ", ".join(f"{name} {number or 'no limit'}" for name, number in numbers)


def holds_text(holds: Collection[LoopHoldView]) -> str:
    """The holds of the loop guard, and how to lift them."""
    words = []
    for one in holds:
        trips = ", ".join(f"{trip.guard} of {' and '.join(trip.names)}" for trip in one.trips)
        words.append(f"{one.room}: {trips or 'lifted in part'}; {one.asleep} waiting")
    return " | ".join(words) + (" (groupchat continue)" if words else "")
