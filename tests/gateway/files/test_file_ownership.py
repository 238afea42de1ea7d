"""Whose a folder or a file is, before a secret is written there or read from it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gateway.files import file_ownership
from gateway.files.file_ownership import FileOwnership
from gateway.files.private_files import make_private_folder, read_private, write_private
from gateway.maintenance.doctor import check_installation
from gateway.protocol.errors import Forbidden
from gateway.server.state_folder.open_hub import open_hub
from tests.support.gateways import config_for
from tests.support.other_user import NOBODY, needs_root

US, OTHER = 1000, 1001
FOLDER, LINK, FILE = stat.S_IFDIR, stat.S_IFLNK, stat.S_IFREG


def found(uid: int, mode: int, *, alone: bool = False) -> FileOwnership:
    return FileOwnership("/a/b", uid, {0: "root", US: "me", OTHER: "mallory"}[uid], mode, alone)


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (found(US, FOLDER | 0o755), ""),
        (found(0, FOLDER | 0o755), ""),
        (found(0, FOLDER | 0o1777), ""),
        (found(US, FOLDER | 0o775, alone=True), ""),
        (found(US, LINK | 0o777), ""),
        (found(OTHER, FOLDER | 0o755), "belongs to mallory"),
        (found(OTHER, FOLDER | 0o1777), "belongs to mallory"),
        (found(OTHER, LINK | 0o777), "belongs to mallory"),
        (found(0, FOLDER | 0o777), "Others may write in /a/b (mode 777)"),
        (found(US, FOLDER | 0o775), "`chmod go-w /a/b`"),
        (found(US, FOLDER | 0o777, alone=True), "Others may write"),
    ],
)
def test_what_may_lie_on_the_way_to_a_secret(seen: FileOwnership, says: str) -> None:
    wrong = file_ownership.distrust_of_ancestor(seen, {US, 0})
    assert says in wrong if says else wrong == ""


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (found(US, FOLDER | 0o700), ""),
        (found(US, FILE | 0o644), ""),  # put right, see below
        (found(OTHER, FOLDER | 0o700), "belongs to mallory, and you are me"),
        (found(0, FILE | 0o600), "belongs to root, and you are me"),
        (found(US, LINK | 0o777), "is a link"),
    ],
)
def test_what_may_hold_a_secret(seen: FileOwnership, says: str) -> None:
    wrong = file_ownership.distrust_of_private_path(seen, US, "me")
    assert says in wrong if says else wrong == ""


def test_folders_are_made_for_us_alone_whatever_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(make_private_folder(tmp_path / "one" / "two" / "three") / "secret", "word")
        write_private(tmp_path / "four" / "five" / "secret", "word")
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_a_mode_of_ours_that_is_too_wide_is_put_right(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    secret = folder / "secret"
    secret.write_text("word")
    secret.chmod(0o644)
    assert read_private(make_private_folder(folder) / "secret") == b"word"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_a_secret_is_not_read_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("word")
    (tmp_path / "secret").symlink_to(tmp_path / "real")
    with pytest.raises(Forbidden, match="is a link"):
        read_private(tmp_path / "secret")


def test_a_folder_that_others_may_write_in_is_refused(tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(Forbidden, match="Others may write"):
        make_private_folder(open_to_all / "state")
    with pytest.raises(Forbidden, match="Others may write"):
        write_private(open_to_all / "secret", "word")
    open_to_all.chmod(0o1777)
    make_private_folder(open_to_all / "state")


def test_each_folder_that_a_link_leads_through_is_looked_at(tmp_path: Path) -> None:
    """The written path is ours, and so is where it ends; but whoever writes between can let it end elsewhere."""
    between, real = tmp_path / "between", tmp_path / "real"
    between.mkdir(mode=0o755)
    real.mkdir(mode=0o700)
    (between / "second").symlink_to(real)
    (tmp_path / "first").symlink_to("between/../between/second")
    for path in (tmp_path / "first", tmp_path / "first" / "state"):
        make_private_folder(path)
        between.chmod(0o777)
        with pytest.raises(Forbidden, match=f"Others may write in {between} "):
            make_private_folder(path)
        between.chmod(0o755)
    assert (real / "state").is_dir()


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(Forbidden, match="in a circle"):
        make_private_folder(tmp_path / "one")


@needs_root
def test_what_belongs_to_somebody_else_is_refused(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    secret = theirs / "secret"
    secret.write_text("word")
    os.chown(theirs, NOBODY, NOBODY)
    for refused in (
        lambda: make_private_folder(theirs),
        lambda: make_private_folder(theirs / "state"),
        lambda: write_private(theirs / "state" / "token", "x"),
    ):
        with pytest.raises(Forbidden, match=r"belongs to .*--state DIR"):
            refused()
    with pytest.raises(Forbidden, match="belongs to"):
        read_private(secret)
    os.chown(theirs, 0, 0)
    os.chown(secret, NOBODY, NOBODY)
    with pytest.raises(Forbidden, match="belongs to"):
        read_private(secret)
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    os.lchown(link, NOBODY, NOBODY)
    with pytest.raises(Forbidden, match="belongs to"):
        make_private_folder(link / "state")


@needs_root
@pytest.mark.parametrize(
    "whose", ["state", "parent", "gateway.lock", "numbers", "tokens", "tokens/team", "tokens/people/alice", "db", "wal"]
)
async def test_a_gateway_starts_on_nothing_of_somebody_else(tmp_path: Path, whose: str) -> None:
    parent = tmp_path / "parent"
    store = tmp_path / "elsewhere" / "groupchat.db"
    config = config_for(parent / "state", store=f"sqlite:{store}", team_token=None)
    async with open_hub(config):
        pass
    wal = store.with_name("groupchat.db-wal")
    wal.touch()
    taken = {"state": config.state, "parent": parent, "db": store, "wal": wal}.get(whose, config.state / whose)
    os.chown(taken, NOBODY, NOBODY)
    with pytest.raises(Forbidden, match=f"{taken} belongs to"):
        async with open_hub(config):
            pass
    assert str(taken) in " ".join(
        one.found for one in await check_installation(config.state) if not one.ok
    ) or whose in (
        "db",
        "wal",
        "numbers",
    )


async def test_a_store_in_a_folder_that_others_read(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    config = config_for(tmp_path / "state", store=f"sqlite:{folder / 'log.db'}")
    async with open_hub(config):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755
        assert {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {0o600}
    folder.chmod(0o777)
    with pytest.raises(Forbidden, match="Others may write"):
        async with open_hub(config):
            pass
