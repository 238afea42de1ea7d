"""Many connections without tokens, in a separate process: each connects, sends its text, and stays. A closed connection
is opened again. The process ends with its standard input.

python -m benchmarks.strangers_crowd HOST PORT COUNT silent|half|refused
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys

SAID = {
    "silent": b"",
    "half": b"GET /v1/ping HTTP/1.1\r\nHost: 127.0.0.1\r\nX-",
    "refused": b"GET /v1/ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
}
PAUSE = 0.5


async def stay(place: tuple[str, int], said: bytes) -> None:
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(*place)
            writer.write(said)
            while await reader.read(4096):
                pass
            writer.close()
        await asyncio.sleep(PAUSE)


async def crowd(place: tuple[str, int], count: int, said: bytes) -> None:
    tasks = [asyncio.get_running_loop().create_task(stay(place, said)) for _ in range(count)]
    await asyncio.sleep(1)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()


def main() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    host, port, count, kind = sys.argv[1:]
    asyncio.run(crowd((host, int(port)), int(count), SAID[kind]))


if __name__ == "__main__":
    main()
