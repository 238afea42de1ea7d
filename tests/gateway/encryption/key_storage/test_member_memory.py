"""What a machine remembers of a chat: it survives, stays with its machine, and says what is wrong with it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.encryption.key_storage.known_chats import MAX_LOGS, LogHistory, note_log
from gateway.encryption.key_storage.member_memory import (
    MAX_PLACES,
    PRUNED_EVERY,
    ChainedMessage,
    ChainName,
    MemberMemory,
    SealedNumber,
    memory_file,
    storage_errors,
)
from gateway.encryption.key_storage.pin_book import PinBook
from gateway.encryption.member_keys.pinned_keys import PinnedKey, Trust, compare_with_pin, newest_run, revoke_pin
from gateway.encryption.member_keys.private_keys import draw_keys, renew_keys, revoke_keys
from gateway.encryption.refusals import SealingRefused
from gateway.encryption.sealed_messages.letters import FIRST_PREVIOUS
from gateway.encryption.sealed_messages.message_chains import ChainLink

TALK = "#lab"


def opened(state: Path, house: str = "house", version: int = 1) -> MemberMemory:
    return MemberMemory.open(state, "ada", house, version)


def send(memory: MemberMemory, number: int, *, is_taken: bool = True) -> None:
    place = memory.next_place(TALK)
    memory.begin(ChainedMessage(f"id-{number}", TALK, place, bytes([number]) * 32, b"{}"))
    if is_taken:
        memory.settle(f"id-{number}")


def test_a_place_is_used_once_also_after_a_restart(tmp_path: Path) -> None:
    memory = opened(tmp_path)
    send(memory, 1)
    stream = memory.stream
    memory.close()
    again = opened(tmp_path)
    assert (again.stream, again.next_place(TALK).counter, again.next_place(TALK).previous) == (stream, 1, b"\x01" * 32)
    again.close()


def test_two_programs_write_under_streams_of_their_own(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    assert first.stream != second.stream
    first.close()
    second.close()


def test_a_new_key_is_a_new_stream(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.close()
    second = opened(tmp_path, version=2)
    assert second.stream != first.stream
    second.close()


def test_what_left_without_an_answer_is_repeated_as_it_was(tmp_path: Path) -> None:
    memory = opened(tmp_path)
    send(memory, 1, is_taken=False)
    assert memory.has_unanswered(TALK)
    memory.begin_new_stream()
    kept = memory.outgoing("id-1")
    assert kept is not None
    assert kept.digest == b"\x01" * 32
    assert not memory.has_unanswered(TALK)
    memory.close()


def test_a_message_of_ours_at_our_next_place_is_another_machine(tmp_path: Path) -> None:
    memory = opened(tmp_path)
    send(memory, 1)
    assert not memory.has_own_place_taken("ada", TALK)
    memory.note_place(ChainName("ada", memory.stream, TALK), ChainLink(1, b"\x01" * 32, b"\x02" * 32, 9))
    assert memory.has_own_place_taken("ada", TALK)
    memory.close()


def test_old_places_are_forgotten_and_new_ones_stay(tmp_path: Path) -> None:
    memory = opened(tmp_path)
    chain = ChainName("bob", b"s" * 16, TALK)
    for counter in (0, MAX_PLACES + PRUNED_EVERY - (MAX_PLACES % PRUNED_EVERY)):
        memory.note_place(chain, ChainLink(counter, FIRST_PREVIOUS, b"d" * 32, counter + 1))
    assert memory.neighbors(chain, 0).same is None
    assert memory.neighbors(chain, 0).above is not None
    memory.close()


def test_what_was_sealed_is_known_by_number_and_room(tmp_path: Path) -> None:
    memory = opened(tmp_path)
    memory.note_sealed_message(SealedNumber(7, "lab", is_direct=True))
    memory.note_sealed("vault")
    memory.close()
    again, other = opened(tmp_path), opened(tmp_path, "another-house")
    assert again.sealed_message(7) == SealedNumber(7, "lab", is_direct=True)
    assert (again.sealed_message(8), other.is_known_sealed("vault")) == (None, False)
    other.take_sealed_rooms(memory_file(tmp_path, "ada", "house"))
    assert other.is_known_sealed("vault")
    again.close()
    other.close()


def test_an_answer_is_used_once(tmp_path: Path) -> None:
    memory = opened(tmp_path)
    assert [memory.use_answer(one) for one in (b"a" * 16, b"b" * 16, b"a" * 16)] == [True, True, False]
    memory.close()


def test_a_damaged_memory_is_refused_with_a_sentence(tmp_path: Path) -> None:
    opened(tmp_path).close()
    memory_file(tmp_path, "ada", "house").write_bytes(b"no database" * 1000)
    with pytest.raises(SealingRefused, match="Restore it from a backup"):
        opened(tmp_path)


def test_a_memory_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    opened(tmp_path).close()
    database = sqlite3.connect(memory_file(tmp_path, "ada", "house"))
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(SealingRefused, match="newer version"):
        opened(tmp_path)


def test_no_name_of_a_house_leaves_the_folder(tmp_path: Path) -> None:
    for house in ("../../etc", "a/b", "", "x" * 5000, "\udcff"):
        path = memory_file(tmp_path, "ada", house)
        assert path.parent == tmp_path / "encryption" / "ada"
        assert len(path.name) < 80


def test_a_full_disk_is_a_refusal() -> None:
    with pytest.raises(SealingRefused, match="cannot be read or written"), storage_errors():
        raise sqlite3.OperationalError("database or disk is full")


def test_another_log_of_a_gateway_is_known_as_one(tmp_path: Path) -> None:
    (tmp_path / "encryption" / "ada").mkdir(parents=True, mode=0o700)
    assert note_log(tmp_path, "ada", "here", "one") == LogHistory()
    assert note_log(tmp_path, "ada", "here", "one") == LogHistory()
    assert note_log(tmp_path, "ada", "elsewhere", "two") == LogHistory()
    assert note_log(tmp_path, "ada", "here", "two") == LogHistory(("one",), is_new=True)
    assert note_log(tmp_path, "ada", "here", "two") == LogHistory(("one",))
    with pytest.raises(SealingRefused, match="different logs"):
        for number in range(MAX_LOGS + 1):
            note_log(tmp_path, "ada", "here", f"made up {number}")


def test_a_lock_that_is_never_given_back_stops_nobody_for_ever(tmp_path: Path) -> None:
    book = PinBook(tmp_path)
    with book.locked(), pytest.raises(SealingRefused, match="does not end"):
        PinBook(tmp_path).change(lambda pins: pins)


def test_pins_that_another_program_changed_are_read_again(tmp_path: Path) -> None:
    book, other = PinBook(tmp_path), PinBook(tmp_path)
    keys = draw_keys("bob", 1)
    assert book.trust_of("bob") is None
    other.change(lambda pins: {**pins, "bob": PinnedKey(keys.published.text)})
    assert (book.trust_of("bob"), book.records()["bob", 1]) == (Trust.FIRST_USE, keys.record)


def test_a_machine_without_a_pin_begins_with_the_newest_run_of_keys() -> None:
    lost = draw_keys("bob", 1)
    second = draw_keys("bob", 1, version=2)
    third = renew_keys(second, 1)
    run = newest_run([one.published for one in (lost, second, third)])
    assert [one.record.version for one in run] == [2, 3]
    assert list(newest_run([])) == []


def test_a_revoked_old_key_signs_nothing_more() -> None:
    first = draw_keys("bob", 1)
    second = renew_keys(first, 1)
    pin = compare_with_pin(PinnedKey(first.published.text), second.published).pin
    assert set(pin.records()) == {1, 2}
    after = revoke_pin(pin, revoke_keys(first))
    assert (set(after.records()), after.trust) == ({2}, Trust.FIRST_USE)
    assert revoke_pin(after, revoke_keys(second)).trust is Trust.REVOKED
