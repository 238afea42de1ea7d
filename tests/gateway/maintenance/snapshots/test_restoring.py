"""A restored log goes on: clients resume, no number is used twice, and what cannot be restored is refused."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from gateway.client import Client, Endpoint
from gateway.console.progress_bar import ProgressBar
from gateway.encryption.key_storage.key_files import encode_key_file
from gateway.encryption.member_keys.private_keys import draw_keys
from gateway.files.private_files import write_private
from gateway.maintenance.snapshots.key_opening import read_opening
from gateway.maintenance.snapshots.restoring import Restored, RestoreWish, announce, restore_files
from gateway.maintenance.snapshots.verification import verify_snapshot
from gateway.model.sequence_numbers import SKIPPED_NUMBERS
from gateway.protocol.errors import BadRequest, Forbidden, GroupChatError, Unavailable
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.server.state_folder.snapshot_source import snapshot_source
from gateway.snapshots.manifest import MANIFEST_FILE, encode_manifest
from gateway.snapshots.snapshot_folder import read_manifest
from gateway.snapshots.taking import DATABASE_NAME, take_snapshot
from gateway.store.schema import MIGRATIONS
from tests.support.gateways import Gateway, config_for, gateway_in_process

NOW = 1_800_000_000.0
BAR = ProgressBar("restore", "bytes")


async def say(gateway: Gateway, *texts: str) -> list[int]:
    async with Client(gateway.operator) as alice:
        return [(await alice.send(one, to="@claude")).seq for one in texts]


async def lived(state: Path, folder: Path) -> tuple[Path, list[int], list[int], Endpoint]:
    """A gateway of which a snapshot is taken while it runs; then more is said. The token of claude is elsewhere."""
    async with gateway_in_process(state) as gateway:
        claude = await gateway.member("claude")
        kept = await say(gateway, "one", "two")
        path = take_snapshot(snapshot_source(gateway.config, folder), NOW)
        lost = await say(gateway, "three", "four")
    return path, kept, lost, claude


async def restored(wish: RestoreWish) -> Restored:
    done = restore_files(wish, NOW, BAR)
    await announce(config_for(wish.state), done)
    return done


async def heard(client: Client, count: int) -> list[Message]:
    found: list[Message] = []
    async with asyncio.timeout(60):
        async for event in client.events():
            if isinstance(event, Message):
                found.append(event)
                if len(found) == count:
                    break
    return found


@pytest.mark.parametrize("gone", [True, False])
async def test_a_client_goes_on_after_the_state_folder_was_removed_or_replaced(tmp_path: Path, gone: bool) -> None:
    state = tmp_path / "state"
    path, kept, lost, claude = await lived(state, tmp_path / "snapshots")
    async with gateway_in_process(state) as gateway:
        store_id = gateway.hub.state.id
    if gone:
        shutil.rmtree(state)
    done = await restored(RestoreWish(path, state, replaces=not gone))
    assert done.numbers.last_seq == kept[-1]
    assert done.numbers.given >= (kept[-1] + SKIPPED_NUMBERS if gone else lost[-1])
    async with gateway_in_process(state) as gateway:
        hello = Hello(since=lost[-1], store_id=store_id, known=lost[-1])
        async with Client(Endpoint(gateway.url, claude.token), hello) as client:
            assert client.welcome.store_id == store_id
            new = await say(gateway, "five")
            told, said = await heard(client, 2)
        assert "What came after" in told.content and told.seq > lost[-1]
        assert told.context == {"restored": {"last_seq": kept[-1], "given": done.numbers.given}}
        assert said.content == "five" and said.seq == new[0] > lost[-1]
        async with Client(gateway.operator, Hello(since=0, echo=True)) as alice:
            said_before = [one.content for one in await heard(alice, 4)]
    assert (said_before[:2], said_before[3]) == (["one", "two"], "five")


async def test_the_replaced_log_is_put_aside_whole(tmp_path: Path) -> None:
    state = tmp_path / "state"
    path, _, lost, _ = await lived(state, tmp_path / "snapshots")
    done = await restored(RestoreWish(path, state, replaces=True))
    assert done.put_aside is not None
    with closing(sqlite3.connect(Path(done.put_aside) / "groupchat.db")) as database:
        (last,) = database.execute("SELECT max(seq) FROM log WHERE kind = 'message'").fetchone()
    assert last >= lost[-1]
    assert done.numbers.given >= lost[-1]


async def test_a_copy_is_another_log(tmp_path: Path) -> None:
    state, trial = tmp_path / "state", tmp_path / "trial"
    path, kept, *_ = await lived(state, tmp_path / "snapshots")
    done = await restored(RestoreWish(path, trial, as_copy=True))
    assert done.numbers.given == kept[-1]
    async with gateway_in_process(state) as one, gateway_in_process(trial) as other:
        assert one.hub.state.id != other.hub.state.id
        assert min(await say(other, "here")) < 100


def cut_database(path: Path) -> None:
    with (path / DATABASE_NAME).open("r+b") as file:
        file.truncate(8192)


def turn_one_bit(path: Path) -> None:
    with (path / DATABASE_NAME).open("r+b") as file:
        file.seek(20_000)
        (byte,) = file.read(1)
        file.seek(20_000)
        file.write(bytes([byte ^ 1]))


def remove_database(path: Path) -> None:
    (path / DATABASE_NAME).unlink()


def remove_manifest(path: Path) -> None:
    (path / MANIFEST_FILE).unlink()


def make_newer(path: Path) -> None:
    manifest = read_manifest(path)
    newer = type(manifest)(**{**{one: getattr(manifest, one) for one in manifest.__struct_fields__}, "schema": 10_000})
    (path / MANIFEST_FILE).write_bytes(encode_manifest(newer))


DAMAGE = [
    pytest.param(cut_database, "is damaged", id="cut off"),
    pytest.param(turn_one_bit, "is damaged", id="one bit"),
    pytest.param(remove_database, "is missing", id="no database"),
    pytest.param(remove_manifest, "not a snapshot", id="no manifest"),
    pytest.param(make_newer, f"schema 10000, this installation knows {len(MIGRATIONS)}", id="newer schema"),
]


async def test_a_damaged_one_is_refused_and_nothing_is_replaced(tmp_path: Path) -> None:
    state = tmp_path / "state"
    path, _, lost, _ = await lived(state, tmp_path / "snapshots")
    verify_snapshot(path, BAR)
    before = sorted(one.name for one in state.iterdir())
    for number, row in enumerate(DAMAGE):
        harm, why = row.values[0], str(row.values[1])
        broken = tmp_path / f"broken-{number}"
        shutil.copytree(path, broken)
        harm(broken)  # type: ignore[operator]
        for attempt in (
            lambda broken=broken: verify_snapshot(broken, BAR),
            lambda broken=broken: restore_files(RestoreWish(broken, state, replaces=True), NOW, BAR),
        ):
            with pytest.raises(GroupChatError, match=why):
                attempt()
    assert [name for name in sorted(one.name for one in state.iterdir()) if name not in before] == []
    async with gateway_in_process(state) as gateway:
        assert gateway.hub.committed_seq >= lost[-1]


async def test_a_running_gateway_and_a_folder_with_a_log_are_refused(tmp_path: Path) -> None:
    state = tmp_path / "state"
    path, *_ = await lived(state, tmp_path / "snapshots")
    with pytest.raises(BadRequest, match="has a log already"):
        restore_files(RestoreWish(path, state), NOW, BAR)
    async with gateway_in_process(state):
        with pytest.raises(Unavailable, match="Another gateway"):
            restore_files(RestoreWish(path, state, replaces=True), NOW, BAR)


async def test_a_sealed_snapshot_opens_with_its_key_alone(tmp_path: Path) -> None:
    state, folder, back = tmp_path / "state", tmp_path / "snapshots", tmp_path / "back"
    boss, other = draw_keys("boss", int(NOW)), draw_keys("boss", int(NOW))
    public, private = tmp_path / "boss.key", tmp_path / "boss.json"
    public.write_text(boss.published.text + "\n")
    for path, keys in ((private, boss), (tmp_path / "other.json", other)):
        write_private(path, encode_key_file(keys, "a long enough passphrase"))
    async with gateway_in_process(state) as gateway:
        await gateway.member("claude")
        kept = await say(gateway, "a very secret word")
        (state / ".snapshot-of-a-killed-process").mkdir()  # it holds a plain copy, and nobody would miss it
        path = take_snapshot(snapshot_source(gateway.config, folder, public), NOW)
    assert all(b"secret word" not in one.read_bytes() for one in path.rglob("*") if one.is_file())
    assert all(one.suffix == ".sealed" for one in path.rglob("*") if one.is_file() and one.name != MANIFEST_FILE)
    assert not list(state.glob(".snapshot-*"))
    verify_snapshot(path, BAR)
    with pytest.raises(Forbidden, match="Name the private key with --key"):
        restore_files(RestoreWish(path, back), NOW, BAR)
    for file, passphrase in ((tmp_path / "other.json", "a long enough passphrase"), (private, "not this one at all")):
        with pytest.raises(Forbidden):
            opening = read_opening(file, partial(str, passphrase))
            restore_files(RestoreWish(path, back, opening=opening), NOW, BAR)
    assert not (back / DATABASE_NAME).exists()
    opening = read_opening(private, lambda: "a long enough passphrase")
    await restored(RestoreWish(path, back, opening=opening))
    async with gateway_in_process(back) as gateway:
        assert gateway.hub.committed_seq > kept[0]
        assert await gateway.hub.store.one(kept[0]) is not None
