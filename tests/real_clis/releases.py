"""The releases of the CLIs, from `releases.json`: which package each one is, which release the tests run, and which are
proven. The rules, the README and the documentation name the same versions; `tests/repo/test_releases.py` checks them.

`program` is where it is after an installation that ran no script of the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

HERE = Path(__file__).parent
FILE = HERE / "releases.json"
MODULES = HERE / "node_modules"
INSTALLED = HERE.parents[1] / ".venv" / "clis"
PROVEN_VARIABLE = "GROUPCHAT_PROVE"  # NAME@VERSION: the tests run with this release alone


class Package(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`default_run`: `bin/run-tests` installs its pinned release and runs it. `node`: the release of node that is
    installed beside it, for a CLI that needs a newer one than the machine may have. `python`: it is a package of PyPI,
    for this Python or a newer one, and has an environment of its own; the others are packages of npm."""

    package: str
    pinned: str
    proven: tuple[str, ...]
    program: str
    default_run: bool
    node: str = ""
    python: str = ""


def read_packages(path: Path = FILE) -> dict[str, Package]:
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Package])


PACKAGES = read_packages()


@dataclass(frozen=True, slots=True)
class Release:
    name: str
    version: str

    @property
    def folder(self) -> Path:
        """Where `bin/prove-clis` installs it."""
        return INSTALLED / str(self)

    @property
    def program(self) -> Path:
        return next(iter(sorted(self.folder.glob(PACKAGES[self.name].program))), self.folder / "missing")

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


def parse_release(text: str) -> Release:
    """Without a version it is the pinned release. Raises KeyError for a CLI that `releases.json` does not name."""
    name, _, version = text.partition("@")
    pinned = PACKAGES[name].pinned
    return Release(name, version or pinned)


def chosen_release(env: Mapping[str, str]) -> Release | None:
    """The one that is being proven."""
    text = env.get(PROVEN_VARIABLE, "")
    return parse_release(text) if text else None


def release_and_program(name: str, env: Mapping[str, str], modules_program: str = "") -> tuple[str, Path]:
    """The version of a CLI that the tests run, and its program: what is being proven, else what is pinned. The pinned
    release of the default run is installed by `package.json`."""
    chosen = chosen_release(env)
    if chosen is not None and chosen.name == name:
        return chosen.version, chosen.program
    pinned = Release(name, PACKAGES[name].pinned)
    return pinned.version, MODULES / modules_program if PACKAGES[name].default_run else pinned.program


def version_key(version: str) -> tuple[int, ...]:
    """For sorting."""
    return tuple(int(part) for part in version.replace("-", ".").split(".") if part.isdigit())
