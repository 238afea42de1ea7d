"""The releases of CLIs that the rules, the README, the documentation and npm's files name are those of `releases.json`;
and what `bin/prove-clis` writes into these texts, and how it compares two releases."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from sidecar.agents import REGISTRY
from tests.real_clis import proofs
from tests.real_clis.homes import CLAUDE_197
from tests.real_clis.packages import find_python
from tests.real_clis.profile import Profile, differences, fields_of, hooks_of
from tests.real_clis.releases import HERE, PACKAGES, Release, parse_release, release_and_program, version_key

NAMES = tuple(PACKAGES)
PROFILE = Profile(
    {"Stop": ("cwd", "text")}, ("answer by hook",), ("idle: the composer is free",), ("Run it?", "Yes"), True, ()
)
DELIVERIES = proofs.Deliveries(200, 198, 2, dict.fromkeys(proofs.FAULTS, 0), 310, None)
PROOF = proofs.Proof("2026-11-30", "0ce55ab", 4.0, 700, 98, DELIVERIES, PROFILE)


@pytest.mark.parametrize("name", NAMES)
def test_the_rules_name_the_proven_releases(name: str) -> None:
    """Until one is proven, they are experimental."""
    assert REGISTRY[name].rules.versions == PACKAGES[name].proven
    assert REGISTRY[name].rules.experimental == (not PACKAGES[name].proven)


@pytest.mark.parametrize("name", NAMES)
def test_the_texts_name_the_proven_releases(name: str) -> None:
    for path, text in proofs.texts_of(name, PACKAGES[name].proven).items():
        assert path.read_text(encoding="utf-8") == text, f"bin/prove-clis writes {path.name}"


@pytest.mark.parametrize("name", NAMES)
def test_the_pinned_release_is_proven_and_the_setup_page_names_it(name: str) -> None:
    package = PACKAGES[name]
    assert package.pinned in package.proven or not package.proven
    page = (proofs.ROOT / "docs" / "real-clis.md").read_text(encoding="utf-8")
    assert f"| `{name}` | `{package.package}` {package.pinned} |" in page


def test_npm_installs_the_pinned_releases_of_the_default_run() -> None:
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    pinned = {one.package: one.pinned for one in PACKAGES.values() if one.default_run}
    assert {package: wanted.get(package) for package in pinned} == pinned
    older = f"npm:{PACKAGES['claude'].package}@{CLAUDE_197.version}"
    assert wanted["claude-code-197"] == older
    assert CLAUDE_197.version in PACKAGES["claude"].proven


def test_the_page_of_evidence_has_the_row_of_each_proof() -> None:
    page = proofs.EVIDENCE.read_text(encoding="utf-8")
    assert proofs.with_table(page, proofs.table(proofs.all_proofs())) == page


def test_no_proof_is_of_a_release_that_failed() -> None:
    kept = {path.stem for path in proofs.PROOFS.glob("*.json")}
    assert kept == {str(release) for release in proofs.all_proofs()}
    for release, proof in proofs.all_proofs().items():
        assert not any(proof.deliveries.faults.values()), release


# What the command writes


def test_versions_and_cells_are_replaced_in_their_places_only() -> None:
    assert proofs.with_versions('# versions = []\nversions = ["1"]\n', ("1", "2.0")) == (
        '# versions = []\nversions = ["1", "2.0"]\n'
    )
    without = "versions = []\nexperimental = true\n[box]"
    assert proofs.with_versions(without, ("1",)) == 'versions = ["1"]\n[box]'
    assert proofs.with_versions('versions = ["1"]\n[box]', ()) == without
    text = "| agent | tested |\n| claude | 1 | much |\n| codex | 1 | more |\n| claude | yes | no |\n"
    assert proofs.with_cell(text, "claude", ("1", "2")) == text.replace("| claude | 1 |", "| claude | 1, 2 |")
    assert proofs.with_cell(text, "codex", ()) == text.replace("| codex | 1 |", f"| codex | {proofs.NONE_YET} |")


def test_a_row_tells_every_count_and_the_table_is_put_between_its_marks() -> None:
    rows = proofs.table({Release("codex", "0.10.0"): PROOF, Release("codex", "0.9.1"): PROOF})
    assert [line.split(" | ")[0] for line in rows.splitlines()[2:]] == ["| codex@0.9.1", "| codex@0.10.0"]
    assert rows.splitlines()[2].endswith("| 98 | 200 | 198 | 2 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 310 ms | - | 12 |")
    page = f"before\n{proofs.BEGIN}\nold\n{proofs.END}\nafter"
    assert proofs.with_table(page, rows) == f"before\n{proofs.BEGIN}\n{rows}\n{proofs.END}\nafter"


def test_a_proven_release_is_listed_once_and_in_order() -> None:
    package = PACKAGES["claude"]
    more = proofs.with_proven(proofs.with_proven(package, "2.1.1000"), "2.1.1000")
    assert more.proven == (*package.proven, "2.1.1000")
    assert version_key("0.10.0") > version_key("0.9.9")


def test_a_proof_is_read_as_it_was_written() -> None:
    assert msgspec.json.decode(msgspec.json.encode(PROOF), type=proofs.Proof) == PROOF


def test_the_last_release_is_the_newest_other_one_with_a_proof() -> None:
    files = [Path(f"{name}.json") for name in ("codex@0.9.0", "codex@0.10.0", "codex@0.11.0", "claude@3.0.0")]
    assert proofs.last_proven(Release("codex", "0.11.0"), files) == Release("codex", "0.10.0")
    assert proofs.last_proven(Release("gemini", "1.0.0"), files) is None


# What is proven


def test_a_release_is_the_pinned_one_unless_it_is_named() -> None:
    assert parse_release("codex") == Release("codex", PACKAGES["codex"].pinned)
    assert parse_release("codex@9.9.9") == Release("codex", "9.9.9")
    with pytest.raises(KeyError):
        parse_release("nobody@1")


@pytest.mark.parametrize(
    ("env", "version", "inside"),
    [
        ({}, PACKAGES["codex"].pinned, "real_clis/node_modules"),
        ({"GROUPCHAT_PROVE": "codex@9.9.9"}, "9.9.9", ".venv/clis/codex@9.9.9"),
        ({"GROUPCHAT_PROVE": "claude@9.9.9"}, PACKAGES["codex"].pinned, "real_clis/node_modules"),
    ],
)
def test_the_tests_run_what_is_proven_else_what_is_pinned(env: Mapping[str, str], version: str, inside: str) -> None:
    found, program = release_and_program("codex", env, ".bin/codex")
    assert found == version
    assert inside in str(program)


# How two releases are compared


def test_the_fields_of_hooks_are_named_with_those_inside() -> None:
    events: list[Mapping[str, object]] = [
        {"hook_event_name": "Stop", "a": {"b": {"c": 1}}},
        {"hook_event_name": "Stop", "d": [1]},
    ]
    assert hooks_of(events) == {"Stop": ("a", "a.b", "d", "hook_event_name")}
    assert list(fields_of({"a": {"b": 1}}, depth=1)) == ["a"]


def test_the_same_profile_has_no_differences() -> None:
    assert differences(PROFILE, PROFILE) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"hooks": {"Stop": ("cwd", "words")}}, ["hook Stop: no longer text", "hook Stop: new words"]),
        ({"hooks": {}}, ["hook Stop: no longer cwd; text"]),
        ({"hooks": {"Stop": ("cwd", "text"), "End": ("cwd",)}}, ["hook End: new cwd"]),
        ({"rules": ()}, ["rules: no longer idle: the composer is free"]),
        ({"dialog": ("Run it?", "Yes", "Always")}, ["dialog: new Always"]),
        ({"facts": ("answer by hook", "failed by hook")}, ["facts: new failed by hook"]),
        ({"reached": ("example.com:443",)}, ["reached: new example.com:443"]),
        ({"banner": False}, ["banner: True before, False now"]),
    ],
)
def test_what_differs_is_told_in_words(change: Mapping[str, object], told: list[str]) -> None:
    assert differences(PROFILE, msgspec.structs.replace(PROFILE, **change)) == told


def test_a_package_of_pypi_gets_a_python_that_is_new_enough(tmp_path: Path) -> None:
    """Ours, one of the path, or one that pyenv keeps; one that does not run is no Python."""
    kept = tmp_path / ".pyenv" / "versions" / "3.99.1" / "bin" / "python3"
    kept.parent.mkdir(parents=True)
    env = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    assert find_python("3.11", env) == Path(sys.executable)
    for text, found in (("exit 1", None), ("exit 0", kept)):
        kept.write_text(f"#!/bin/sh\n{text}\n")
        kept.chmod(0o755)
        assert find_python("3.99", env) == found
    other = tmp_path / "python3.99"
    other.write_text("#!/no/such/shell\n")
    other.chmod(0o755)
    assert find_python("3.99", env) == kept
    assert {one.package for one in PACKAGES.values() if one.python and one.default_run} == set()
