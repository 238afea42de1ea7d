"""The client processes of a benchmark: they get a job, connect, report that they are ready, wait for the start signal,
and report the result.

Runs as `python -P -m benchmarks.client`; job and report are lines of JSON on standard input and output.
"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import msgspec

from benchmarks import senders, watchers
from benchmarks.jobs import Job, Report, Role
from benchmarks.processes import clean_environment

START_PATIENCE = 120


class Word(StrEnum):
    READY = "ready"
    GO = "go"


class Client:
    """A client process, seen by the benchmark that started it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self) -> Report:
        self.begin()
        return self.report()

    def begin(self) -> None:
        self._say(Word.GO)

    def report(self) -> Report:
        return msgspec.json.decode(self._heard(), type=Report)

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _heard(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the client process ended: exit {self._process.wait(10)}")
        return line.strip()


@contextmanager
def client(job: Job) -> Iterator[Client]:
    """Connected and ready to run."""
    command = [sys.executable, "-P", "-m", "benchmarks.client"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment()
    ) as process:
        try:
            found = Client(process)
            found._say(msgspec.json.encode(job).decode())
            if found._heard() != Word.READY:
                raise RuntimeError("the client process did not become ready")
            yield found
        finally:
            process.kill()


async def _main() -> None:
    job = msgspec.json.decode(sys.stdin.readline(), type=Job)
    work = watchers.Crowd(job) if job.role is Role.WATCH else senders.Choir(job)
    await asyncio.wait_for(work.connect(), START_PATIENCE)
    gc.freeze()
    print(Word.READY.value, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    report = await work.run()
    print(msgspec.json.encode(report).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(_main())
