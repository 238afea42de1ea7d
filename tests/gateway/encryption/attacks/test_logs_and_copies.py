"""A gateway with another log, or a shorter one; and members whose folder was copied or restored from a backup."""

from __future__ import annotations

import shutil

import pytest

from gateway.encryption.key_storage.key_files import key_folder
from gateway.encryption.member_client.checked_messages import MessageProof
from gateway.protocol.errors import GroupChatError
from tests.support.lied_to import ROOM, LiedTo, is_wrong
from tests.support.sealed_members import connected

NEW_HERE = "ben writes from a machine, or with a key, that is new here."


async def test_another_log_is_noticed_and_sealed_rooms_stay_sealed(scene: LiedTo) -> None:
    await scene.open_room()
    scene.lies.answer = lambda op, answer: {**answer, "house": "another-log"} if op == "hello" else answer
    scene.lies.instead["room.keys"] = {"keys": [], "sealed": False}
    scene.lies.asked.clear()
    async with connected(scene.endpoints["ben"], scene.ben.state, "ben", **scene.lies.options) as ben:
        assert (await ben.notice("ANOTHER LOG THAN BEFORE")).loud
        with pytest.raises(GroupChatError):
            await ben.client.send("the launch code", room=ROOM)
    assert not [one for one in scene.lies.asked if one.get("op") == "send" and one.get("content")]


async def test_a_shorter_log_is_noticed(scene: LiedTo) -> None:
    await scene.open_room()
    scene.lies.answer = lambda op, answer: {**answer, "last_seq": 1} if op == "hello" else answer
    async with connected(scene.endpoints["ben"], scene.ben.state, "ben", **scene.lies.options) as ben:
        assert (await ben.notice("ENDS BEFORE MESSAGES THAT WERE READ HERE")).loud


async def test_a_copied_folder_writes_under_a_stream_of_its_own(scene: LiedTo) -> None:
    await scene.ben.client.send("before")
    copy = scene.folder / "copy"
    shutil.copytree(scene.ben.state, copy)
    async with connected(scene.endpoints["ben"], copy, "ben") as ben:
        sent = [await ben.client.send("from the copy"), await scene.ben.client.send("from the first")]
        copied, first = [await scene.ann.message(one.seq) for one in sent]
    assert (copied.content, copied.check.notes) == ("from the copy", (NEW_HERE,))
    assert (first.content, first.check.notes) == ("from the first", ())


async def with_restored_backup(scene: LiedTo, *, reads_first: bool) -> tuple[bool, str]:
    """Ben's memory is put back to where it was one message ago, into the same file. How his next message is shown."""
    endpoint, state = scene.endpoints["cyd"], scene.folder / "cyd-again"
    shutil.copytree(scene.cyd.state, state)
    async with connected(endpoint, state, "cyd") as cyd:
        await cyd.client.send("one")
    memory = next(key_folder(state, "cyd").glob("memory-*.sqlite"))
    backup = memory.read_bytes()
    async with connected(endpoint, state, "cyd") as cyd:
        await cyd.client.send("two")
    memory.write_bytes(backup)
    async with connected(endpoint, state, "cyd") as cyd:
        if reads_first:
            await cyd.history("general")
        sent = await cyd.client.send("three")
    message = await scene.ann.message(sent.seq)
    return is_wrong(message, "claim the same place"), message.content


async def test_a_restored_backup_is_noticed_by_whoever_reads(scene: LiedTo) -> None:
    is_refused, _ = await with_restored_backup(scene, reads_first=False)
    assert is_refused


async def test_a_restored_backup_is_noticed_by_its_member_first(scene: LiedTo) -> None:
    assert await with_restored_backup(scene, reads_first=True) == (False, "three")


async def test_an_exported_key_on_a_second_machine_is_a_second_stream(scene: LiedTo) -> None:
    await scene.ben.client.send("from the first")
    second = scene.folder / "second"
    (second / "encryption" / "ben").mkdir(parents=True, mode=0o700)
    for path in (second, second / "encryption"):
        path.chmod(0o700)
    shutil.copy(key_folder(scene.ben.state, "ben") / "key-1.json", key_folder(second, "ben") / "key-1.json")
    async with connected(scene.endpoints["ben"], second, "ben") as ben:
        sent = await ben.client.send("from the second")
        message = await scene.ann.message(sent.seq)
        assert (message.content, message.check.proof) == ("from the second", MessageProof.SIGNED)
        assert message.check.notes == (NEW_HERE,)
