"""Which client a machine gets, and how its keys are opened: asked, read from a file, or left closed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from controller.requests.encryption.known_keys import only_reader
from controller.requests.encryption.member_client import (
    KeyAccess,
    can_open_sealed,
    open_member_client,
    open_own_machine,
    sealing_client,
)
from gateway.encryption.key_storage.key_files import encode_key_file, newest_key, store_key
from gateway.encryption.member_keys.private_keys import draw_keys, renew_keys
from gateway.encryption.refusals import SealingRefused
from gateway.protocol.errors import BadRequest
from tests.support.gateways import OPERATOR, gateway_in_process
from tests.support.sealed_members import give_key

PASSPHRASE = "correct horse battery"


def give_closed_key(state: Path, versions: int = 1) -> None:
    keys = draw_keys("ada", 1)
    for made in range(versions):
        store_key(state, encode_key_file(keys, PASSPHRASE))
        keys = renew_keys(keys, 2 + made)


class Asked:
    """A person who types these words, and what was told."""

    def __init__(self, *words: str) -> None:
        self._words = list(words)
        self.questions: list[str] = []
        self.told: list[str] = []

    def __call__(self, question: str) -> str:
        self.questions.append(question)
        return self._words.pop(0)

    def access(self, state: Path, *, tolerant: bool = False, terminal: bool = True) -> KeyAccess:
        return KeyAccess(state, None, self, self.told.append, lambda: terminal, tolerant=tolerant)


def test_a_passphrase_is_asked_once_for_all_versions(tmp_path: Path) -> None:
    give_closed_key(tmp_path, versions=3)
    person = Asked(PASSPHRASE)
    machine = open_own_machine("ada", person.access(tmp_path))
    assert machine is not None
    assert (sorted(machine.keys), len(person.questions)) == ([1, 2, 3], 1)
    assert "Enter: go on without it" in person.questions[0]


def test_enter_goes_on_without_the_key(tmp_path: Path) -> None:
    give_closed_key(tmp_path)
    person = Asked("")
    access = person.access(tmp_path)
    assert open_own_machine("ada", access) is None
    assert open_own_machine("ada", access) is None  # and is not asked again
    assert "What is sealed stays closed" in person.told[0]
    assert (len(person.questions), access.problems) == (1, person.told)


def test_three_wrong_passphrases_end_a_command_and_leave_a_chat_closed(tmp_path: Path) -> None:
    give_closed_key(tmp_path)
    with pytest.raises(SealingRefused, match="passphrase is wrong"):
        open_own_machine("ada", Asked(*["wrong"] * 9).access(tmp_path))
    person = Asked(*["wrong"] * 9)
    assert open_own_machine("ada", person.access(tmp_path, tolerant=True)) is None
    assert len(person.questions) == 3
    assert "stays closed" in person.told[-1]


def test_nobody_is_asked_without_a_terminal(tmp_path: Path) -> None:
    give_closed_key(tmp_path)
    person = Asked()
    assert open_own_machine("ada", person.access(tmp_path, terminal=False)) is None
    assert "GROUPCHAT_PASSPHRASE_FILE" in person.told[0]


def test_a_file_opens_the_key_and_a_wrong_one_is_an_error(tmp_path: Path) -> None:
    give_closed_key(tmp_path, versions=2)
    file = tmp_path / "passphrase"
    file.touch(mode=0o600)
    file.write_text(PASSPHRASE + "\n")
    machine = open_own_machine("ada", KeyAccess(tmp_path, file))
    assert machine is not None
    assert sorted(machine.keys) == [1, 2]
    file.write_text("\n")
    with pytest.raises(SealingRefused, match="passphrase is wrong"):
        open_own_machine("ada", KeyAccess(tmp_path, file))


def test_a_damaged_key_leaves_a_chat_closed(tmp_path: Path) -> None:
    give_key(tmp_path, "ada")
    newest_key(tmp_path, "ada").path.write_text("{")
    with pytest.raises(SealingRefused, match="damaged"):
        open_own_machine("ada", Asked().access(tmp_path))
    person = Asked()
    assert open_own_machine("ada", person.access(tmp_path, tolerant=True)) is None
    assert "damaged" in person.told[0]


@pytest.mark.parametrize(
    ("prepare", "opened", "why"),
    [
        (lambda state: None, False, "There is no key of alice"),
        (lambda state: give_key(state, "bob"), False, "locked or missing"),
        (lambda state: give_key(state, OPERATOR), True, ""),
    ],
)
async def test_a_machine_without_the_members_key_has_a_plain_client(
    tmp_path: Path, prepare: Callable[[Path], None], opened: bool, why: str
) -> None:
    state = tmp_path / "machine"
    prepare(state)
    async with (
        gateway_in_process(tmp_path / "state") as gateway,
        open_member_client(gateway.operator, Asked().access(state)) as client,
    ):
        assert can_open_sealed(client) is opened
        if opened:
            assert sealing_client(client) is client
        else:
            with pytest.raises(BadRequest, match=why):
                sealing_client(client)


async def test_a_passphrase_opens_the_key_of_the_member_of_the_token(tmp_path: Path) -> None:
    state = tmp_path / "machine"
    store_key(state, encode_key_file(draw_keys(OPERATOR, 1), PASSPHRASE))
    person = Asked(PASSPHRASE)
    async with (
        gateway_in_process(tmp_path / "state") as gateway,
        open_member_client(gateway.operator, person.access(state)) as client,
    ):
        assert can_open_sealed(client)
        assert person.questions == [f"Passphrase of {OPERATOR}'s key, version 1 (Enter: go on without it)"]


def test_without_a_name_the_only_persons_key_reads(tmp_path: Path) -> None:
    """A team with `encryption = true` has keys of its agents beside the person's."""
    assert only_reader(tmp_path) is None
    give_key(tmp_path, "claude")
    assert only_reader(tmp_path) == "claude"
    give_key(tmp_path, "codex")
    assert only_reader(tmp_path) is None
    store_key(tmp_path, encode_key_file(draw_keys("boss", 1), PASSPHRASE))
    assert only_reader(tmp_path) == "boss"
