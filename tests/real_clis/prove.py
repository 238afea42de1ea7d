"""Proves a release of a CLI: installs it beside the pinned one, replays the recordings of its agent, runs the tests
that drive it, delivers messages, and compares what it shows and tells with the last release. If all is good, it writes
the release into the rules and the documentation; else it prints what broke, and keeps recordings of it."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks import machine
from benchmarks.delivery_results import file_of, read
from gateway.console.progress_bar import ProgressBar, progress_bar
from tests.fakes.terminal_recording import FOLDER_VARIABLE, recorded_tests
from tests.real_clis import proofs
from tests.real_clis.packages import install, newest
from tests.real_clis.profile import Profile, differences
from tests.real_clis.releases import PACKAGES, PROVEN_VARIABLE, Release, parse_release

ROOT = Path(__file__).resolve().parents[2]
DELIVERIES = 200
STEPS = 4  # of a release: its profile, recordings, tests, deliveries
TESTS = (
    *("test_turns", "test_hooks", "test_asks", "test_messages", "test_delivery", "test_crashes", "test_stop"),
    *("test_sidecar_feels_bare", "test_first_questions", "test_environment", "test_limits", "test_removed_characters"),
    *("test_tools", "test_comeback_of_one"),
)
SCORES = "tests/sidecar/activity/test_replay_scores.py"
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_PASSED = re.compile(r"\b(\d+) passed\b")


@dataclass
class Found:
    """What the steps have shown of a release so far."""

    release: Release
    bar: ProgressBar
    broken: list[str] = field(default_factory=list)
    tests: int = 0

    @property
    def kept(self) -> Path:
        """Results, logs, and recordings of what failed."""
        return self.release.folder / "seen"

    @property
    def recordings(self) -> Path:
        return self.kept / "terminals"


def run(found: Found, step: str, *words: str, **more: str) -> tuple[bool, str]:
    """Its output goes into a log; and to where ours goes, unless a bar is there instead."""
    variables = {PROVEN_VARIABLE: str(found.release), "EYES_KEEP": str(found.kept), "PYTHONPATH": str(ROOT), **more}
    command = [sys.executable, "-P", *words]
    found.bar.wipe()
    print(f"\n{found.release}: {step}", flush=True)
    said = bytearray()
    done = found.bar.done
    env = {**os.environ, **variables}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        while piece := os.read(process.stdout.fileno(), 65536):
            said += piece
            found.bar.reach(done)  # shows that it goes on
            if not found.bar.is_shown:
                sys.stdout.buffer.write(piece)
                sys.stdout.flush()
    found.bar.advance()
    text = said.decode("utf-8", "replace")
    (found.kept / f"{step}.log").write_text(text, encoding="utf-8")
    if process.returncode:
        found.broken += [f"{step}: {name}" for name in _FAILED.findall(text)] or [step]
    return process.returncode == 0, text


def run_tests(found: Found) -> None:
    pytest = ("-m", "pytest", "-q", "-rfE", "--tb=short", "-p", "no:cacheprovider")
    _, replayed = run(found, "recordings", *pytest, "-k", found.release.name, SCORES)
    shutil.rmtree(found.recordings, ignore_errors=True)
    files = [f"tests/real_clis/{name}.py" for name in TESTS]
    _, driven = run(found, "tests", *pytest, *files, **{FOLDER_VARIABLE: str(found.recordings)})
    found.tests = sum(int(number) for text in (replayed, driven) for number in _PASSED.findall(text))
    keep_recordings_of(set(_FAILED.findall(driven)), found.recordings)


def keep_recordings_of(failed: set[str], folder: Path) -> None:
    for path in folder.glob("*.cast"):
        if not failed & recorded_tests(path):
            path.unlink()


def deliver(found: Found, wanted: int) -> proofs.Deliveries:
    """The verdict is of the messages: this machine's times are no failure of the CLI. It goes on where it stopped."""
    name = found.release.name
    if wanted:
        words = ("--cli", name, "--n", str(wanted), "--results", str(found.kept))
        run(found, "deliveries", "-m", "benchmarks.delivery_run", *words, "--evidence", str(found.kept / "evidence"))
        found.broken = [one for one in found.broken if one != "deliveries"]
    told = proofs.count(read(file_of(name, found.kept)))
    found.broken += [f"deliveries: {number} {fault}" for fault, number in told.faults.items() if number]
    if told.messages < wanted:
        found.broken.append(f"deliveries: only {told.messages} of {wanted} messages")
    return told


def look(found: Found) -> Profile | None:
    path = found.kept / "profile.json"
    path.unlink(missing_ok=True)
    run(found, "profile", "-m", "tests.real_clis.profile", found.release.name, str(path))
    return msgspec.json.decode(path.read_bytes(), type=Profile) if path.exists() else None


def compare(release: Release, profile: Profile) -> None:
    last = proofs.last_proven(release)
    before = proofs.read_proof(last) if last else None
    if before is not None:
        changed = differences(before.profile, profile)
        print(f"\n{release} shows and tells {'the same as' if not changed else 'other than'} {last}:")
        print("".join(f"  {line}\n" for line in changed), end="")


def prove(release: Release, deliveries: int, bar: ProgressBar, *, write: bool) -> bool:
    begun = time.monotonic()
    install(release)
    found = Found(release, bar)
    found.kept.mkdir(parents=True, exist_ok=True)
    profile = look(found)
    run_tests(found)
    told = deliver(found, deliveries)
    bar.wipe()
    seconds = round(time.monotonic() - begun)
    if profile is not None:
        compare(release, profile)
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        proof = proofs.Proof(today, machine.commit(), os.getloadavg()[2], seconds, found.tests, told, profile)
        print(f"\n{proofs.row(release, proof)}")
        if write and not found.broken and deliveries >= DELIVERIES:
            proofs.write(release, proof)
            print(f"{release} is proven, and named so in the rules, the README and docs/.")
    for one in found.broken:
        print(f"{release} broke: {one}")
    if found.broken:
        print(f"Logs, evidence and recordings are in {found.kept}.")
    return not found.broken


def chosen(names: list[str], *, latest: bool) -> list[Release]:
    try:
        releases = [parse_release(text) for text in names or PACKAGES]
    except KeyError as error:
        raise SystemExit(f"prove-clis: {error} is not one of {', '.join(PACKAGES)}.") from error
    return [newest(one.name) for one in releases] if latest else releases


def main() -> None:
    parser = argparse.ArgumentParser(prog="prove-clis", description=__doc__)
    parser.add_argument(
        "releases", nargs="*", metavar="NAME[@VERSION]", help=f"default: {', '.join(PACKAGES)}, as pinned"
    )
    parser.add_argument("--latest", action="store_true", help="the newest release of each, whichever is named")
    parser.add_argument("--deliveries", type=int, default=DELIVERIES, metavar="N", help=f"default: {DELIVERIES}")
    parser.add_argument("--no-write", action="store_true", help="change no file of the repository")
    given = parser.parse_args()
    releases = chosen(given.releases, latest=given.latest)
    steps = len(releases) * (STEPS if given.deliveries else STEPS - 1)
    with progress_bar("prove-clis", "steps", steps) as bar:
        good = [prove(release, given.deliveries, bar, write=not given.no_write) for release in releases]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
