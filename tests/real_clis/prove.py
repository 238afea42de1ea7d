"""Proves releases of CLIs that the default tests do not run: installs one into a folder of its own, replays the
recordings of its agent, runs the tests that drive it, delivers messages, and prints one row, or what broke."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.delivery_results import Line, file_of, read
from benchmarks.delivery_verdict import Fate
from tests.real_clis.homes import ALL, FURTHER, PROVEN_VARIABLE, folder_of

ROOT = Path(__file__).resolve().parents[2]
DELIVERIES = 200
TESTS = ("test_turns", "test_hooks", "test_asks", "test_messages", "test_delivery")
SCORES = "tests/sidecar/activity/test_replay_scores.py"


@dataclass(frozen=True)
class Release:
    name: str
    version: str

    @property
    def folder(self) -> Path:
        return folder_of(self.name, self.version)

    @property
    def kept(self) -> Path:
        """What was seen of it: results, and recordings of what failed."""
        return self.folder / "seen"

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


def release_of(text: str) -> Release:
    name, _, version = text.partition("@")
    if name not in FURTHER:
        raise SystemExit(f"prove-clis: {name!r} is not one of {', '.join(FURTHER)} (tests/real_clis/further.json).")
    return Release(name, version or str(FURTHER[name]["version"]))


def install(release: Release) -> None:
    """Without the scripts of packages. What is there already is not fetched again."""
    if any(release.folder.glob(str(FURTHER[release.name]["program"]))):
        return
    release.folder.mkdir(parents=True, exist_ok=True)
    package = f"{FURTHER[release.name]['package']}@{release.version}"
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--loglevel=error")
    done = subprocess.run(["npm", "install", "--prefix", str(release.folder), *quiet, package], check=False)
    if done.returncode:
        raise SystemExit(f"prove-clis: npm could not install {package}.")


def run(release: Release, *words: str) -> bool:
    env = {**os.environ, PROVEN_VARIABLE: str(release), "EYES_KEEP": str(release.kept), "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-P", *words], cwd=ROOT, env=env, check=False).returncode == 0


def prove(release: Release, deliveries: int) -> bool:
    begun = time.monotonic()
    install(release)
    release.kept.mkdir(parents=True, exist_ok=True)
    pytest = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", release.name)
    files = [f"tests/real_clis/{name}.py" for name in TESTS]
    steps = {
        "recordings": run(release, *pytest, SCORES),
        "tests with the real CLI": run(release, *pytest, *files),
        "deliveries": deliver(release, deliveries),
    }
    print(f"\n{row(release, read(file_of(release.name, release.kept)))} in {time.monotonic() - begun:.0f} s")
    broken = [step for step, good in steps.items() if not good]
    if broken:
        print(f"{release}: {', '.join(broken)} failed. Recordings and evidence are in {release.kept}.")
    return not broken


def deliver(release: Release, wanted: int) -> bool:
    """The verdict is of the messages: this machine's times are no failure of the CLI."""
    if not wanted:
        return True
    kept = ("--results", str(release.kept), "--evidence", str(release.kept / "evidence"))
    run(release, "-m", "benchmarks.delivery_run", "--cli", release.name, "--n", str(wanted), *kept)
    lines = read(file_of(release.name, release.kept))
    return len(lines) >= wanted and not any(count for name, count in faults(lines).items())


def faults(lines: Sequence[Line]) -> dict[str, int]:
    fates = [line.fate for line in lines]
    return {
        "lost": fates.count(Fate.LOST),
        "doubled": fates.count(Fate.DOUBLED),
        "garbled": fates.count(Fate.GARBLED),
        "without an end": fates.count(Fate.UNTOLD),
        "into a dialog": sum(line.dialogs for line in lines),
        "drafts lost": sum(line.drafts_lost for line in lines),
    }


def row(release: Release, lines: Sequence[Line]) -> str:
    told = ", ".join(f"{count} {name}" for name, count in faults(lines).items())
    exact = sum(line.fate is Fate.EXACT for line in lines)
    idle = [line for line in lines if line.situation == "idle"]
    ms = ", ".join(f"{rung} p95 {p95_ms(idle, rung)}" for rung in ("accepted", "answered"))
    return f"{release}: {len(lines)} messages, {exact} exact, {told}; idle: {ms}"


def p95_ms(lines: Sequence[Line], rung: str) -> str:
    """From the sending of a message to this state."""
    times = sorted(after for line in lines for name, _, after in line.rungs if name == rung)
    return f"{times[int(0.95 * (len(times) - 1))] * 1000:.0f} ms" if times else "none"


def main() -> None:
    parser = argparse.ArgumentParser(prog="prove-clis", description=__doc__)
    parser.add_argument("releases", nargs="*", metavar="NAME[@VERSION]", help=f"default: {', '.join(FURTHER)}")
    parser.add_argument("--deliveries", type=int, default=DELIVERIES, metavar="N", help=f"default: {DELIVERIES}")
    given = parser.parse_args()
    releases = [release_of(text) for text in given.releases or FURTHER]
    assert set(FURTHER) <= set(ALL)
    sys.exit(0 if all([prove(release, given.deliveries) for release in releases]) else 1)


if __name__ == "__main__":
    main()
