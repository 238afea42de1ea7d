"""The command: measure what the desk claims: its start, its keys, its reach, its history, and print what was found."""

from __future__ import annotations

from benchmarks import desk_chat, desk_keys, desk_start
from benchmarks.harness import Suite, run_suite

DESK = Suite(
    __doc__ or "",
    {"start": desk_start.measure, "keys": desk_keys.measure, "reach": desk_chat.reach, "open": desk_chat.opening},
    figures="desk.json",
    page="desk-numbers.md",
)

if __name__ == "__main__":
    run_suite(DESK)
