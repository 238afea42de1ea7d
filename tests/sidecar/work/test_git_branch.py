"""The branch is read from git's own files, whatever a project holds in their place."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sidecar.work.git_branch import MAX_FILE_BYTES, branch_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def repository(folder: Path, head: str) -> Path:
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text(head)
    return folder


@pytest.mark.parametrize(
    ("head", "branch"),
    [
        ("ref: refs/heads/main\n", "main"),
        ("ref: refs/heads/feature/x y\n", "feature/x y"),
        ("ref: refs/remotes/origin/x\n", "refs/remotes/origin/x"),
        (f"{COMMIT}\n", "01234567"),
        ("", ""),
        ("\nref: refs/heads/second\n", ""),
        ("ref: refs/heads/" + "x" * 9000, "x" * (MAX_FILE_BYTES - 16)),
    ],
)
def test_the_head_names_the_branch(tmp_path: Path, head: str, branch: str) -> None:
    assert branch_of(repository(tmp_path, head)) == branch


def test_a_folder_below_is_on_the_same_branch_and_the_nearest_repository_counts(tmp_path: Path) -> None:
    repository(tmp_path, "ref: refs/heads/outer")
    repository(tmp_path / "in", "ref: refs/heads/inner")
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert (branch_of(tmp_path / "a" / "b"), branch_of(tmp_path / "in")) == ("outer", "inner")


@pytest.mark.processes
def test_a_worktree_of_git_itself_has_its_own_branch(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        names = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=trunk")
        subprocess.run(["git", *names, *words], cwd=tmp_path / "main", check=True, capture_output=True)

    (tmp_path / "main").mkdir()
    git("init")
    git("commit", "--allow-empty", "-m", "x")
    git("worktree", "add", "-b", "other", "../tree")
    assert (branch_of(tmp_path / "main"), branch_of(tmp_path / "tree")) == ("trunk", "other")


def test_what_is_no_repository_has_no_branch(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".git")  # to open it would wait for a writer
    assert branch_of(tmp_path) == ""
    (tmp_path / "x" / ".git").mkdir(parents=True)
    os.mkfifo(tmp_path / "x" / ".git" / "HEAD")
    assert branch_of(tmp_path / "x") == ""
    (tmp_path / "y").mkdir()
    (tmp_path / "y" / ".git").write_text("gitdir: \x00/nowhere")
    assert branch_of(tmp_path / "y") == ""
    assert branch_of(tmp_path / "not" / "there") == ""
