"""A member that sends a number of messages per second, evenly: `python -P -m benchmarks.desk_talker STATE A_SECOND`."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from gateway.client import Client, find_endpoint

TEXTS = (
    "one more line of about the length that lines in a chat have",
    "a line that does not fit in one row of the stream and is broken between words, as lines of agents often are",
    "**bold** and `code` in one line",
    "short",
)


async def talk(state: Path, a_second: float) -> None:
    async with Client(find_endpoint(os.environ, state=state)) as client:
        due, number = time.perf_counter(), 0
        while True:
            await client.send(f"{number}: {TEXTS[number % len(TEXTS)]}")
            number += 1
            due += 1 / a_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))


if __name__ == "__main__":
    asyncio.run(talk(Path(sys.argv[1]), float(sys.argv[2])))
