"""A gateway whose store was put back from a backup: no number means two messages to whoever remembers the first."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.client import Client, Endpoint
from gateway.files.private_files import write_private
from gateway.model.rule_context import RuleContext
from gateway.model.sequence_numbers import SKIPPED_NUMBERS, SequenceNumbers
from gateway.protocol.events import Message, Welcome
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.request import MAX_SEQ
from gateway.protocol.types.core_types import MemberKind
from gateway.store.sequence_file import SequenceFile
from sidecar.connection.registration import Registration, connect_as_member
from sidecar.messages.duplicate_guard import ALREADY_READ_TEXT, MessageProgress, refusal_of_repeat
from sidecar.run_files.delivery_journal import JOURNAL_FILE, DeliveryJournal
from tests.support.gateways import Gateway, gateway_in_process

STORE = ("groupchat.db", "groupchat.db-wal", "groupchat.db-shm")


def database(state: Path, backup: Path) -> None:
    for name in STORE:
        (state / name).unlink(missing_ok=True)
        if (backup / name).exists():
            shutil.copy(backup / name, state / name)


def everything(state: Path, backup: Path) -> None:
    shutil.rmtree(state)
    shutil.copytree(backup, state)


class Machine:
    """Where the sidecar of claude lives: its journal is in no backup of the gateway."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self.path = folder / JOURNAL_FILE
        self.registration = Registration("claude", None, folder, folder, self.path)
        self.token = ""

    async def reads(self, gateway: Gateway) -> tuple[Welcome, DeliveryJournal]:
        """The sidecar comes, as it does after a restart of either."""
        self.token = self.token or (await gateway.member("claude")).token
        async with connect_as_member(self.registration, Endpoint(gateway.url, self.token)) as client:
            return client.welcome, DeliveryJournal(
                self.path, client.welcome.store_id, client.welcome.run, client.welcome.began
            )


def hook(journal: DeliveryJournal, number: int) -> str:
    """What claude's submit hook answers to a prompt with this number that the sidecar has typed."""
    return refusal_of_repeat(frozenset({number}), frozenset({number}), journal.was_consumed)


async def say(gateway: Gateway, count: int) -> list[int]:
    async with Client(gateway.operator) as alice:
        return [(await alice.send(f"message {number}", to="@claude")).seq for number in range(count)]


async def lived(state: Path, backup: Path, machine: Machine) -> list[int]:
    """A gateway from which a backup is made; then the agent reads more than the backup knows of."""
    async with gateway_in_process(state) as gateway:
        await machine.reads(gateway)
        await say(gateway, 3)
    shutil.copytree(state, backup)
    async with gateway_in_process(state) as gateway:
        _, journal = await machine.reads(gateway)
        lost = await say(gateway, 5)
        journal.mark(lost, MessageProgress.CONSUMED)
        assert hook(journal, lost[0]) == ALREADY_READ_TEXT
        journal.close()
    return lost


@pytest.mark.parametrize("restore", [database, everything])
async def test_new_messages_have_new_numbers(tmp_path: Path, restore: Callable[[Path, Path], None]) -> None:
    state, backup, machine = tmp_path / "state", tmp_path / "backup", Machine(tmp_path / "elsewhere")
    lost = await lived(state, backup, machine)
    restore(state, backup)
    async with gateway_in_process(state) as gateway:
        welcome, journal = await machine.reads(gateway)
        new = await say(gateway, 5)
        assert min(new) > max(lost) and welcome.last_seq < min(lost)
        assert [hook(journal, number) for number in new] == [""] * 5
        journal.close()
    async with gateway_in_process(state) as gateway:
        assert min(await say(gateway, 1)) > max(new)


async def test_numbers_that_were_used_again_before_anybody_remembered_are_new_messages(tmp_path: Path) -> None:
    state, backup, machine = tmp_path / "state", tmp_path / "backup", Machine(tmp_path / "elsewhere")
    lost = await lived(state, backup, machine)
    everything(state, backup)
    async with gateway_in_process(state) as gateway:
        again = await say(gateway, 2)
        assert set(again) & set(lost), "before the sidecar has come back"
        welcome, journal = await machine.reads(gateway)
        assert journal.moved and welcome.began <= min(again)
        assert [hook(journal, number) for number in again] == ["", ""]
        assert min(await say(gateway, 1)) > max(lost)
        journal.close()


async def test_a_client_that_comes_back_by_itself_misses_nothing(tmp_path: Path) -> None:
    state, backup = tmp_path / "state", tmp_path / "backup"
    async with gateway_in_process(state) as gateway:
        await gateway.member("claude", MemberKind.AGENT)
    shutil.copytree(state, backup)
    async with gateway_in_process(state) as gateway:
        lost = await say(gateway, 4)
        gateway_state = gateway.hub.state.id
    everything(state, backup)
    async with (
        gateway_in_process(state) as gateway,
        Client(gateway.operator, Hello(since=lost[-1], store_id=gateway_state, known=lost[-1], echo=True)) as alice,
    ):
        number = (await alice.send("after the backup", to="@claude")).seq
        async for event in alice.events():
            if isinstance(event, Message):
                assert (event.seq, event.content) == (number, "after the backup")
                break
    assert number > lost[-1]


# what a client says, and the number after the next one that is given out then
CLAIMS = [
    pytest.param([(True, 100)], 101, id="what the log holds"),
    pytest.param([(True, 101)], 100 + SKIPPED_NUMBERS + 1, id="one more"),
    pytest.param([(True, 100 + SKIPPED_NUMBERS)], 100 + SKIPPED_NUMBERS + 1, id="as far as is believed"),
    pytest.param([(True, 101 + SKIPPED_NUMBERS)], 101, id="further than is believed"),
    pytest.param([(True, MAX_SEQ)], 101, id="all there are"),
    pytest.param([(False, 500)], 101, id="of another store"),
    pytest.param([(True, 500), (True, 100 + 2 * SKIPPED_NUMBERS)], 100 + SKIPPED_NUMBERS + 1, id="twice in one run"),
    pytest.param([(True, MAX_SEQ), (True, 500)], 100 + SKIPPED_NUMBERS + 1, id="a liar first"),
]


@pytest.mark.parametrize(("claims", "following"), CLAIMS)
def test_what_a_client_says_is_believed_once_and_up_to_a_bound(claims: list[tuple[bool, int]], following: int) -> None:
    numbers = SequenceNumbers(RuleContext(), "run")
    numbers.begin(100)
    for claim in claims:
        numbers.accept_client_number(*claim)
    assert (numbers.rule_context.seq(), numbers.began) == (following, 101)


def test_reading_the_state_again_begins_no_other_run() -> None:
    numbers = SequenceNumbers(RuleContext(), "run")
    numbers.begin(100)
    numbers.rule_context.last_seq = 120
    numbers.begin(110)
    assert (numbers.rule_context.seq(), numbers.began) == (121, 101)


@pytest.mark.parametrize("text", ["", "house", "house x", "other 500", "\x00\x01", "house 1 2"])
def test_a_file_that_tells_nothing_of_this_store(tmp_path: Path, text: str) -> None:
    write_private(tmp_path / "numbers", text)
    assert SequenceFile(tmp_path / "numbers").highest("house") == 0


def test_the_file_tells_what_was_noted_last_and_needs_no_room(tmp_path: Path) -> None:
    given = SequenceFile(tmp_path / "numbers")
    for number in (10**12, 7):
        given.note("house", number)
        assert SequenceFile(tmp_path / "numbers").highest("house") == number
    given.close()
    SequenceFile(tmp_path / "nowhere" / "numbers").note("house", 1)
