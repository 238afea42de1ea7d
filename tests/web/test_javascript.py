"""The page's modules without a browser, by Node's own runner. Each file of tests here is one test there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NODE = shutil.which("node")
FILES = sorted(HERE.glob("*.test.mjs"))


@pytest.mark.skipif(NODE is None, reason="Node is not installed; only the tests of the page's modules need it.")
def test_the_modules_of_the_page() -> None:
    """All files in one run of Node, whose start takes longer than most of them."""
    assert NODE is not None
    done = subprocess.run([NODE, "--test", *map(str, FILES)], check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
