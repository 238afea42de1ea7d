"""Installs a release of a CLI beside the pinned one, from npm or from PyPI, and asks for the newest. No script of a
package runs: npm ignores them, and pip takes no package that must be built."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.real_clis.releases import PACKAGES, Package, Release, version_key

NEWEST_PYTHON = 30
_NPM_QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--loglevel=error")
_PIP_QUIET = ("--quiet", "--disable-pip-version-check", "--only-binary=:all:")
_INDEXED = re.compile(r"^\S+ \((?P<version>[^)]+)\)", re.MULTILINE)


def newest(name: str) -> Release:
    package = PACKAGES[name]
    done = subprocess.run(_newest_command(package), capture_output=True, text=True, check=False)
    found = _INDEXED.search(done.stdout)
    version = (found["version"] if found else "") if package.python else done.stdout.strip()
    if done.returncode or not version:
        raise SystemExit(f"prove-clis: {_registry(package)} does not say which release of {package.package} is newest.")
    return Release(name, version)


def _newest_command(package: Package) -> Sequence[str]:
    if not package.python:
        return ("npm", "view", package.package, "version")
    for_python = ("--python-version", package.python, "--only-binary=:all:")
    return (sys.executable, "-m", "pip", "index", "versions", *for_python, package.package)


def install(release: Release) -> None:
    """What is there already is not fetched again."""
    if release.program.exists():
        return
    package = PACKAGES[release.name]
    release.folder.mkdir(parents=True, exist_ok=True)
    steps = _pip_steps(release, package) if package.python else _npm_steps(release, package)
    good = all(subprocess.run(step, check=False).returncode == 0 for step in steps)
    if not good or not release.program.exists():
        raise SystemExit(f"prove-clis: {release} could not be installed from {_registry(package)}.")


def _registry(package: Package) -> str:
    return "PyPI" if package.python else "npm"


def _npm_steps(release: Release, package: Package) -> Iterator[Sequence[str]]:
    beside = (f"{node_package()}@{package.node}",) if package.node else ()
    exact = f"{package.package}@{release.version}"
    yield ("npm", "install", "--prefix", str(release.folder), *_NPM_QUIET, exact, *beside)


def node_package() -> str:
    """The one that has the program of node for this machine, and no script."""
    kind = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"node-bin-darwin-{kind}" if sys.platform == "darwin" else f"node-linux-{kind}"


def _pip_steps(release: Release, package: Package) -> Iterator[Sequence[str]]:
    python = find_python(package.python, os.environ)
    if python is None:
        raise SystemExit(f"prove-clis: {release.name} needs Python {package.python} or newer, and there is none here.")
    venv = release.folder / "venv"
    yield (str(python), "-m", "venv", str(venv))
    exact = f"{package.package}=={release.version}"
    yield (str(venv / "bin" / "python"), "-m", "pip", "install", *_PIP_QUIET, exact)


def find_python(oldest: str, env: Mapping[str, str]) -> Path | None:
    """One that runs, of this version or newer: ours, one on the path, or one that pyenv keeps."""
    return next((one for one in _pythons(oldest, env) if _is_new_enough(one, oldest)), None)


def _pythons(oldest: str, env: Mapping[str, str]) -> Iterator[Path]:
    yield Path(sys.executable)
    for minor in range(version_key(oldest)[1], NEWEST_PYTHON):
        if found := shutil.which(f"python3.{minor}", path=env.get("PATH")):
            yield Path(found)
    kept = Path(env.get("PYENV_ROOT") or Path(env.get("HOME", "~")).expanduser() / ".pyenv") / "versions"
    yield from sorted(kept.glob("3.*/bin/python3"), key=lambda path: version_key(path.parents[1].name))


def _is_new_enough(python: Path, oldest: str) -> bool:
    asked = f"import sys; sys.exit(sys.version_info < {version_key(oldest)!r})"
    try:
        return subprocess.run((str(python), "-c", asked), capture_output=True, check=False).returncode == 0
    except OSError:
        return False
