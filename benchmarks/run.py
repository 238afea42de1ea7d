"""The command: measure all claims of the gateway, or one, and print the results."""

from __future__ import annotations

from benchmarks import (
    append,
    cluster,
    command_line,
    connector,
    fanout,
    floor,
    floor_turns,
    identity_check,
    idle,
    loops,
    million,
    recall,
    redis_store,
    restart,
    retention,
    scrape,
    sealed_fanout,
    sealed_path,
    sealing,
    snapshot,
    tools,
)
from benchmarks.harness import Suite, run_suite

GATEWAY = Suite(
    __doc__ or "",
    {
        "fanout": fanout.measure,
        "append": append.measure,
        "redis": redis_store.measure,
        "cluster": cluster.measure,
        "million": million.measure,
        "recall": recall.measure,
        "idle": idle.measure,
        "tools": tools.measure,
        "loops": loops.measure,
        "identity": identity_check.measure,
        "sealing": sealing.measure,
        "sealed-fanout": sealed_fanout.measure,
        "sealed-path": sealed_path.measure,
        "floor": floor.measure,
        "turns": floor_turns.measure,
        "restart": restart.measure,
        "snapshot": snapshot.measure,
        "retention": retention.measure,
        "scrape": scrape.measure,
        "connector": connector.measure,
        "cli": command_line.measure,
    },
    figures="latest.json",
    page="benchmarks.md",
)

if __name__ == "__main__":
    run_suite(GATEWAY)
