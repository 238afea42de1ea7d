"""The command: measure what the page claims, in a real Chromium, and print the results."""

from __future__ import annotations

from benchmarks import web_arrival, web_history, web_sockets, web_start
from benchmarks.harness import Suite, run_suite

PAGE = Suite(
    __doc__ or "",
    {
        "web-start": web_start.measure,
        "web-arrival": web_arrival.measure,
        "web-history": web_history.measure,
        "web-sockets": web_sockets.measure,
    },
    figures="web.json",
    page="benchmarks.md",
)

if __name__ == "__main__":
    run_suite(PAGE)
