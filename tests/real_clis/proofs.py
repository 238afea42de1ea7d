"""What the proof of a release found, as a file of `proofs/`, and the texts that name proven releases: rules, README,
documentation. `bin/prove-clis` writes them; `tests/repo/test_releases.py` checks that they agree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks.delivery_results import Line
from benchmarks.delivery_verdict import Fate
from tests.real_clis.profile import Profile
from tests.real_clis.releases import FILE, HERE, Package, Release, read_packages, version_key

ROOT = HERE.parents[1]
PROOFS = HERE / "proofs"
EVIDENCE = ROOT / "docs" / "evidence.md"
NONE_YET = "none yet: **experimental**"
BEGIN, END = "<!-- releases: begin -->", "<!-- releases: end -->"
FAULTS = ("lost", "doubled", "garbled", "without an end", "into a dialog", "drafts lost", "replies wrong")
HEADS = (
    "release",
    "date",
    "tests",
    "messages",
    "exact",
    "failed visibly",
    *FAULTS,
    "accepted p95",
    "answered p95",
    "min",
)


class Deliveries(msgspec.Struct, frozen=True):
    """Times are from the sending of a message to an idle agent; none without such a message."""

    messages: int
    exact: int
    failed: int
    faults: dict[str, int]
    accepted_p95_ms: int | None
    answered_p95_ms: int | None


class Proof(msgspec.Struct, frozen=True):
    date: str
    commit: str
    load: float
    seconds: int
    tests: int
    deliveries: Deliveries
    profile: Profile


def count(lines: Sequence[Line]) -> Deliveries:
    fates = [line.fate for line in lines]
    idle = [line for line in lines if line.situation == "idle"]
    return Deliveries(
        len(lines),
        fates.count(Fate.EXACT),
        fates.count(Fate.FAILED) + fates.count(Fate.UNSEEN),
        {
            "lost": fates.count(Fate.LOST),
            "doubled": fates.count(Fate.DOUBLED),
            "garbled": fates.count(Fate.GARBLED),
            "without an end": fates.count(Fate.UNTOLD),
            "into a dialog": sum(line.dialogs for line in lines),
            "drafts lost": sum(line.drafts_lost for line in lines),
            "replies wrong": sum(line.replied is False for line in lines),
        },
        _p95_ms(idle, "accepted"),
        _p95_ms(idle, "answered"),
    )


def _p95_ms(lines: Sequence[Line], rung: str) -> int | None:
    times = sorted(after for line in lines for name, _, after in line.rungs if name == rung)
    return round(times[int(0.95 * (len(times) - 1))] * 1000) if times else None


def proof_file(release: Release) -> Path:
    return PROOFS / f"{release}.json"


def read_proof(release: Release) -> Proof | None:
    path = proof_file(release)
    return msgspec.json.decode(path.read_bytes(), type=Proof) if path.exists() else None


def last_proven(release: Release, files: Iterable[Path] | None = None) -> Release | None:
    """The newest other release of this CLI that has a proof."""
    found = [path.stem.partition("@") for path in files or PROOFS.glob("*.json")]
    others = [version for name, _, version in found if name == release.name and version != release.version]
    return Release(release.name, max(others, key=version_key)) if others else None


def row(release: Release, proof: Proof) -> str:
    told = proof.deliveries
    times = [f"{ms} ms" if ms is not None else "-" for ms in (told.accepted_p95_ms, told.answered_p95_ms)]
    counts = [proof.tests, told.messages, told.exact, told.failed, *(told.faults[name] for name in FAULTS)]
    return f"| {release} | {proof.date} | {' | '.join(map(str, [*counts, *times]))} | {proof.seconds / 60:.0f} |"


def table(proofs: Mapping[Release, Proof]) -> str:
    rows = sorted(proofs.items(), key=lambda pair: (pair[0].name, version_key(pair[0].version)))
    head = [f"| {' | '.join(HEADS)} |", f"| --- | --- |{' ---: |' * (len(HEADS) - 2)}"]
    return "\n".join([*head, *(row(release, proof) for release, proof in rows)])


# The texts


def with_versions(text: str, versions: Sequence[str]) -> str:
    """Of a rules file, which is experimental until a release is proven."""
    listed = ", ".join(f'"{one}"' for one in versions)
    mark = "" if versions else "\nexperimental = true"
    said = r"^versions = \[.*\]$(?:\nexperimental = true$)?"
    return re.sub(said, f"versions = [{listed}]{mark}", text, count=1, flags=re.MULTILINE)


def with_cell(text: str, name: str, versions: Sequence[str]) -> str:
    """The second cell of the row of this CLI, in the first table that has one."""
    listed = ", ".join(versions) or NONE_YET
    return re.sub(rf"^\| {name} \| [^|]*\|", f"| {name} | {listed} |", text, count=1, flags=re.MULTILINE)


def with_table(text: str, rows: str) -> str:
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n{rows}\n{END}{rest.partition(END)[2]}"


def texts_of(name: str, versions: Sequence[str]) -> dict[Path, str]:
    """Each file that names the proven releases of this CLI, as it should be."""
    rules = ROOT / "sidecar" / "agents" / "rules" / f"{name}.toml"
    pages = (ROOT / "README.md", ROOT / "docs" / "adapters.md")
    found = {rules: with_versions(rules.read_text(encoding="utf-8"), versions)}
    return found | {page: with_cell(page.read_text(encoding="utf-8"), name, versions) for page in pages}


def all_proofs() -> dict[Release, Proof]:
    releases = [Release(name, version) for name, one in read_packages().items() for version in one.proven]
    return {one: proof for one in releases if (proof := read_proof(one))}


def with_proven(package: Package, version: str) -> Package:
    return msgspec.structs.replace(package, proven=tuple(sorted({*package.proven, version}, key=version_key)))


def write(release: Release, proof: Proof) -> None:
    """Everything that names it: its proof, the list of releases, and the texts."""
    PROOFS.mkdir(exist_ok=True)
    proof_file(release).write_bytes(msgspec.json.format(msgspec.json.encode(proof)) + b"\n")
    packages = read_packages()
    packages[release.name] = with_proven(packages[release.name], release.version)
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(packages)) + b"\n")
    for path, text in texts_of(release.name, packages[release.name].proven).items():
        path.write_text(text, encoding="utf-8")
    EVIDENCE.write_text(with_table(EVIDENCE.read_text(encoding="utf-8"), table(all_proofs())), encoding="utf-8")
