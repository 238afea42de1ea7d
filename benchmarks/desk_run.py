"""The command: measure the claims of the chat and the start (start, keys, reach, history, rooms), and print them."""

from __future__ import annotations

from benchmarks import desk_chat, desk_keys, desk_rooms, desk_start
from benchmarks.harness import Suite, run_suite

DESK = Suite(
    __doc__ or "",
    {
        "start": desk_start.measure,
        "keys": desk_keys.measure,
        "reach": desk_chat.reach,
        "open": desk_chat.opening,
        "rooms": desk_rooms.measure,
    },
    figures="desk.json",
    page="desk-numbers.md",
)

if __name__ == "__main__":
    run_suite(DESK)
