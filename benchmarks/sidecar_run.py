"""The command: measure the cost of the sidecar, compare it with runs without it, and print the results."""

from __future__ import annotations

from benchmarks import sidecar_backlog, sidecar_flood, sidecar_keys, sidecar_long_flood, sidecar_rest, sidecar_watch
from benchmarks.harness import Suite, run_suite

SIDECAR = Suite(
    __doc__ or "",
    {
        "keys": sidecar_keys.measure,
        "flood": sidecar_flood.measure,
        "long-flood": sidecar_long_flood.measure,
        "rest": sidecar_rest.rest,
        "busy": sidecar_rest.busy,
        "backlog": sidecar_backlog.measure,
        "watch": sidecar_watch.measure,
    },
    figures="sidecar.json",
    page="sidecar-numbers.md",
)

if __name__ == "__main__":
    run_suite(SIDECAR)
