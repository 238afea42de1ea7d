"""The minimum that any wrapper in Python must do: a PTY, two descriptors, asyncio. The baseline for the sidecar."""

import asyncio
import os
import pty
import sys
import tty


def copy(source: int, target: int, done: asyncio.Event) -> None:
    try:
        data = os.read(source, 65536)
    except OSError:
        data = b""
    os.write(target, data) if data else done.set()


async def main(command: list[str]) -> None:
    pid, master = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    tty.setraw(0)
    done, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(0, copy, 0, master, done)
    loop.add_reader(master, copy, master, 1, done)
    await done.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
