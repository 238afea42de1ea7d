"""What keeps a gateway from starting is said in a sentence with the way out, and leaves nothing behind."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.files.private_files import write_private
from gateway.protocol.errors import BadRequest, GroupChatError, StorageFailed, StorageFull, Unavailable
from gateway.server.state_folder import start_errors
from gateway.server.state_folder.open_hub import open_hub
from tests.support.gateways import GatewayProcess, config_for, gateway_in_process

CODES = [
    (errno.ENOSPC, StorageFull, "Free some space"),
    (errno.EDQUOT, StorageFull, "Free some space"),
    (errno.EFBIG, StorageFull, "Free some space"),
    (errno.EROFS, StorageFailed, "writable for this user"),
    (errno.EACCES, StorageFailed, "writable for this user"),
    (errno.EIO, StorageFailed, "writable for this user"),
]


@pytest.mark.parametrize(("code", "kind", "way_out"), CODES)
def test_what_the_system_refuses_is_a_sentence(code: int, kind: type[GroupChatError], way_out: str) -> None:
    error = OSError(code, "said by the system", "/some/file")
    with pytest.raises(kind, match=way_out) as caught, start_errors.explain_start_errors(Path("/state")):
        raise error
    assert "/some/file" in caught.value.message and "--state" in caught.value.message


def test_a_file_that_cannot_be_written_leaves_no_other_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError):
        write_private(tmp_path / "taken", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


async def test_two_gateways_keep_no_log_together(tmp_path: Path) -> None:
    store = tmp_path / "shared" / "log.db"
    store.parent.mkdir(mode=0o700)
    (tmp_path / "shared" / "link.db").symlink_to(store)
    async with gateway_in_process(tmp_path / "one", store=f"sqlite:{store}") as first:
        async with Client(first.operator) as alice:
            await alice.send("mine")
        for other in (store, store.with_name("link.db")):
            with pytest.raises(Unavailable, match="keeps its log in"):
                await open_hub(config_for(tmp_path / "two", store=f"sqlite:{other}")).__aenter__()
        (tmp_path / "second_name.db").hardlink_to(store)
        with pytest.raises(BadRequest, match="a hard link"):
            await open_hub(config_for(tmp_path / "two", store=f"sqlite:{tmp_path / 'second_name.db'}")).__aenter__()
    (tmp_path / "second_name.db").unlink()
    async with gateway_in_process(tmp_path / "two", store=f"sqlite:{store}") as second:
        assert second.hub.committed_seq >= first.hub.committed_seq


async def test_a_log_that_is_damaged_where_the_start_reads_last(tmp_path: Path) -> None:
    """The state can be read, what was said last cannot."""
    config = config_for(tmp_path / "state")
    async with gateway_in_process(config.state) as gateway, Client(gateway.operator) as alice:
        for number in range(60):
            await alice.send(f"{number} {'x' * 3000}")
    path = config.state / "groupchat.db"
    whole = path.read_bytes()
    pages = [whole[at : at + 4096] for at in range(0, len(whole), 4096)]
    path.write_bytes(b"".join(b"\xff" * 4096 if b"x" * 2000 in page else page for page in pages))
    with pytest.raises(StorageFailed) as caught:
        await open_hub(config).__aenter__()
    assert str(path) in caught.value.message and ".recover" in caught.value.message


def test_a_start_without_room_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    process = GatewayProcess(state)
    with process.running():
        assert process.stop() == 0
    (state / "tokens" / "team").unlink(missing_ok=True)
    serve = [sys.executable, "-P", "-m", "gateway.cli", "serve", "--port", "0", "--state", str(state)]
    before = {path.name for path in state.rglob("*")}
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *serve], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1 and "Free some space" in done.stderr and "Traceback" not in done.stderr
    assert not {name for path in state.rglob("*") if (name := path.name) not in before and name.startswith(".")}
    with process.running():
        assert process.stop() == 0
