"""`status` in words."""

from __future__ import annotations

import msgspec
import pytest

from controller.wording.status_text import StatusContext, cost_rows, status_rows, store_text
from gateway.console.durations import duration_text
from gateway.protocol.results import AgentCost, Health, SnapshotStanding


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (131.876, "2 min"),
        (3599, "59 min"),
        (3600, "1 h 0 min"),
        (7860, "2 h 11 min"),
        (86_399, "23 h 59 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("store", "text"),
    [
        ("sqlite (full)", "SQLite, every message synced to disk"),
        ("sqlite (off)", "SQLite, not synced to disk"),
        ("redis 7.2", "redis 7.2"),
    ],
)
def test_how_messages_are_kept(store: str, text: str) -> None:
    assert store_text(store) == text


def test_status_is_told_in_words() -> None:
    health = Health("ok", "0.1.0", 7860.2, 3, 5, 1, 4, 812, 2, "sqlite (full)")
    context = StatusContext("site", "~/site/team.toml", "llm-groupchat-site", "http://127.0.0.1:8765", "/state")
    assert dict(status_rows(health, context)) == {
        "team": "site · from ~/site/team.toml · state /state · session llm-groupchat-site",
        "gateway": "http://127.0.0.1:8765 · runs for 2 h 11 min · version 0.1.0",
        "store": "SQLite, every message synced to disk",
        "here": "3 agents, 5 members, 1 room, 4 connections",
        "waiting": "2 deliveries",
        "last event": "#812",
        "limits": "hops 8, pair 10, wakes 60, repeats 3, tokens no limit",
        "loop guards": "none",
        "cost": "no agent has answered yet",
    }


def test_snapshots_have_a_row_where_the_gateway_takes_them() -> None:
    health = Health("ok", "0.1.0", 60, 0, 1, 1, 0, 1, 0, "sqlite (full)", snapshots=SnapshotStanding(1800, age=720))
    assert dict(status_rows(health, StatusContext()))["snapshots"] == "the newest is 12 min old, one every 30 min"


CLAUDE = AgentCost("claude", 12, 41_200, "2026-11-20T09:00:00.000Z", 3100, 2)
DEMO = AgentCost("ada", 1, 0, "2026-11-21T09:00:00.000Z")


@pytest.mark.parametrize(
    ("costs", "limit", "rows"),
    [
        ((), 0, [("cost", "no agent has answered yet")]),
        ((AgentCost("ben", hour_wakes=2),), 0, [("cost", "no agent has answered yet")]),
        (
            (DEMO, CLAUDE),
            0,
            [
                ("cost", "13 answers since 2026-11-20, 41,200 tokens"),
                ("  ada", "1 answer, no tokens reported"),
                (
                    "  claude",
                    "12 answers, 41,200 tokens; in the last hour 3,100 tokens, woken 2 times by agents",
                ),
            ],
        ),
        (
            (DEMO, msgspec.structs.replace(CLAUDE, hour_tokens=0, hour_wakes=0)),
            50_000,
            [
                ("cost", "13 answers since 2026-11-20, 41,200 tokens"),
                ("  ada", "1 answer, no tokens reported"),
                ("  claude", "12 answers, 41,200 tokens; in the last hour 0 of 50,000 tokens"),
            ],
        ),
    ],
)
def test_what_the_conversation_has_cost(costs: tuple[AgentCost, ...], limit: int, rows: list[tuple[str, str]]) -> None:
    assert cost_rows(costs, limit) == rows


def test_a_disk_that_takes_nothing_is_told_first() -> None:
    stuck = Health("stuck", "0.1.0", 60, 1, 1, 1, 1, 1, 0, "x")
    health = msgspec.structs.replace(stuck, commit_age=131.2, uncommitted=1, last_error="disk full")
    rows = dict(status_rows(health, StatusContext()))
    assert rows["gateway"] == "stuck: 1 request waits for the disk, the oldest for 2 min · version 0.1.0"
    assert (rows["last error"], rows["waiting"]) == ("disk full", "nothing")
    assert "team" not in rows
