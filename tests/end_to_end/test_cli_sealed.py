"""Sealed and signed messages on the command line: two people, two machines, one gateway. An export is checked without
it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.commands import Groupchat, Outcome
from tests.support.gateways import GatewayProcess

SECRET = "the launch code is 0000"
PASSPHRASE = "correct horse battery"


@dataclass
class Desk:
    """alice beside her gateway, bob elsewhere."""

    alice: Groupchat
    bob: Groupchat
    gateway: GatewayProcess
    folder: Path

    def newcomer(self, name: str) -> Groupchat:
        """Another person with a key, on a machine of their own, who has been connected once."""
        token = self.alice("token", "create", name, "--kind", "human", "--json").json["token"]
        there = Groupchat(self.folder / name, quick=True)
        there = there.with_env(CSP_GATEWAY_URL=self.gateway.url, CSP_AUTH_TOKEN=token)
        good(there("key", "new", name, "--unattended"))
        return there


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("sealed")
    with GatewayProcess(folder / "state").running() as gateway:
        alice = Groupchat(gateway.state, quick=True)
        token = alice("token", "create", "bob", "--kind", "human", "--json").json["token"]
        bob = Groupchat(folder / "bob", quick=True).with_env(CSP_GATEWAY_URL=gateway.url, CSP_AUTH_TOKEN=token)
        good(alice("key", "new", "alice", "--unattended"))
        secret = private_file(folder / "passphrase", PASSPHRASE)
        bob = bob.with_env(GROUPCHAT_PASSPHRASE_FILE=str(secret))
        good(bob("key", "new", "bob"))
        yield Desk(alice, bob, gateway, folder)


@pytest.fixture(scope="module")
def vault(desk: Desk) -> Desk:
    """A sealed room of alice and bob, who have compared their keys, with a message of each."""
    good(desk.alice("rooms", "--create", "vault", "--sealed"))
    good(desk.alice("key", "trust", "bob", *own_words(desk.bob)))
    assert "bob may join vault" in good(desk.alice("rooms", "invite", "vault", "bob")).out
    good(desk.bob("rooms", "--join", "vault"))
    good(desk.alice("send", "--room", "vault", SECRET))
    good(desk.bob("send", "--room", "vault", "and mine is 1111"))
    return desk


def own_words(one: Groupchat) -> list[str]:
    words: str = good(one("key", "list", "--json")).json["own"][0]["words"]
    return words.split()


def private_file(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text + "\n")
    return path


def good(outcome: Outcome) -> Outcome:
    assert outcome.code == 0, outcome
    return outcome


def number_of(outcome: Outcome) -> str:
    return str(good(outcome).json["seq"])


def test_a_new_key_is_published_at_once(desk: Desk) -> None:
    listed = good(desk.alice("key", "list")).out
    assert "The gateway gives out version 1 for alice, as here." in listed
    assert good(desk.alice("key", "list", "--json")).json["gateway"]["same"] is True
    good(desk.bob("history"))
    assert "key of" in good(desk.bob("key", "list")).out


def test_a_key_that_the_gateway_does_not_take_is_not_called_published(desk: Desk, tmp_path: Path) -> None:
    """dora makes a second first key on another machine: the gateway keeps the one that it has."""
    desk.newcomer("dora")
    token = desk.alice("token", "create", "dora", "--kind", "human", "--json").json["token"]
    again = Groupchat(tmp_path / "again", quick=True)
    made = good(
        again.with_env(CSP_GATEWAY_URL=desk.gateway.url, CSP_AUTH_TOKEN=token)("key", "new", "dora", "--unattended")
    )
    assert "GIVES OUT ANOTHER KEY FOR YOU" in made.out
    assert "another machine of yours" in " ".join(made.out.split())
    assert "The gateway has it" not in made.out


def test_a_message_is_signed_by_itself_and_sealed_if_wanted(desk: Desk) -> None:
    good(desk.alice("send", "good morning"))
    good(desk.alice("send", "--sealed", "@bob", SECRET))
    heard = good(desk.bob("history", "-n", "2")).out
    assert "alice [signed]: good morning" in heard
    assert f"alice -> bob [sealed, signed]: {SECRET}" in heard
    found = good(desk.bob("history", "-n", "1", "--json")).json["messages"][0]
    assert (found["check"]["proof"], found["check"]["was_sealed"]) == ("signed", True)
    plain = desk.bob.with_env(GROUPCHAT_PASSPHRASE_FILE="")("history", "-n", "1")
    assert SECRET not in plain.out
    assert "there is no terminal to ask at" in plain.err


def test_a_sealed_message_to_somebody_without_a_key_is_refused(desk: Desk) -> None:
    good(desk.alice("token", "create", "dan", "--kind", "human"))
    refused = desk.alice("send", "--sealed", "@dan", SECRET)
    assert (refused.code, "no key for dan" in refused.err) == (1, True)
    everyone = desk.alice("send", "--sealed", SECRET)
    assert (everyone.code, "names who may read it" in everyone.err) == (1, True)


def test_members_are_admitted_to_a_sealed_room_after_a_look_at_their_keys(desk: Desk) -> None:
    cyd = desk.newcomer("cyd")
    assert "sealed" in good(desk.alice("rooms", "--create", "attic", "--sealed")).out
    asked = desk.alice("rooms", "invite", "attic", "cyd")
    assert (asked.code, "not verified" in asked.err) == (1, True)
    words = own_words(cyd)
    assert words[0] in asked.err
    good(desk.alice("key", "trust", "cyd", *words))
    assert "cyd may join attic" in good(desk.alice("rooms", "invite", "attic", "cyd")).out


def test_a_sealed_room_is_read_and_searched_by_its_members_alone(vault: Desk) -> None:
    desk = vault
    heard = good(desk.alice("history", "--room", "vault")).out
    assert f"alice [sealed, verified]: {SECRET}" in heard
    assert "bob [sealed, verified]: and mine is 1111" in heard
    found = desk.alice("search", "launch code", "--room", "vault")
    assert SECRET in good(found).out
    assert "on this machine" in found.err
    files = [path for path in desk.gateway.state.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in path.read_bytes() for path in files)


def test_an_export_is_checked_without_the_gateway(vault: Desk, tmp_path: Path) -> None:
    desk, file = vault, tmp_path / "vault.jsonl"
    good(desk.alice("export", "vault", "-o", str(file)))
    assert SECRET not in file.read_text()
    checked = good(desk.alice("verify", str(file), "--json")).json
    assert (checked["wrong"], checked["counts"]["verified"], checked["counts"]["wrong"]) == (False, 2, 0)
    assert "verified" in good(desk.alice("verify", str(file))).out
    elsewhere = Groupchat(tmp_path / "nobody", quick=True)
    counts = good(elsewhere("verify", str(file), "--json")).json["counts"]
    assert (counts["unreadable"], counts["wrong"]) == (2, 0)


@pytest.mark.parametrize("harm", ["moved", "dropped", "text", "sender"])
def test_a_changed_export_is_called_wrong(desk: Desk, tmp_path: Path, harm: str) -> None:
    for text in ("one", "two", "three"):
        good(desk.alice("send", text))
    file = tmp_path / "general.jsonl"
    good(desk.alice("export", "general", "-o", str(file)))
    lines = file.read_text().splitlines()
    own = [at for at, line in enumerate(lines) if '"content":"two"' in line]
    at = own[-1]
    event = json.loads(lines[at])
    match harm:
        case "moved":
            event["room"] = "lab"
        case "text":
            event["content"] = "TWO"
        case "sender":
            event["from"] = "bob"
    lines[at : at + 1] = [] if harm == "dropped" else [json.dumps(event)]
    file.write_text("\n".join(lines) + "\n")
    checked = desk.alice("verify", str(file), "--json")
    assert (checked.code, checked.json["wrong"]) == (1, True)
    told = desk.alice("verify", str(file))
    assert told.code == 1
    assert ("missing" if harm == "dropped" else "WRONG") in told.out


def test_keys_from_a_file_are_enough_to_check(desk: Desk, tmp_path: Path) -> None:
    file, keys = tmp_path / "general.jsonl", tmp_path / "members.keys"
    good(desk.alice("send", "for the record"))
    good(desk.alice("export", "general", "-o", str(file)))
    keys.write_text(good(desk.alice("key", "export", "alice")).out)
    stranger = Groupchat(tmp_path / "stranger", quick=True)
    without = good(stranger("verify", str(file), "--json")).json
    assert (without["counts"]["verified"], without["counts"]["signed"]) == (0, 0)
    found = good(stranger("verify", str(file), "--keys", str(keys), "--json")).json
    assert found["counts"]["verified"] >= 1
    (last,) = [one for one in found["messages"] if one["seq"] == max(m["seq"] for m in found["messages"])]
    assert (last["from"], last["proof"]) == ("alice", "verified")


def test_transcripts_hold_what_was_opened_and_are_checked(vault: Desk, tmp_path: Path) -> None:
    desk, markdown, page = vault, tmp_path / "vault.md", tmp_path / "vault.html"
    for path in (markdown, page):
        good(desk.alice("transcript", "vault", "-o", str(path)))
        assert SECRET in path.read_text()
    assert "sealed, verified" in markdown.read_text()
    file = tmp_path / "vault.json"
    file.write_text(good(desk.alice("transcript", "vault", "--json")).out)
    found = good(desk.alice("verify", str(file), "--json")).json
    assert (found["counts"]["verified"], found["wrong"]) == (2, False)
    file.write_text(file.read_text().replace(SECRET, "the launch code is 9999"))
    wrong = desk.alice("verify", str(file), "--json")
    assert (wrong.code, wrong.json["counts"]["wrong"]) == (1, 1)


@pytest.mark.parametrize("content", ["", "hello", "{}", '{"groupchat": 1}', '{"messages": 7}', "[" * 10_000])
def test_what_is_no_export_is_refused_in_one_sentence(desk: Desk, tmp_path: Path, content: str) -> None:
    file = tmp_path / "other"
    file.write_text(content)
    done = desk.alice("verify", str(file))
    assert (done.code, done.out) == (1, "")
    assert "neither an export nor a transcript" in done.err
    assert "Traceback" not in done.err


def test_a_changed_key_is_shouted_by_a_command(desk: Desk) -> None:
    eve = desk.newcomer("eve")
    assert "HAS CHANGED" not in good(desk.bob("history", "-n", "1")).err
    good(eve("key", "revoke", "eve", "--yes"))
    good(eve("key", "new", "eve", "--unattended"))
    heard = good(desk.bob("history", "-n", "1"))
    assert "HAS CHANGED" in heard.err or "has revoked the key" in heard.err
    refused = desk.bob("send", "--sealed", "@eve", SECRET)
    assert refused.code == 1
