"""A suite measures what was chosen, keeps the figures, and tells by its exit code whether every claim was met."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from benchmarks.figures import Outcome, Table, Verdict
from benchmarks.harness import Suite, suite_command


def measuring(name: str, figure: float) -> Outcome:
    return Outcome(name, (Table("t", ({"a": 1},)),), (Verdict("v", figure, 1.0),))


pytestmark = pytest.mark.processes  # the machine is described by commands of the system

SUITE = Suite(
    "About.",
    {"good": lambda folder, quick: measuring("good", 2.0), "bad": lambda folder, quick: measuring("bad", 0.5)},
    figures="unused.json",
)


@pytest.mark.parametrize(
    ("options", "code", "kept"),
    [
        ((), 1, {"good", "bad"}),
        (("--only", "good"), 0, {"good"}),
        (("--only", "bad", "--quick"), 1, {"bad"}),
        (("--only", "none"), 2, set[str]()),
        (("--docs",), 2, set[str]()),
    ],
)
def test_what_was_chosen_is_measured(tmp_path: Path, options: tuple[str, ...], code: int, kept: set[str]) -> None:
    figures = tmp_path / "figures.json"
    done = CliRunner().invoke(suite_command(SUITE), [*options, "--json", str(figures)])
    assert done.exit_code == code, done.output
    assert set(msgspec.json.decode(figures.read_bytes()) if figures.exists() else ()) == kept
