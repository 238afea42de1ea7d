"""Carries out the steps of a Dockerfile without a container engine: in roots of their own. Each is a view of this
machine's, and what is written in it is kept apart and thrown away.

What differs from an engine: the base image is this machine, with its Python. So what an image brings along is not
proven, only what its own steps do, as which user it runs, and that its entry point and its health check work.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

STEP_TIMEOUT_S = 900
PYTHON = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
BASE_PATH = f"{PYTHON.parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


@dataclass
class Stage:
    """One stage of a Dockerfile: its steps in order, and what it says of the image."""

    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    user: str = "0:0"
    entry: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def stages_in(dockerfile: str) -> Iterator[Stage]:
    text = re.sub(r"^#.*\n", "", dockerfile, flags=re.MULTILINE).replace("\\\n", " ")
    for part in re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]:
        head, *lines = part.splitlines()
        stage = Stage(head.partition(" AS ")[2])
        for line in filter(None, lines):
            _note(stage, *line.split(" ", 1))
        yield stage


def _note(stage: Stage, word: str, rest: str) -> None:
    match word:
        case "USER":
            stage.user = rest
        case "ENTRYPOINT":
            stage.entry = json.loads(rest)
        case "HEALTHCHECK":
            stage.health = json.loads(rest.partition("CMD ")[2])
        case "RUN" | "COPY" | "ENV" | "WORKDIR":
            stage.steps.append((word, rest))
        case _:
            assert word in ("VOLUME", "EXPOSE", "STOPSIGNAL"), word


def need_plain_roots() -> None:
    tried = 'mkdir -p "$1/up" "$1/work" "$1/root" && mount -t tmpfs none "$1"'
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a root of its own needs root and unshare")
    done = subprocess.run(["unshare", "--mount", "sh", "-c", tried, "sh", "/mnt"], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("this machine allows no mounts of its own")


class PlainRoot:
    """A copy of this machine in which the steps of one stage are carried out. `upper` keeps what they have written."""

    def __init__(self, folder: Path, context: Path, others: Mapping[str, PlainRoot]) -> None:
        self.folder, self._context, self._others = folder, context, others
        self.env: dict[str, str] = {}
        self.workdir = "/"
        for name in ("upper", "work", "root"):
            (folder / name).mkdir(parents=True)

    @property
    def upper(self) -> Path:
        return self.folder / "upper"

    def prepare_base(self) -> None:
        """What the base image has: a Python that anybody may run, and none of ours."""
        parents = shlex.join(str(path) for path in PYTHON.parents)
        name = shlex.quote(str(PYTHON.parent / "python"))
        self.run(f"ln -sf {PYTHON.name} {name} && chmod a+rx {parents} && rm -rf /opt/groupchat /state /src")

    def carry_out(self, stage: Stage) -> None:
        for word, rest in stage.steps:
            match word:
                case "ENV":
                    self.env |= {key: self._expanded(one) for key, one in re.findall(r"(\w+)=(\S+)", rest)}
                case "WORKDIR":
                    self.workdir = rest
                    self.run(f"mkdir -p {rest}", workdir="/")
                case "RUN":
                    self.run(rest)
                case "COPY":
                    self._copy(rest)

    def _expanded(self, value: str) -> str:
        return value.replace("$PATH", BASE_PATH)

    def _copy(self, rest: str) -> None:
        """COPY of the context or of another stage. A folder is copied as its contents, as an engine does."""
        words = rest.split()
        source = self._context
        if words[0].startswith("--from="):
            source = self._others[words.pop(0).removeprefix("--from=")].upper
        *names, goal = words
        target = self.upper / Path(self.workdir, goal).relative_to("/")
        for name in names:
            found = source / name.removeprefix("/")
            if found.is_dir():
                shutil.copytree(found, target, symlinks=True, dirs_exist_ok=True)
            else:
                shutil.copy(found, target / found.name if goal == "./" else target)

    def run(self, script: str, *, workdir: str | None = None, before: str = "") -> subprocess.CompletedProcess[str]:
        """A shell in this root. `before` is done in the namespaces of the shell, and outside of its root."""
        mount = (
            f"mount -t overlay overlay -o lowerdir=/,upperdir={self.upper},workdir={self.folder}/work"
            f" {self.folder}/root"
            f" && mount -t proc proc {self.folder}/root/proc && mount --rbind /dev {self.folder}/root/dev"
        )
        inner = f"cd {workdir or self.workdir} && {script}"
        whole = f"{mount}{before} && exec chroot {self.folder}/root /bin/sh -c {shlex.quote(inner)}"
        env = {"PATH": self._expanded("$PATH"), "HOME": "/root", **self._pip_env(), **self.env}
        namespaces = ["--mount", "--pid", "--fork", *(["--net"] if before else [])]
        done = subprocess.run(
            ["unshare", *namespaces, "sh", "-c", whole],
            env=env,
            capture_output=True,
            text=True,
            timeout=STEP_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done

    @staticmethod
    def _pip_env() -> dict[str, str]:
        """How this machine reaches its package registry."""
        return {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name == "SSL_CERT_FILE"}
