"""The servers that the gateway is compared with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from benchmarks.processes import ROOT, Server, serving

FOLDER = ROOT / "benchmarks"
INSTALL_PATIENCE = 120


@dataclass(frozen=True)
class Baseline:
    """How to start it, or why it is not available here."""

    name: str
    start: Callable[[], AbstractContextManager[Server]] | None = None
    missing: str = ""


def bare_aiohttp() -> Baseline:
    name = "bare aiohttp"
    return Baseline(name, lambda: serving(name, [sys.executable, "-P", "-m", "benchmarks.bare_aiohttp"]))


def bare_ws() -> Baseline:
    name = "bare node ws"
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        return Baseline(name, missing="node is not installed")
    if not (FOLDER / "node_modules" / "ws").exists():
        if npm is None:
            return Baseline(name, missing="npm is not installed, and benchmarks/node_modules has no `ws`")
        problem = _install(npm)
        if problem:
            return Baseline(name, missing=problem)
    return Baseline(name, lambda: serving(name, [node, str(FOLDER / "bare_ws.mjs")]))


def _install(npm: str) -> str:
    command = [
        npm,
        "install",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--ignore-scripts",
        "--prefix",
        str(FOLDER),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return "npm install ws took too long"
    return "" if done.returncode == 0 else f"npm install ws failed: {done.stderr.strip()[-200:]}"
