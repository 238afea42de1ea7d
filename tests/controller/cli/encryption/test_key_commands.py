"""`groupchat key`, as two people on two machines use it: two state folders, no gateway."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.requests.encryption.passphrase_input import MAX_TRIES, choose_passphrase, unlock_key
from gateway.encryption.key_storage.key_files import StoredKey, encode_key_file, store_key
from gateway.encryption.member_keys.private_keys import draw_keys
from gateway.encryption.refusals import SealingRefused
from gateway.protocol.errors import BadRequest, Forbidden
from tests.support.commands import Groupchat, Outcome

PASSPHRASE = "correct horse battery"


@pytest.fixture
def ada(tmp_path: Path) -> Groupchat:
    return Groupchat(tmp_path / "ada", quick=True)


@pytest.fixture
def bob(tmp_path: Path) -> Groupchat:
    return Groupchat(tmp_path / "bob", quick=True)


@pytest.fixture
def secret(tmp_path: Path) -> str:
    return str(private_file(tmp_path / "passphrase", PASSPHRASE))


def private_file(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text + "\n")
    return path


def good(outcome: Outcome) -> Outcome:
    assert (outcome.code, outcome.err) == (0, "")
    return outcome


def fields(outcome: Outcome) -> Any:
    return good(outcome).json


def test_a_key_is_made_listed_and_renewed(ada: Groupchat, secret: str) -> None:
    made = good(ada("key", "new", "ada", "--passphrase-file", secret)).out
    assert "Version 1 of the key of ada" in made
    assert "sealed" in made
    path = ada.state / "encryption/ada/key-1.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    good(ada("key", "rotate", "ada", "--passphrase-file", secret))
    own = fields(ada("key", "list", "--json"))["own"]
    assert [(key["version"], key["state"]) for key in own] == [(1, "passphrase"), (2, "passphrase")]
    again = ada("key", "new", "ada", "--passphrase-file", secret)
    assert (again.code, "key rotate ada" in again.err) == (1, True)
    assert own[0]["words"] in good(ada("key", "list")).out


def test_an_unattended_key_is_called_that(ada: Groupchat) -> None:
    assert "without a passphrase" in good(ada("key", "new", "claude", "--unattended")).out
    assert "unattended" in good(ada("key", "list")).out


def test_two_people_exchange_and_compare_their_keys(ada: Groupchat, bob: Groupchat) -> None:
    good(ada("key", "new", "ada", "--unattended"))
    fingerprint = fields(ada("key", "list", "--json"))["own"][0]
    came = good(bob("key", "import", "-", given=ada("key", "export", "ada").out)).out
    assert "not verified" in came
    assert fingerprint["words"] in came
    wrong = bob("key", "trust", "ada", *fingerprint["words"].split()[:9], "babab")
    assert (wrong.code, "Nothing was changed" in wrong.err) == (1, True)
    good(bob("key", "trust", "ada", *fingerprint["words"].split()))
    assert fields(bob("key", "list", "--json"))["others"][0]["state"] == "verified"
    good(ada("key", "rotate", "ada"))
    renewed = fields(bob("key", "import", "-", "--json", given=ada("key", "export", "ada").out))
    assert (renewed["finding"], renewed["version"], renewed["state"]) == ("rotated", 2, "verified")


def test_another_key_is_shouted_and_waits_for_a_person(ada: Groupchat, bob: Groupchat, tmp_path: Path) -> None:
    good(ada("key", "new", "ada", "--unattended"))
    liar = Groupchat(tmp_path / "liar", quick=True)
    good(liar("key", "new", "ada", "--unattended"))
    good(bob("key", "import", "-", given=ada("key", "export", "ada").out))
    came = good(bob("key", "import", "-", given=liar("key", "export", "ada").out)).out
    assert "THE KEY OF ada HAS CHANGED" in came
    assert fields(bob("key", "list", "--json"))["others"][0]["state"] == "changed"
    good(bob("key", "trust", "ada", fields(ada("key", "list", "--json"))["own"][0]["fingerprint"]))
    kept = fields(bob("key", "list", "--json"))["others"][0]
    assert (kept["state"], kept["words"]) == ("verified", fields(ada("key", "list", "--json"))["own"][0]["words"])


def test_a_revoked_key_ends_and_the_next_one_begins_anew(ada: Groupchat, bob: Groupchat) -> None:
    good(ada("key", "new", "ada", "--unattended"))
    good(bob("key", "import", "-", given=ada("key", "export", "ada").out))
    assert ada("key", "revoke", "ada").code == 1
    revoked = ada("key", "revoke", "ada", "--yes")
    assert (revoked.code, "next connection" in revoked.err) == (0, True)
    statement = revoked.out
    assert "revoked" in good(bob("key", "import", "-", given=statement)).out
    assert fields(bob("key", "list", "--json"))["others"][0]["state"] == "revoked"
    assert ada("key", "rotate", "ada").code == 1
    assert "Version 2" in good(ada("key", "new", "ada", "--unattended")).out
    assert "HAS CHANGED" in good(bob("key", "import", "-", given=ada("key", "export", "ada").out)).out


def test_a_key_moves_to_another_machine(ada: Groupchat, bob: Groupchat, tmp_path: Path, secret: str) -> None:
    good(ada("key", "new", "ada", "--unattended"))
    moved = tmp_path / "moved.json"
    good(ada("key", "export", "ada", "--private", str(moved), "--passphrase-file", secret))
    assert stat.S_IMODE(moved.stat().st_mode) == 0o600
    assert "sealed" in good(bob("key", "import", str(moved))).out
    good(bob("key", "rotate", "ada", "--passphrase-file", secret))
    assert ada("key", "export", "ada", "--private", str(moved), "--passphrase-file", secret).code == 1


@pytest.mark.parametrize("given", ["", "hello", "groupchat-key-1 AAAA", "{}", "{", "x" * 100_000, "\0\x1b[2J"])
def test_what_is_no_key_is_refused_in_one_sentence(ada: Groupchat, given: str) -> None:
    done = ada("key", "import", "-", given=given)
    assert (done.code, done.out) == (1, "")
    assert done.err.strip().endswith(".")
    assert "Traceback" not in done.err


def test_a_wrong_or_open_passphrase_file_is_refused(ada: Groupchat, tmp_path: Path, secret: str) -> None:
    good(ada("key", "new", "ada", "--passphrase-file", secret))
    wrong = private_file(tmp_path / "wrong", "wrong horse battery")
    assert "passphrase is wrong" in ada("key", "rotate", "ada", "--passphrase-file", str(wrong)).err
    Path(secret).chmod(0o644)
    assert "Others can read" in ada("key", "rotate", "ada", "--passphrase-file", secret).err
    assert "no passphrase file" in ada("key", "rotate", "ada", "--passphrase-file", str(tmp_path / "none")).err
    assert "no terminal" in ada("key", "rotate", "ada").err
    assert len(fields(ada("key", "list", "--json"))["own"]) == 1


def stored_key(state: Path) -> StoredKey:
    return store_key(state, encode_key_file(draw_keys("ada", 1), PASSPHRASE))


class Typist:
    """A person at a terminal who types these words."""

    def __init__(self, *words: str) -> None:
        self._words: Iterator[str] = iter(words)
        self.asked = 0

    def __call__(self, question: str) -> str:
        self.asked += 1
        return next(self._words)


def test_a_person_has_three_tries(tmp_path: Path) -> None:
    stored = stored_key(tmp_path)
    third = Typist("wrong", "", PASSPHRASE)
    assert unlock_key(stored, None, third)[1] == PASSPHRASE
    never = Typist(*["wrong"] * 10)
    with pytest.raises(SealingRefused, match="passphrase is wrong"):
        unlock_key(stored, None, never)
    assert (third.asked, never.asked) == (3, MAX_TRIES)


def test_a_new_passphrase_is_typed_twice_and_is_not_short() -> None:
    assert choose_passphrase(None, Typist(PASSPHRASE, PASSPHRASE)) == PASSPHRASE
    with pytest.raises(BadRequest, match="differ"):
        choose_passphrase(None, Typist(PASSPHRASE, "correct horse batterie"))
    with pytest.raises(SealingRefused, match="10 to 1000"):
        choose_passphrase(None, Typist("short", "short"))


def test_without_a_terminal_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = stored_key(tmp_path)
    with (tmp_path / "empty").open("w+") as empty, monkeypatch.context() as patched:
        patched.setattr("sys.stdin", empty)
        with pytest.raises(Forbidden, match="passphrase-file"):
            unlock_key(stored, None)
