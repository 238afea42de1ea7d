"""Tests the checks of a test run in a separate run over files that break the rules."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.examples import profile_of
from tests.support.leftovers import RUN, belongs

ROOT = Path(__file__).parents[2]

BAD_TESTS = """
import subprocess

import pytest

LEFT = []

def test_leaves_a_process():
    LEFT.append(subprocess.Popen(["sleep", "1000"], start_new_session=True))

def test_leaves_a_process_without_its_environment(tmp_path):
    LEFT.append(subprocess.Popen(["/bin/sleep", "1001"], start_new_session=True, env={}, cwd=tmp_path))

def test_starts_a_process_by_the_product(a_start):
    a_start(["true"])

@pytest.mark.processes
def test_says_so(a_start):
    a_start(["true"])

def test_is_pure():
    assert True
"""
TABLES = """
import pytest

ROWS = [1, 2, 3, 4]

@pytest.mark.parametrize("number", ROWS)
@pytest.mark.parametrize("other", ["a", "b", "c"])
def test_good(number, other):
    assert number

@pytest.mark.parametrize("number", ROWS)
async def test_good_later(number):
    assert number

@pytest.mark.parametrize("number", ROWS)
def test_bad(number):
    assert number not in (2, 3)

@pytest.mark.parametrize("number", ROWS)
def test_with_a_fixture_for_each_row(number, tmp_path):
    (tmp_path / "file").touch(exist_ok=False)

@pytest.mark.rows_share_fixtures
@pytest.mark.parametrize("number", ROWS)
def test_with_a_shared_fixture(number, tmp_path):
    (tmp_path / str(number)).touch(exist_ok=False)
    assert tmp_path.is_dir()

@pytest.fixture
def made():
    return []

@pytest.mark.parametrize("number", ROWS)
def test_with_a_fixture_that_is_made_by_a_plain_function(number, made):
    made.append(number)
    assert len(made) == 1

@pytest.fixture(scope="module", params=["x", "y"])
def variant(request):
    return request.param

@pytest.mark.parametrize("number", [1, 2])
def test_with_a_fixture_in_two_variants(number, variant):
    assert variant in "xy"
"""
CONFTEST = """
import importlib

import pytest

from tests.conftest import *

@pytest.fixture
def a_start():
    hidden = importlib.import_module("sub" + "process")
    return lambda command: hidden.run(command, check=True)
"""


def run_pytest(folder: Path, *arguments: str, tests: str = BAD_TESTS) -> tuple[int, str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_bad.py").write_text(tests)
    command = [sys.executable, "-P", "-m", "pytest", "-v", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    done = subprocess.run(
        [*command, f"--basetemp={folder / 'base'}", *arguments, str(folder)],
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_run_fails_that_leaves_a_process_and_names_its_test(tmp_path: Path) -> None:
    code, told = run_pytest(tmp_path)
    assert code == 1
    assert "test_bad.py::test_leaves_a_process (call): sleep 1000" in told
    assert re.search(r"process \d+ of a test that cannot be named: /bin/sleep 1001", told)
    assert "ERROR" in told and "test_starts_a_process_by_the_product" in told.partition("short test summary")[2]
    assert "mark it with @pytest.mark.processes" in told.lower()
    assert "5 passed, 1 error" in told, "all tests pass, and the guard complains of one of them"


def test_the_fast_run_leaves_out_what_starts_processes(tmp_path: Path) -> None:
    code, told = run_pytest(tmp_path, "--fast", "-k", "not by_the_product")
    assert (code, "1 passed, 4 deselected" in told) == (0, True), told


def test_a_shuffled_run_has_another_order_and_a_seed_has_always_the_same(tmp_path: Path) -> None:
    orders = [re.findall(r"::(test_\w+)", run_pytest(tmp_path, "--collect-only", "-qq", *args)[1]) for args in SHUFFLES]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(orders[2])
    assert orders[0] != orders[1] == orders[2]


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "with xdist"])
def test_a_table_is_one_test_and_its_rows_are_counted(tmp_path: Path, workers: tuple[str, ...]) -> None:
    code, told = run_pytest(tmp_path, *workers, tests=TABLES)
    assert code == 1
    assert "1 failed, 12 passed" in told
    assert "5 of the tests are tables: they checked 28 rows." in told
    assert "2 of 4 rows failed" in told and "row [1]: number=2" in told and "row [2]: number=3" in told


@pytest.mark.parametrize(
    ("arguments", "summary"),
    [(("--each-row",), "2 failed, 34 passed"), (("-k", "test_good_later"), "4 passed, 32 deselected")],
)
def test_each_row_is_a_test_where_single_ones_are_meant(
    tmp_path: Path, arguments: tuple[str, ...], summary: str
) -> None:
    _, told = run_pytest(tmp_path, *arguments, tests=TABLES)
    assert summary in told and "are tables" not in told, told


SHUFFLES = ((), ("--shuffle", "3"), ("--shuffle", "3"))


@pytest.mark.parametrize(
    ("environment", "command", "folder", "expected"),
    [
        ({RUN: "a1"}, "sleep", "/", True),
        ({RUN: "b2"}, "sleep", "/", False),
        ({}, "sleep", "/", False),
        ({}, "tmux -S /tmp/base/socket", "/", True),
        ({}, "sleep", "/tmp/base/test_0", True),
        ({"HOME": "/tmp/base/home"}, "sleep", "/", True),
        ({"HOME": "/tmp/base2/home"}, "tmux -S /tmp/base2/socket", "/tmp/base2/test_0", False),
    ],
)
def test_which_processes_are_of_a_run(environment: dict[str, str], command: str, folder: str, expected: bool) -> None:
    assert belongs(environment, command, folder, "a1", "/tmp/base") is expected


@pytest.mark.parametrize(
    ("env", "fast", "expected"),
    [
        ({}, False, "usual"),
        ({}, True, "fast"),
        ({"EXAMPLES": "thorough"}, False, "thorough"),
        ({"EXAMPLES": ""}, True, "fast"),
    ],
)
def test_how_many_examples_are_tried(env: dict[str, str], fast: bool, expected: str) -> None:
    assert profile_of(env, fast) == expected


def test_a_profile_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="fast, usual, thorough"):
        profile_of({"EXAMPLES": "many"}, False)
